/**
 * A Markdown table, aligned so that it reads well on a terminal too.
 *
 * @param names so many columns at the left hold words
 */
export function table(columns: readonly string[], names: number, rows: readonly string[][]): string[] {
  const widths = columns.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cellsOfRow: readonly string[]) => {
    const padded = cellsOfRow.map((cell, index) => {
      const width = widths[index] ?? 0;
      return index < names ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = `| ${widths.map((width, index) => (index < names ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(columns), rule, ...rows.map(line)];
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
