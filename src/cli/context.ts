/** Where a command writes; tests collect it. */
export interface CliIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Standard input, for what reads commands or lists from it. */
  readonly stdin: NodeJS.ReadableStream;
}

/** One context of the command line: `nscp <name> …`. */
export interface CliContext {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line for `nscp help`. */
  readonly summary: string;
  /** @returns the exit code */
  run(args: readonly string[], io: CliIo): Promise<number>;
}
