/**
 * Which arguments a command may have, as the settings write it: `warning=percent critical=percent path(/srv) [word...]`
 *
 * A rule is a row of slots with blanks between them. A slot is a type, or `key=` and a type; in brackets it may be left out,
 * with `...` behind it there may be several. Arguments that begin with the key of a slot belong to it wherever they stand;
 * the others fill the slots without a key in their order. Nothing is tried twice, so a rule takes no time to speak of.
 */
import { parseCommandLine } from "../../wire/command-line.js";
import { type ArgumentType, parseArgumentType } from "./argument-types.js";

interface Slot {
  /** In lower case and with its `=`; undefined for a slot that goes by its place. */
  readonly key: string | undefined;
  readonly type: ArgumentType;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
  /** As it is written. */
  readonly text: string;
}

/** A rule, or what is wrong with its text. */
export type ParsedRule = { readonly rule: ArgumentRule; readonly problem?: undefined } | { readonly problem: string };

/** Reads a rule. An empty one allows no arguments. */
export function parseArgumentRule(text: string): ParsedRule {
  const line = parseCommandLine(text);
  if (line.problem !== undefined) return { problem: line.problem };
  const slots: Slot[] = [];
  for (const word of line.words) {
    const slot = parseSlot(word);
    if (typeof slot === "string") return { problem: slot };
    const problem = orderProblem(slot, slots);
    if (problem !== undefined) return { problem };
    slots.push(slot);
  }
  return { rule: new ArgumentRule(slots) };
}

/** What a command takes. */
export class ArgumentRule {
  private readonly keyed: readonly Slot[];
  private readonly placed: readonly Slot[];

  constructor(slots: readonly Slot[]) {
    this.keyed = slots.filter(({ key }) => key !== undefined);
    this.placed = slots.filter(({ key }) => key === undefined);
  }

  /** What is wrong with these arguments: a clause that names the first that does not fit; undefined when all do. */
  problemOf(args: readonly string[]): string | undefined {
    const filled = new Set<Slot>();
    let place = 0;
    for (const [index, argument] of args.entries()) {
      const { slot, value } = this.slotOf(argument, place);
      const name = `argument ${index + 1}, ${quoted(argument)},`;
      if (slot === undefined) return `${name} is one more than the command takes`;
      if (!slot.type.fits(value)) return `${name} does not fit ${slot.text}: it has to be ${slot.type.meaning}`;
      if (slot.key !== undefined && filled.has(slot) && !slot.isRepeated) return `${name} is given twice`;
      filled.add(slot);
      if (slot.key === undefined && !slot.isRepeated) place++;
    }
    const missing = [...this.placed, ...this.keyed].find((slot) => !slot.isOptional && !filled.has(slot));
    return missing === undefined ? undefined : `the argument ${missing.text} is missing: ${missing.type.meaning}`;
  }

  private slotOf(argument: string, place: number): { slot: Slot | undefined; value: string } {
    const start = argument.slice(0, argument.indexOf("=") + 1).toLowerCase();
    const slot = start === "" ? undefined : this.keyed.find(({ key }) => key === start);
    if (slot !== undefined) return { slot, value: argument.slice(start.length) };
    return { slot: this.placed[place], value: argument };
  }
}

function parseSlot(word: string): Slot | string {
  let text = word;
  let isRepeated = cutEnd("...");
  const isOptional = text.startsWith("[");
  if (isOptional) {
    if (!text.endsWith("]")) return `the bracket of ${word} is not closed at its end`;
    text = text.slice(1, -1);
    isRepeated = cutEnd("...") || isRepeated;
  }
  // The key ends before the parentheses, which may hold a = of their own.
  const equals = text.split("(", 1)[0]?.indexOf("=") ?? -1;
  const type = parseArgumentType(text.slice(equals + 1));
  if (typeof type === "string") return type;
  if (equals === 0) return `${word} has no key before its =`;
  const key = equals < 0 ? undefined : text.slice(0, equals + 1).toLowerCase();
  return { key, type, isOptional, isRepeated, text };

  function cutEnd(end: string): boolean {
    if (!text.endsWith(end)) return false;
    text = text.slice(0, -end.length);
    return true;
  }
}

/** Arguments go to places in their order, so what may be missing or come several times must be at the end. */
function orderProblem(slot: Slot, before: readonly Slot[]): string | undefined {
  if (slot.key !== undefined) {
    return before.some(({ key }) => key === slot.key) ? `the key ${slot.key} is there twice` : undefined;
  }
  const last = before.filter(({ key }) => key === undefined).at(-1);
  if (last?.isRepeated) return `nothing without a key may follow ${last.text}..., which takes all that is left`;
  if (last?.isOptional && !slot.isOptional)
    return `${slot.text} follows ${last.text}, which may be left out, and may not`;
  return undefined;
}

/** An argument for a text that a person reads. */
function quoted(argument: string): string {
  return JSON.stringify(argument.length > 80 ? `${argument.slice(0, 80)}…` : argument);
}
