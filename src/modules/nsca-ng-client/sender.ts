import { randomBytes } from "node:crypto";
import type { Clock } from "../../kernel/clock.js";
import { errorText } from "../../kernel/errors.js";
import type { OutgoingResult, RelayTarget, Sender, SenderEnvironment, Verdict } from "../../relay/relay.js";
import { type CommandOutcome, NscaNgSession, type PushCommand } from "../../wire/nsca-ng/client-session.js";
import { prepareCommand } from "./commands.js";
import { connect } from "./connect.js";
import { LineConnection } from "./line-connection.js";
import type { SessionTls } from "./session-tls.js";
import type { TargetKeys } from "./settings.js";

/** What came of a session: outcomes in the order of the commands, and why there are no more of them. */
interface SessionResult {
  readonly outcomes: readonly CommandOutcome[];
  readonly problem: string | undefined;
}

/** Delivers each batch in a session of its own. What the server said OKAY to is delivered, whatever comes behind it. */
export class NscaNgSender implements Sender {
  private readonly clock: Clock;

  constructor(
    private readonly target: RelayTarget<TargetKeys>,
    private readonly tls: SessionTls,
    private readonly environment: Pick<SenderEnvironment, "clock" | "log">,
  ) {
    this.clock = environment.clock;
  }

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const { maxOutputLength, hostCheck } = this.target.settings;
    const options = { maxOutputLength, asHostCheck: hostCheck };
    const prepared = batch.map((outgoing) => prepareCommand(outgoing, options));
    const commands = prepared.flatMap((one) => ("command" in one ? [one.command] : []));
    const { outcomes, problem } = await this.deliver(commands, signal);
    const verdicts: Verdict[] = [];
    let next = 0;
    for (const one of prepared) {
      if ("refused" in one) {
        verdicts.push({ kind: "refused", reason: one.refused });
        continue;
      }
      const outcome = outcomes[next++];
      if (outcome === undefined) {
        verdicts.push({ kind: "failed", reason: problem ?? "The session ended early." });
        break;
      }
      if (outcome.kind === "refused") {
        verdicts.push(outcome);
        continue;
      }
      // Said once it has arrived, and not again with each attempt before.
      for (const cut of one.cuts) this.environment.log.warn(cut);
      verdicts.push({ kind: "delivered", text: "Submission successful" });
    }
    return verdicts;
  }

  /** No connection outlives its batch. */
  close(): void {}

  private async deliver(commands: readonly PushCommand[], signal: AbortSignal): Promise<SessionResult> {
    const outcomes: CommandOutcome[] = [];
    if (commands.length === 0) return { outcomes, problem: undefined };
    const { host, port, settings } = this.target;
    let connection: LineConnection;
    try {
      const place = { host, port, timeoutMs: settings.timeout, tls: this.tls.options() };
      const socket = await connect(place, this.clock, signal);
      connection = new LineConnection(socket, this.clock);
    } catch (thrown) {
      return { outcomes, problem: sentence(thrown) };
    }
    const end = () => connection.destroy(new Error(errorText(signal.reason)));
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    try {
      await this.talk(connection, new NscaNgSession(commands), outcomes);
      await connection.close(settings.timeout);
      return { outcomes, problem: undefined };
    } catch (thrown) {
      connection.destroy(new Error("The session is over"));
      return { outcomes, problem: sentence(thrown) };
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  private async talk(connection: LineConnection, session: NscaNgSession, outcomes: CommandOutcome[]): Promise<void> {
    const { timeout } = this.target.settings;
    let request = NscaNgSession.greeting(randomBytes(6).toString("base64"));
    for (;;) {
      const { write, outcome, end } = session.receive(await connection.exchange(request, timeout, session.waitsFor));
      if (outcome !== undefined) outcomes.push(outcome);
      if (end === "finished") return;
      if (end !== undefined) throw new Error(end.broken);
      // A step that neither ends nor writes can't be: there is always a next request.
      if (write !== undefined) request = write;
    }
  }
}

function sentence(thrown: unknown): string {
  const text = errorText(thrown);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
