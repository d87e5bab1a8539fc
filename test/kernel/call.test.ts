import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deadlines } from "../../src/kernel/deadlines.js";
import { GatewayError } from "../../src/kernel/errors.js";
import { hostOf, stampHeader, trustedHeader } from "../../src/kernel/header.js";
import { Grants, globMatcher, modulePrincipal } from "../../src/kernel/principal.js";
import { Header, PB } from "../../src/wire/messages.js";
import { FakeClock } from "../support/fake-clock.js";
import { incoming, poller } from "../support/kernel.js";

const gone = new GatewayError("CANCELLED", "gone");

describe("aborting a call", () => {
  test("reaches everyone below, whether they listen, hold a signal or ask later", () => {
    const call = incoming();
    const child = call.nested();
    const grandchild = child.nested();
    const heard: unknown[] = [];
    grandchild.onAbort((reason) => heard.push(reason));
    const { signal } = child.nested();
    call.abort(gone);
    call.abort(new GatewayError("CANCELLED", "again"));
    expect(heard).toEqual([gone]);
    expect(signal.reason).toBe(gone);
    expect(child.nested().signal.reason).toBe(gone);
    expect(child.nested().aborted).toBe(gone);
    child.nested().onAbort((reason) => heard.push(reason));
    expect(heard).toEqual([gone, gone]);
  });

  test("does not reach its parent, a neighbour, those that stopped listening, or a call with its answer", () => {
    const call = incoming();
    const child = call.nested();
    const neighbour = call.nested();
    const heard: unknown[] = [];
    const stop = child.onAbort(() => heard.push("stopped"));
    stop();
    child.abort(gone);
    expect([call.aborted, neighbour.signal.aborted, heard]).toEqual([undefined, false, []]);
    const finished = call.nested();
    const { signal } = finished;
    finished.finish();
    finished.onAbort(() => heard.push("finished"));
    call.abort(gone);
    expect([signal.aborted, heard]).toEqual([false, []]);
  });
});

test("a nested call has the identity, deadline and trace of its caller; a module's own call has those but its identity", () => {
  const call = incoming({ deadline: 500 });
  const facts = ({ principal, frontEnd, peer, traceId, remote, depth, caller, deadline }: typeof call) => ({
    ...{ principal: principal.name, frontEnd, peer, traceId, remote, depth, caller, deadline },
  });
  const same = { principal: "poller", frontEnd: "grpc", peer: "192.0.2.1", traceId: "t1", deadline: 500 };
  const script = { id: 3, name: "PythonScript", alias: "py" };
  expect(facts(call)).toEqual({ ...same, remote: true, depth: 0, caller: undefined });
  const nested = call.nested();
  expect(facts(nested)).toEqual({ ...same, remote: true, depth: 1, caller: undefined });
  const own = nested.madeBy(script, modulePrincipal("py"));
  const asModule = { ...same, principal: "module:py", remote: false, caller: script };
  expect(facts(own)).toEqual({ ...asModule, depth: 1 });
  expect(facts(own.nested())).toEqual({ ...asModule, depth: 2 });
  const other = nested.withPrincipal(poller("legacy"));
  expect(facts(other)).toEqual(facts(nested));
  expect(other.principal.grants.texts).toEqual(["legacy"]);
  call.abort(gone);
  expect([own.aborted, other.aborted]).toEqual([gone, gone]);
});

describe("grants", () => {
  test.each<{ grants: string[]; permission: string; object?: string; allowed: boolean }>([
    { grants: ["*"], permission: "queries.execute", allowed: true },
    { grants: [], permission: "queries.execute", allowed: false },
    { grants: ["", " "], permission: "queries.execute", allowed: false },
    { grants: ["queries.*"], permission: "queries.execute", object: "x", allowed: true },
    { grants: ["queries.*"], permission: "queries", allowed: true },
    { grants: ["queries.execute"], permission: "queries", allowed: true },
    { grants: ["queries"], permission: "queries.execute", allowed: false },
    { grants: ["queries.list"], permission: "queries.execute", allowed: false },
    { grants: ["queries.execute.more"], permission: "queries.execute", allowed: false },
    { grants: [" queries.execute : check_* "], permission: "queries.execute", object: "Check_A", allowed: true },
    { grants: ["queries.execute:check_*"], permission: "queries.execute", object: "other", allowed: false },
    { grants: ["queries.execute:check_*"], permission: "queries.execute", allowed: true },
    { grants: ["queries.execute:a", "queries.execute:b"], permission: "queries.execute", object: "b", allowed: true },
    { grants: ["queries.execute:a", "queries.execute"], permission: "queries.execute", object: "z", allowed: true },
    { grants: ["queries.execute:"], permission: "queries.execute", object: "a", allowed: false },
    { grants: ["*:check_a"], permission: "queries.execute", object: "check_a", allowed: true },
    { grants: ["*:check_a"], permission: "queries.execute", object: "check_b", allowed: false },
  ])("$grants: $permission $object is $allowed", ({ grants, permission, object, allowed }) => {
    const all = new Grants(grants);
    expect([all.allows(permission, object), all.allows(permission, object)]).toEqual([allowed, allowed]);
  });

  test("globs match what the same regular expression matches", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "B", ".", "*", "?"), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (glob, given) => {
        const pattern = glob.replace(/[.]/g, "\\.").replaceAll("*", ".*").replaceAll("?", ".");
        expect(globMatcher(glob)(given)).toBe(new RegExp(`^${pattern}$`, "i").test(given));
      }),
    );
  });

  test("globs that make regular expressions run for ever are answered", () => {
    expect(globMatcher(`${"*a".repeat(50)}b`)("a".repeat(50_000))).toBe(false);
  });
});

