import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { crashPoint } from "./crash-points.js";
import { syncFile, syncFolderOf } from "./durable-files.js";
import type { StoreFiles } from "./store-files.js";

/**
 * Takes the mark of a store that was closed in order. Whether the store may be opened without being walked first: it was
 * closed in order and has the size that it had then, or there is none.
 */
export function takeCleanMark(files: StoreFiles): boolean {
  if (!existsSync(files.store)) return !existsSync(files.former);
  const isClean = existsSync(files.clean) && readFileSync(files.clean, "utf8") === sizeOf(files);
  rmSync(files.clean, { force: true });
  syncFolderOf(files.clean);
  return isClean;
}

/** Marks the store, which nobody has open any more, as closed in order. */
export function leaveCleanMark(files: StoreFiles): void {
  crashPoint("before-clean");
  writeFileSync(files.clean, sizeOf(files), { mode: 0o600 });
  syncFile(files.clean);
  syncFolderOf(files.clean);
}

function sizeOf(files: StoreFiles): string {
  return `${statSync(files.store).size}\n`;
}
