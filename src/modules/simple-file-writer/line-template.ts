import type { OutgoingResult } from "../../relay/relay.js";
import { formatDate } from "../../telemetry/log-text.js";
import { renderNagiosText } from "../../wire/nagios-text.js";
import { renderPerfdata } from "../../wire/perfdata.js";
import { codeName } from "../../wire/result-code.js";

/** The line of a result, with its end. */
export type LineTemplate = (result: OutgoingResult) => string;

type Word = (result: OutgoingResult, timeSyntax: string) => string;

const words: Readonly<Record<string, Word>> = {
  host: ({ host }) => host,
  service: ({ service }) => service,
  alias: ({ service }) => service,
  command: ({ result }) => result.command,
  "alias-or-command": ({ service, result }) => service || result.alias || result.command,
  channel: ({ channel }) => channel,
  message: ({ result }) => renderNagiosText(result),
  text: ({ result }) => renderNagiosText(result, { perfdata: false }),
  perf: ({ result }) => renderPerfdata(result.lines.flatMap(({ perf }) => perf)),
  result: ({ result }) => codeName(result.result),
  result_number: ({ result }) => String(result.result),
  epoch: ({ timeMs }) => String(Math.floor(timeMs / 1000)),
  time: ({ timeMs }, timeSyntax) => formatDate(new Date(timeMs), timeSyntax),
};

const WORD = /\$\{([^{}]*)\}|%\(([^()]*)\)/g;

/** @param timeSyntax how `${time}` is written, by strftime */
export function lineTemplate(syntax: string, timeSyntax: string): LineTemplate {
  return (result) => {
    const text = syntax.replace(WORD, (all, dollar?: string, percent?: string) => {
      const word = words[dollar ?? percent ?? ""];
      return word === undefined ? all : word(result, timeSyntax);
    });
    return `${text.replace(LINE_BREAKS, "\\n")}\n`;
  };
}

/** A result is a line: who reads the file finds its end there. */
const LINE_BREAKS = /\r\n|[\r\n]/g;

/** What is wrong with a template: a word that there is not. */
export function templateProblem(syntax: string): string | undefined {
  const names = [...syntax.matchAll(WORD)].map(([, dollar, percent]) => dollar ?? percent ?? "");
  const unknown = names.find((name) => words[name] === undefined);
  if (unknown === undefined) return undefined;
  return `there is no \${${unknown}} (there are ${Object.keys(words)
    .map((name) => `\${${name}}`)
    .join(", ")})`;
}
