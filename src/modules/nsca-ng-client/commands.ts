import type { OutgoingResult } from "../../relay/relay.js";
import { fitNagiosText } from "../../wire/fit-nagios-text.js";
import {
  escapeNagiosOutput,
  nagiosHostState,
  nagiosNameProblem,
  renderNagiosCommand,
} from "../../wire/nagios-command.js";
import { renderNagiosText } from "../../wire/nagios-text.js";
import type { PushCommand } from "../../wire/nsca-ng/client-session.js";
import { toResultCode } from "../../wire/result-code.js";

/** The longest command that NSCA-ng's server takes unless its `max_command_size` says otherwise. */
const USUAL_COMMAND_SIZE = 16_384;

export interface CommandOptions {
  /** Bytes of the text. */
  readonly maxOutputLength: number;
  /** Every result is the state of its host. */
  readonly asHostCheck: boolean;
}

/** The command for a result, or why there can be none. */
export type Prepared =
  | {
      readonly command: PushCommand;
      /** What was cut from its text, a sentence each; complete when the server has taken the command. */
      readonly cuts: readonly string[];
    }
  | { readonly refused: string };

/** Makes the command of a result. */
export function prepareCommand(outgoing: OutgoingResult, options: CommandOptions): Prepared {
  const { host } = outgoing;
  const service = options.asHostCheck ? "" : outgoing.service;
  const refused =
    nagiosNameProblem("host", host) ?? (service === "" ? undefined : nagiosNameProblem("service", service));
  if (refused !== undefined) return { refused };
  const state = toResultCode(outgoing.result.result);
  const code = service === "" ? nagiosHostState(state) : state;
  const time = outgoing.timeMs / 1000;
  const text = renderNagiosText(outgoing.result);
  const subject = service === "" ? host : `${host};${service}`;
  const line = (output: string) => Buffer.from(`${renderNagiosCommand({ time, host, service, code, output })}\n`);
  const cuts: string[] = [];
  const cut = (shorter: string, why: string) => {
    cuts.push(
      `The output of ${subject} was cut from ${Buffer.byteLength(text)} to ${Buffer.byteLength(shorter)} bytes: ${why}.`,
    );
  };

  const fitted = fitNagiosText(text, options.maxOutputLength);
  if (fitted !== text) cut(fitted, "the target's max output length");
  const whole = line(fitted);
  if (whole.length <= USUAL_COMMAND_SIZE) return { command: { line: whole }, cuts };
  const shorten = () => {
    const head = whole.length - Buffer.byteLength(escapeNagiosOutput(fitted));
    if (head >= USUAL_COMMAND_SIZE) return undefined;
    const shorter = fitNagiosText(fitted, USUAL_COMMAND_SIZE - head, { escaped: true });
    cut(shorter, "the server takes no longer commands, see its max_command_size");
    return line(shorter);
  };
  return { command: { line: whole, shorten }, cuts };
}
