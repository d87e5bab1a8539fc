/** A fenced block that a test runs. */
export interface RunnableBlock {
  /** What stands in the comment before it: `<!-- test: run as a script -->`. */
  readonly how: string;
  readonly language: string;
  readonly text: string;
}

/** The blocks of a Markdown document that say how they are tested, in their order. */
export function runnableBlocks(markdown: string): RunnableBlock[] {
  const pattern = /^<!-- test: (?<how>.+?) -->\n+```(?<language>\w*)\n(?<text>[\s\S]*?)^```$/gm;
  return [...markdown.matchAll(pattern)].map(({ groups: { how = "", language = "", text = "" } = {} }) => ({
    ...{ how, language, text },
  }));
}
