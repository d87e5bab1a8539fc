import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/kernel/log.js";
import { AllowedHosts, allowedHostProblem } from "../../src/security/allowed-hosts.js";
import { RecordingLog } from "../support/recording-log.js";

async function allows(list: string, peer: string): Promise<boolean> {
  return (await AllowedHosts.create(list.split(","), { cache: true, log: silentLogger })).allows(peer);
}

describe("allowed hosts", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "::ffff:127.0.0.1", true],
    ["127.0.0.1", "::ffff:7f00:1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["127.0.0.1", "::1", false],
    ["::ffff:10.0.0.1", "10.0.0.1", true],
    ["::ffff:10.0.0.0/104", "10.9.9.9", true],
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.1.2.3/8", "10.255.0.1", true],
    ["192.168.1.128/25", "192.168.1.127", false],
    ["192.168.1.128/25", "192.168.1.200", true],
    ["0.0.0.0/0", "203.0.113.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::1", "::1", true],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["[::1]", "::1", true],
    ["fe80::/10", "fe80::1%eth0", true],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["10.1.*", "10.1.200.7", true],
    ["10.1.*.*", "10.1.200.7", true],
    ["10.1.*", "10.10.0.1", false],
    ["2001:db8:*", "2001:db8:1::1", true],
    ["2001:db8:*", "2001:db9::1", false],
    ["*", "203.0.113.1", true],
    ["*", "2001:db8::1", true],
    ["", "127.0.0.1", false],
    [" 10.0.0.1 , 10.0.0.2 ", "10.0.0.2", true],
    ["127.0.0.1", "not an address", false],
    ["127.0.0.1", "", true],
  ])("%s and %s: %s", async (list, peer, expected) => {
    expect(await allows(list, peer)).toBe(expected);
  });

  it.each([
    ["10.0.0.0/33", '"10.0.0.0/33" has 33 bits, which is impossible'],
    ["10.0.0.0/x", '"10.0.0.0/x" needs a number of bits between 0 and 128 behind its slash'],
    ["10.0.0.0/", '"10.0.0.0/" needs a number of bits between 0 and 128 behind its slash'],
    ["300.1.1.1", '"300.1.1.1" is neither an address nor a range nor a host name'],
    ["10.*.1.1", '"10.*.1.1" is not a range such as 10.1.* or 2001:db8:*; names can\'t have a * either'],
    ["10.1*", '"10.1*" is not a range such as 10.1.* or 2001:db8:*; names can\'t have a * either'],
    ["*.example.com", '"*.example.com" is not a range such as 10.1.* or 2001:db8:*; names can\'t have a * either'],
    ["a b", '"a b" is neither an address nor a range nor a host name'],
    ["poller.example.com", undefined],
  ])("%s is checked before anybody comes", (entry, problem) => {
    expect(allowedHostProblem(entry)).toBe(problem);
  });

  it("lets in exactly the addresses of a range", async () => {
    const address = fc.nat(0xffff_ffff);
    const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
    await fc.assert(
      fc.asyncProperty(address, address, fc.nat(32), async (network, flips, bits) => {
        const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
        const inside = ((network & mask) | (flips & ~mask)) >>> 0;
        const outside = bits === 0 ? undefined : (inside ^ (1 << (32 - bits))) >>> 0;
        const range = `${dotted(network)}/${bits}`;
        expect(await allows(range, dotted(inside))).toBe(true);
        if (outside !== undefined) expect(await allows(range, `::ffff:${dotted(outside)}`)).toBe(false);
      }),
    );
  });
});

describe("host names among them", () => {
  function resolver(answers: string[][]) {
    const asked: string[] = [];
    const resolve = async (name: string) => {
      asked.push(name);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined || answer.length === 0) throw new Error(`${name} not found`);
      return answer;
    };
    return { asked, resolve };
  }

  it("are resolved once when they may be cached", async () => {
    const { asked, resolve } = resolver([["10.0.0.1", "2001:db8::1"]]);
    const hosts = await AllowedHosts.create(["poller"], { cache: true, log: silentLogger, resolve });
    const answers = [await hosts.allows("10.0.0.1"), await hosts.allows("2001:db8::1"), await hosts.allows("10.0.0.2")];
    expect([answers, asked]).toEqual([[true, true, false], ["poller"]]);
  });

  it("are resolved for every peer when they may not", async () => {
    const { asked, resolve } = resolver([["10.0.0.1"], ["10.0.0.2"]]);
    const hosts = await AllowedHosts.create(["poller"], { cache: false, log: silentLogger, resolve });
    expect([await hosts.allows("10.0.0.1"), await hosts.allows("10.0.0.2"), asked.length]).toEqual([false, true, 3]);
  });

  it("that can't be resolved are spoken of, and tried again", async () => {
    const log = new RecordingLog();
    const { resolve } = resolver([[], ["10.0.0.1"]]);
    const hosts = await AllowedHosts.create(["poller", "127.0.0.1"], { cache: true, log, resolve });
    expect([await hosts.allows("127.0.0.1"), await hosts.allows("10.0.0.1")]).toEqual([true, true]);
    expect(log.records).toEqual([
      "warn: The allowed host poller can't be resolved, nobody gets in by this name: poller not found",
    ]);
  });

  it("may stand for a network", async () => {
    const { resolve } = resolver([["10.0.0.1"]]);
    const hosts = await AllowedHosts.create(["poller/24"], { cache: true, log: silentLogger, resolve });
    expect([await hosts.allows("10.0.0.77"), await hosts.allows("10.0.1.1")]).toEqual([true, false]);
  });
});
