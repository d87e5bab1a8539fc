import { SourceMap } from "node:module";

/** Maps of what was transformed, by file: as the comment at the end of the code, read when it is needed. */
const maps = new Map<string, string | SourceMap>();

const comment = /\/\/# sourceMappingURL=data:application\/json;[^,]*base64,([A-Za-z0-9+/=]+)\s*$/;

/** Keeps the map that a transformed file ends with. */
export function rememberSourceMap(file: string, code: string): void {
  const match = comment.exec(code);
  if (match?.[1] !== undefined) maps.set(file, match[1]);
}

/** A line of a stack with the places in the source instead of those in what was made of it. */
export function mapFrame(line: string): string {
  return line.replace(/((?:file:\/\/)?(\/[^()]+?)):(\d+):(\d+)/, (whole, shown: string, file: string, row, column) => {
    const entry = sourceMapOf(file)?.findEntry(Number(row) - 1, Number(column) - 1);
    if (entry === undefined || !("originalLine" in entry)) return whole;
    return `${shown}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function sourceMapOf(file: string): SourceMap | undefined {
  const known = maps.get(file);
  if (typeof known !== "string") return known;
  const map = new SourceMap(JSON.parse(Buffer.from(known, "base64").toString()));
  maps.set(file, map);
  return map;
}
