import type { OutgoingResult, Sender, SenderEnvironment, Verdict } from "../../relay/relay.js";
import { renderCheckResultFile } from "../../wire/nagios-check-result.js";
import { nagiosResult, resultProblem } from "./nagios-result.js";
import { type FolderOptions, ResultFolder } from "./result-folder.js";

/** Delivers each batch as one file. */
export class FolderSender implements Sender {
  private readonly folder: ResultFolder;

  constructor(
    options: FolderOptions,
    private readonly environment: SenderEnvironment,
  ) {
    this.folder = new ResultFolder(options, environment.clock);
  }

  async send(batch: readonly OutgoingResult[]): Promise<readonly Verdict[]> {
    const backlog = await this.folder.backlog();
    if (backlog !== undefined) throw new Error(`${backlog}.`);
    const results = batch.filter((outgoing) => resultProblem(outgoing) === undefined).map(nagiosResult);
    if (results.length > 0) await this.folder.add(renderCheckResultFile(results, this.environment.clock.now() / 1000));
    return batch.map((outgoing) => {
      const reason = resultProblem(outgoing);
      return reason === undefined
        ? { kind: "delivered", text: "Written to the check result path" }
        : { kind: "refused", reason };
    });
  }

  /** No file stays open. */
  close(): void {}
}
