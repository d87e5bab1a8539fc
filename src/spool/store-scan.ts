import { readSync } from "node:fs";
import { firstMagicByte, type ScannedValue, scanValue } from "./format.js";

/** Bytes of the file that are in memory at once; longer values are not found. */
const windowSize = 64 * 1024 * 1024;
/** A value that begins in this part of a window is whole in it unless it is very long. */
const stepSize = windowSize / 2;

/**
 * Finds the whole values of a store's file wherever they lie, also on pages that are free or that nothing leads to any more: what a
 * damaged tree has lost, and what was removed long ago.
 *
 * @param fd of the file, open for reading
 */
export function scanFile(fd: number, size: number, visit: (value: ScannedValue) => void): void {
  const window = Buffer.allocUnsafe(Math.min(windowSize, size));
  let from = 0;
  while (from < size) {
    const bytes = window.subarray(0, read(fd, window, from));
    if (bytes.length === 0) return;
    const isLast = from + bytes.length >= size;
    from += scanWindow(bytes, isLast ? bytes.length : stepSize, visit);
  }
}

/** @returns where to go on: behind the last value that begins before `until` */
function scanWindow(bytes: Buffer, until: number, visit: (value: ScannedValue) => void): number {
  let at = 0;
  while (at < until) {
    const start = bytes.indexOf(firstMagicByte, at);
    if (start < 0 || start >= until) return until;
    const value = scanValue(bytes, start);
    if (value === undefined) {
      at = start + 1;
      continue;
    }
    visit(value);
    at = value.end;
  }
  return at;
}

function read(fd: number, window: Buffer, from: number): number {
  let filled = 0;
  while (filled < window.length) {
    const got = readSync(fd, window, filled, window.length - filled, from + filled);
    if (got === 0) break;
    filled += got;
  }
  return filled;
}
