import type { OutgoingResult, Sender, SenderEnvironment, Verdict } from "../../relay/relay.js";
import { fitNagiosText } from "../../wire/fit-nagios-text.js";
import { escapeNagiosOutput, renderNagiosCommand } from "../../wire/nagios-command.js";
import { CommandPipe, PIPE_PIECE } from "./command-pipe.js";
import { nagiosResult, resultProblem } from "./nagios-result.js";

/** The line of a result, or why there can be none. */
type Prepared =
  | {
      readonly line: Buffer;
      /** What was cut from its text. */
      readonly cut?: string;
    }
  | { readonly refused: string };

/** Delivers results as external commands. */
export class PipeSender implements Sender {
  private readonly pipe: CommandPipe;

  constructor(
    file: string,
    private readonly timeoutMs: number,
    private readonly environment: SenderEnvironment,
  ) {
    this.pipe = CommandPipe.at(file);
  }

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const prepared = batch.map((outgoing) => this.prepare(outgoing));
    const lines = prepared.flatMap((one) => ("line" in one ? [one.line] : []));
    const { clock } = this.environment;
    const { written, problem } =
      lines.length === 0
        ? { written: 0, problem: undefined }
        : await this.pipe.write(lines, this.timeoutMs, clock, signal);
    const verdicts: Verdict[] = [];
    let sent = 0;
    for (const one of prepared) {
      if ("refused" in one) {
        verdicts.push({ kind: "refused", reason: one.refused });
        continue;
      }
      if (sent++ >= written) {
        verdicts.push({ kind: "failed", reason: problem ?? "The attempt was ended." });
        break;
      }
      // Said once it has gone out, and not again with each attempt before.
      if (one.cut !== undefined) this.environment.log.warn(one.cut);
      verdicts.push({ kind: "delivered", text: "Written to the command file" });
    }
    return verdicts;
  }

  /** The pipe is closed behind each batch. */
  close(): void {}

  /** What is longer than a pipe takes in one piece would mix with the lines of other programs, so it is cut. */
  private prepare(outgoing: OutgoingResult): Prepared {
    const refused = resultProblem(outgoing);
    if (refused !== undefined) return { refused };
    const result = nagiosResult(outgoing);
    const line = Buffer.from(`${renderNagiosCommand(result)}\n`);
    if (line.length <= PIPE_PIECE) return { line };
    const room = PIPE_PIECE - (line.length - Buffer.byteLength(escapeNagiosOutput(result.output)));
    if (room < 0) {
      return { refused: `The names of host and service are too long for a command of ${PIPE_PIECE} bytes.` };
    }
    const output = fitNagiosText(result.output, room, { escaped: true });
    const cut =
      `The output of ${[result.host, result.service].filter((name) => name !== "").join(";")} was cut from ` +
      `${Buffer.byteLength(result.output)} to ${Buffer.byteLength(output)} bytes: a command file takes no more; ` +
      "a check result path would.";
    return { line: Buffer.from(`${renderNagiosCommand({ ...result, output })}\n`), cut };
  }
}
