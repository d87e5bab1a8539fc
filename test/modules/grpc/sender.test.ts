import { describe, expect, it, onTestFinished } from "vitest";
import { gatewayProtocol } from "../../../src/modules/grpc-client/protocol.js";
import type { OutgoingResult } from "../../../src/relay/relay.js";
import { PB, StatusCode, type SubmitRequestMessage, SubmitResponse } from "../../../src/wire/messages.js";
import { renderNagiosText } from "../../../src/wire/nagios-text.js";
import { owner } from "../../support/kernel.js";
import { checkTimeMs, outgoingResult, relaySender } from "../../support/relay-target.js";
import { clientFiles, failure, type GrpcGateway, startGateway } from "./grpc-gateway.js";

const never = new AbortController().signal;
const script = owner(7, "NodeScript", "node");

/** A sender to a gateway whose channel `inbox` answers as `answer` does, and what came in there. */
async function sending(
  answer: (text: string) => Partial<PB.Common.Result> = () => ({ message: "Submission successful", data: "queued" }),
  keys: Readonly<Record<string, string>> = {},
) {
  const gateway = await startGateway();
  const received: { channel: string; hops: number; submission: SubmitRequestMessage }[] = [];
  gateway.registry.addChannel(script, "inbox,other", (submission, { hops }) => {
    received.push({ channel: submission.channel, hops, submission });
    return submission.payload.map((payload) =>
      SubmitResponse.create({ result: PB.Common.Result.create(answer(payload.lines[0]?.message ?? "")) }),
    );
  });
  return { gateway, received, ...(await senderTo(gateway, keys)) };
}

async function senderTo(gateway: GrpcGateway, keys: Readonly<Record<string, string>> = {}) {
  const { certificate, certificateKey } = await clientFiles(gateway, "poller1");
  const parts = relaySender(gatewayProtocol, {
    ...{ host: "127.0.0.1", port: gateway.port, ca: `${gateway.folder}/ca.pem` },
    ...{ certificate, "certificate key": certificateKey, ...keys },
  });
  onTestFinished(() => void parts.sender.close());
  return parts;
}

const result = (text: string, more: Partial<OutgoingResult> = {}) =>
  outgoingResult("web1", "disk", 1, text, { channel: "inbox", ...more });
const rows = ({ payload }: SubmitRequestMessage) =>
  payload.map((one) => [one.source, one.alias, one.command, one.result, renderNagiosText(one)].join(" "));
const delivered = { kind: "delivered", text: "Submission successful" };

describe("results for another gateway", () => {
  it("keep host, service, times and text, and go in one message", async () => {
    const { sender, received } = await sending();
    const batch = [
      result("91 %|'/'=91%;90;95\nlong ü; output"),
      outgoingResult("web2", "", 0, "up", {
        channel: "inbox",
        timeMs: checkTimeMs + 5,
        executionMs: { start: 3, end: 4 },
      }),
    ];
    expect(await sender.send(batch, never)).toEqual([delivered, delivered]);
    expect(received.map(({ channel, hops, submission }) => [channel, hops, rows(submission)])).toEqual([
      ["inbox", 1, ["web1 disk disk 1 91 %|'/'=91%;90;95\nlong ü; output", "web2 host_check host_check 0 up"]],
    ]);
    expect(received[0]?.submission.header?.metadata.map(({ key, value }) => `${key}=${value}`)).toEqual([
      `check.time=${checkTimeMs},${checkTimeMs + 5}`,
      "execution.start=,3",
      "execution.end=,4",
    ]);
  });

  it("go to the channel that they came in on here, or to the one of the settings", async () => {
    const { sender, received, gateway } = await sending();
    await sender.send([result("a"), result("b", { channel: "other" }), result("c")], never);
    expect(received.map(({ channel, submission }) => `${channel} ${rows(submission).length}`)).toEqual([
      "inbox 1",
      "other 1",
      "inbox 1",
    ]);
    const named = await senderTo(gateway, { "remote channel": "other" });
    await named.sender.send([result("a"), result("b", { channel: "other" })], never);
    expect(received.slice(3).map(({ channel, submission }) => `${channel} ${rows(submission).length}`)).toEqual([
      "other 2",
    ]);
  });

  it("are split where a message would be too large", async () => {
    const { sender, received } = await sending();
    const batch = Array.from({ length: 5 }, (_element, index) => result(`${index} ${"x".repeat(1 << 20)}`));
    expect(await sender.send(batch, never)).toEqual(batch.map(() => delivered));
    expect(received.map(({ submission }) => submission.payload.length)).toEqual([2, 2, 1]);
  });

  it("count the gateways that they came through, and are refused when they go round in a circle", async () => {
    const { sender, received } = await sending();
    const verdicts = await sender.send([result("a", { hops: 7 }), result("b", { hops: 8 }), result("c")], never);
    expect(verdicts).toEqual([
      delivered,
      {
        kind: "refused",
        reason: "The call came through 8 gateways already; they seem to pass it round in a circle.",
      },
      delivered,
    ]);
    expect(received.map(({ hops }) => hops)).toEqual([8, 1]);
  });
});

describe("what the other gateway answers", () => {
  it("is the verdict on each result: what it refuses is refused with its words", async () => {
    const { sender } = await sending((text) =>
      text === "bad" ? { code: StatusCode.STATUS_ERROR, message: "no such host" } : {},
    );
    expect(await sender.send([result("good"), result("bad"), result("good")], never)).toEqual([
      delivered,
      { kind: "refused", reason: "no such host" },
      delivered,
    ]);
  });

  it("about its channels is no verdict on a result: it is tried again", async () => {
    const { sender } = await sending();
    expect(await sender.send([result("a", { channel: "nobody" })], never)).toEqual([
      { kind: "failed", reason: "Failed to submit message: nobody" },
    ]);
    const narrow = await startGateway("", "[/settings/security/certificates]\nDNS:poller1 = narrow");
    expect(await (await senderTo(narrow)).sender.send([result("a")], never)).toEqual([
      { kind: "failed", reason: "Permission denied: CN=poller1 is not allowed to submit to inbox" },
    ]);
  });

  it("as a whole fails them all: not let in, not there", async () => {
    const { gateway } = await sending();
    const stranger = await senderTo(gateway, { token: "stolen" });
    expect(await failure(stranger.sender.send([result("a")], never))).toMatch(/^UNAUTHENTICATED: /);
    const { sender } = await senderTo(gateway);
    await gateway.stop();
    expect(await failure(sender.send([result("a")], never))).toMatch(/^UNAVAILABLE: Cannot reach 127\.0\.0\.1:\d+: /);
  });

  it("for the second message does not undo what it said to the first", async () => {
    const { sender, received } = await sending();
    const big = "x".repeat(5 << 20);
    const verdicts = await sender.send([result("a"), result(big), result("c")], never);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["delivered", "failed", "failed"]);
    expect(received).toHaveLength(1);
  });

  it("to a message that is too large is that halves may be taken", async () => {
    const { sender } = await sending();
    await expect(sender.send([result("x".repeat(5 << 20))], never)).rejects.toMatchObject({
      name: "BatchRefused",
      message: expect.stringMatching(/larger than/),
    });
  });
});
