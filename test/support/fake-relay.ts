import { GatewayError } from "../../src/kernel/errors.js";
import { defineRelay } from "../../src/relay/define-relay.js";
import type { OutgoingResult, RelayTarget, Sender, Verdict } from "../../src/relay/relay.js";
import type { KeySpec } from "../../src/settings/schema.js";
import { renderNagiosText } from "../../src/wire/nagios-text.js";
import { codeName } from "../../src/wire/result-code.js";

const keys = {
  cipher: { type: "string", default: "xor", title: "Cipher", description: "How it is encrypted" },
  password: { type: "password", default: "", title: "Password", description: "The secret" },
  keyFile: { type: "path", title: "Key file", description: "A file" },
  useTls: { type: "bool", default: false, title: "Use TLS", description: "Whether with TLS" },
} as const satisfies Record<string, KeySpec>;

export type FakeTarget = RelayTarget<typeof keys>;

/** What a receiver says of a batch; the host and port that it listens on come with it. */
export type FakeReceiver = (
  batch: readonly string[],
  target: FakeTarget,
  signal: AbortSignal,
) => readonly Verdict[] | Promise<readonly Verdict[]>;

export const delivered = (text = "thanks"): Verdict => ({ kind: "delivered", text });
export const refused = (reason: string): Verdict => ({ kind: "refused", reason });
export const failed = (reason: string): Verdict => ({ kind: "failed", reason });

/** A result as a line: `host;service STATE text`. */
export function outgoingLine({ host, service, result }: OutgoingResult): string {
  return `${host};${service} ${codeName(result.result)} ${renderNagiosText(result)}`;
}

/** A relay whose receivers are a function of the test's. It keeps what was sent, a line for each batch. */
export function fakeRelay(receiver: FakeReceiver = (batch) => batch.map(() => delivered())) {
  const sent: string[] = [];
  const state = { receiver, open: 0, most: 0 };
  const relay = defineRelay({
    name: "FakeClient",
    summary: "Relays to a receiver of the test's",
    defaultAlias: "fake-client",
    section: "FAKE",
    channel: "FAKE",
    word: "fake-it",
    grade: "confirmed",
    defaultPort: 5667,
    targetKeys: keys,
    batch: { count: 10, bytes: 100_000 },
    connect(target): Sender {
      if (target.settings.cipher === "rot13") {
        throw new GatewayError("CONFIGURATION", `cipher: there is no cipher rot13 for ${target.name}`);
      }
      return {
        async send(batch, signal) {
          state.most = Math.max(state.most, ++state.open);
          const lines = batch.map(outgoingLine);
          sent.push(`${target.host}:${target.port} ${lines.join(" / ")}`);
          try {
            return await state.receiver(lines, target, signal);
          } finally {
            state.open--;
          }
        },
        close() {},
      };
    },
  });
  return { relay, sent, state };
}
