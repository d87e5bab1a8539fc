import type { PeerLog } from "../../front-end/peer-log.js";
import type { Call } from "../../kernel/call.js";
import type { GatewayControl } from "../../kernel/control.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Principal } from "../../kernel/principal.js";
import { splitNames } from "../../kernel/registry.js";
import type { Security } from "../../security/security.js";
import { type QueryResponse, StatusCode, SubmitRequestMessage } from "../../wire/messages.js";
import type { NscaInit } from "../../wire/nsca/init-packet.js";
import type { NscaMethod } from "../../wire/nsca/methods.js";
import type { ReceivedNscaPacket } from "../../wire/nsca/packet.js";
import { passiveResult } from "../../wire/passive-result.js";
import type { Figures } from "./figures.js";
import type { ReplayWindow } from "./replay-window.js";
import type { ServerSettings } from "./settings.js";

/** The name of this door in the audit log and in metrics. */
const frontEnd = "nsca";

export interface IntakeParts {
  readonly gateway: GatewayControl;
  readonly security: Security;
  readonly settings: ServerSettings;
  readonly method: NscaMethod;
  readonly window: ReplayWindow;
  readonly figures: Figures;
  readonly peers: PeerLog;
}

/** Judges packets and brings the results of those that are right to the channel. */
export class Intake {
  constructor(private readonly parts: IntakeParts) {}

  /**
   * Submits the results of packets that came one behind the other. Packets that can't be right are left out and logged.
   *
   * @returns whether the sender can go on: false when a result was not accepted, which nobody can tell it
   */
  async take(packets: readonly ReceivedNscaPacket[], init: NscaInit, address: string): Promise<boolean> {
    const { figures, peers } = this.parts;
    const payload = packets.flatMap((packet) => this.resultOf(packet, init, address) ?? []);
    if (payload.length === 0) return true;
    for (const [index, result] of payload.entries()) result.id = index + 1;
    const call = this.parts.gateway.call({ principal: this.principal(address), peer: address, frontEnd, remote: true });
    let accepted = 0;
    try {
      accepted = await this.submit(payload, call);
      this.record(call, "ok");
      return true;
    } catch (thrown) {
      const isDenied = thrown instanceof GatewayError && thrown.code === "PERMISSION_DENIED";
      this.record(call, isDenied ? "denied" : "failed", errorText(thrown));
      if (thrown instanceof PartlyRefused) accepted = thrown.accepted;
      const lost = payload.length - accepted;
      figures.notAccepted += lost;
      const count = lost === 1 ? "1 result" : `${lost} results`;
      peers.warn(
        address,
        "not accepted",
        `Did not take ${count} of ${address} and closed its connection: ${errorText(thrown)}`,
      );
      return false;
    } finally {
      figures.accepted += accepted;
      call.finish();
    }
  }

  /** Puts into the audit that a peer does not have the password. */
  recordStranger(address: string, reason: string): void {
    const { audit } = this.parts.security;
    const principal = this.principal(address);
    audit.record({ action: "login", outcome: "denied", principal, peer: address, frontEnd, reason });
  }

  /** The address is all that is known of a sender beside that it has the password. */
  private principal(address: string): Principal {
    const { security, settings, method } = this.parts;
    const isOpen = method.name === "none" || method.name === "xor";
    return security.principal(isOpen ? "anonymous" : "token", `nsca:${address}`, settings.role);
  }

  private resultOf(packet: ReceivedNscaPacket, init: NscaInit, address: string): QueryResponse | undefined {
    const { figures, peers, settings } = this.parts;
    const problem = this.problemOf(packet, init);
    if (problem !== undefined) {
      figures.rejected++;
      peers.warn(address, problem.kind, `Left out a result of ${address}: ${problem.text}`);
      return undefined;
    }
    const { host, service, code, output } = packet;
    const result = passiveResult({ host, service, code, text: output });
    if (!settings.performanceData) for (const line of result.lines) line.perf = [];
    return result;
  }

  private problemOf(packet: ReceivedNscaPacket, init: NscaInit): { kind: string; text: string } | undefined {
    const { gateway, settings, window } = this.parts;
    const name = nameProblem(packet);
    if (name !== undefined) return { kind: "name", text: name };
    const { maxPacketAge } = settings;
    if (maxPacketAge === 0 || maxPacketAge === Number.POSITIVE_INFINITY) return undefined;
    const age = init.timestamp - packet.timestamp;
    if (Math.abs(age) * 1000 > maxPacketAge) {
      const direction = age > 0 ? "older" : "younger";
      return { kind: "age", text: `its packet is ${Math.abs(age)} s ${direction} than its connection` };
    }
    // A copy can come as long as a connection that begins so much later, and then until it is idle.
    const keepMs = 2 * maxPacketAge + settings.timeout;
    if (!window.meets(packet, gateway.clock.now(), keepMs)) return undefined;
    return { kind: "copy", text: "its packet came before, as it is" };
  }

  /** How many were accepted: all of them, or it throws. */
  private async submit(payload: QueryResponse[], call: Call): Promise<number> {
    const { gateway, settings } = this.parts;
    const channel = settings.inbox;
    const message = SubmitRequestMessage.create({ channel, payload });
    const { message: answer } = await withinTime(
      gateway,
      gateway.core.submit(channel, message, call),
      settings.timeout,
    );
    const refused = answer.payload.flatMap(({ result }) =>
      result === null || result.code === StatusCode.STATUS_OK ? [] : [result.message],
    );
    if (refused.length === 0) return payload.length;
    const isDenied = refused.every((reason) => reason.startsWith("Permission denied:"));
    const reasons = [...new Set(refused)].slice(0, 5).join("; ");
    throw new PartlyRefused(isDenied ? "PERMISSION_DENIED" : "UNAVAILABLE", reasons, payload.length - refused.length);
  }

  private record({ principal, peer, traceId }: Call, outcome: "ok" | "denied" | "failed", reason?: string): void {
    const { audit } = this.parts.security;
    if (!audit.keeps("submit", outcome)) return;
    const objects = splitNames(this.parts.settings.inbox);
    audit.record({ action: "submit", outcome, principal, peer, frontEnd, traceId, objects, reason });
  }
}

/** Results that were not accepted, while some perhaps were. */
class PartlyRefused extends GatewayError {
  constructor(
    code: "PERMISSION_DENIED" | "UNAVAILABLE",
    message: string,
    readonly accepted: number,
  ) {
    super(code, message);
  }
}

/** Names end up in lines with `;` between their fields, and a control character in one could make up a line of its own. */
function nameProblem({ host, service }: ReceivedNscaPacket): string | undefined {
  if (host.trim() === "") return "it names no host";
  for (const [kind, name] of [
    ["host", host],
    ["service", service],
  ] as const) {
    if (/[\p{Cc};]/u.test(name))
      return `the ${kind} ${JSON.stringify(name.slice(0, 80))} has a control character or a ;`;
  }
  return undefined;
}

function withinTime<Value>({ clock }: GatewayControl, work: Promise<Value>, timeoutMs: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(timeoutMs, () =>
      reject(new GatewayError("DEADLINE_EXCEEDED", `they were not accepted within ${timeoutMs / 1000} s`)),
    );
    work.then(resolve, reject).finally(stop);
  });
}