describe("headers from a network", () => {
  const { KeyValue, Host } = PB.Common;
  const reserved = fc
    .tuple(fc.constantFrom("nscp.", "NSCP.", " nscp.", "\tNsCp."), fc.string())
    .map(([prefix, rest]) => `${prefix}${rest}`);
  const metadata = fc.array(
    fc
      .record({ key: fc.oneof(reserved, fc.string(), fc.constant("nscp.principal")), value: fc.string() })
      .map((entry) => KeyValue.create(entry)),
  );
  const header = fc
    .record({
      metadata,
      command: fc.string(),
      recipientId: fc.string(),
      hosts: fc.array(fc.string().map((id) => Host.create({ id }))),
    })
    .map((fields) => Header.create(fields));

  test("never carry what only the gateway says, whatever the spelling, and keep all else", () => {
    fc.assert(
      fc.property(header, fc.boolean(), (given, mayOverride) => {
        const call = incoming({ principal: poller(mayOverride ? "targets.override" : "queries.*") });
        const { header: trusted, hostsRemoved } = trustedHeader(given, call);
        const honest = given.metadata.filter(({ key }) => !key.trim().toLowerCase().startsWith("nscp."));
        expect(trusted).toEqual(Header.create({ ...given, metadata: honest, hosts: mayOverride ? given.hosts : [] }));
        expect(hostsRemoved).toBe(!mayOverride && given.hosts.length > 0);
      }),
    );
  });

  test("are stamped with the identity as the gateway knows it, once", () => {
    fc.assert(
      fc.property(header, (given) => {
        const call = incoming().madeBy({ id: 3, name: "PythonScript", alias: "py" }, poller());
        const stamped = stampHeader(given, call);
        const own = stamped.metadata.filter(({ key }) => key.trim().toLowerCase().startsWith("nscp."));
        expect(own).toEqual([
          KeyValue.create({ key: "nscp.principal", value: "poller" }),
          KeyValue.create({ key: "nscp.caller_plugin_id", value: "3" }),
        ]);
        expect(stampHeader(stamped, call)).toEqual(stamped);
      }),
    );
    expect(stampHeader(null, incoming())).toEqual(
      Header.create({ metadata: [KeyValue.create({ key: "nscp.principal", value: "poller" })] }),
    );
  });

  test("from inside are left as they are", () => {
    const own = Header.create({
      metadata: [KeyValue.create({ key: "nscp.principal", value: "x" })],
      hosts: [Host.create({ id: "h" })],
    });
    const { header: trusted } = trustedHeader(own, incoming({ remote: false }));
    expect(trusted).toBe(own);
    expect([hostOf(own, "h"), hostOf(own, "other"), hostOf(null, "h")]).toEqual([own.hosts[0], undefined, undefined]);
  });
});

describe("deadlines", () => {
  test("never expire early, share a timer where they fall together, and can be taken back", () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const expired: string[] = [];
    const note = (name: string) => () => expired.push(`${name} at ${clock.monotonic()}`);
    const shared = note("shared");
    deadlines.add(11, note("a"));
    const cancelB = deadlines.add(19.5, note("b"));
    deadlines.add(12, shared);
    deadlines.add(12, shared);
    const cancelC = deadlines.add(25, note("c"));
    expect(clock.waiting).toBe(2);
    cancelB();
    cancelB();
    cancelC();
    expect(clock.waiting).toBe(1);
    clock.advance(11);
    expect(expired).toEqual([]);
    clock.advance(9);
    expect(expired).toEqual(["a at 20", "shared at 20", "shared at 20"]);
    expect(clock.waiting).toBe(0);
  });

  test("months ahead don't overflow the timers of the system", () => {
    const waits: number[] = [];
    const clock = new (class extends FakeClock {
      override after(ms: number, fire: () => void): () => void {
        waits.push(ms);
        return super.after(ms, fire);
      }
    })();
    let expired = 0;
    const month = 30 * 86_400_000;
    const cancel = new Deadlines(clock).add(month, () => expired++);
    new Deadlines(clock).add(month, () => expired++);
    clock.advance(month - 1);
    expect(expired).toBe(0);
    expect(Math.max(...waits)).toBeLessThan(2 ** 31);
    cancel();
    clock.advance(1);
    expect([expired, clock.waiting]).toEqual([1, 0]);
  });

  test("a timer that fires early waits on", () => {
    const clock = new (class extends FakeClock {
      override after(ms: number, fire: () => void): () => void {
        return super.after(ms > 1 ? ms - 1 : ms, fire);
      }
    })();
    let expiredAt = -1;
    new Deadlines(clock).add(100, () => {
      expiredAt = clock.monotonic();
    });
    clock.advance(99);
    expect(expiredAt).toBe(-1);
    clock.advance(1);
    expect(expiredAt).toBe(100);
  });
});
