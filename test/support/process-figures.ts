import { readdirSync, readFileSync } from "node:fs";

/** Seconds of processor time that a process and all below it have used (`/proc/<pid>/stat`, in ticks of 10 ms). */
export function cpuSeconds(pid: number): number {
  return tree(pid).reduce((sum, { ticks }) => sum + ticks, 0) / 100;
}

/** Resident memory of a process and all below it, in MiB. */
export function residentMiB(pid: number): number {
  return tree(pid).reduce((sum, { pages }) => sum + pages, 0) * (4096 / 1024 / 1024);
}

/** Memory of one process of several that share some. */
export interface ProcessMemory {
  readonly pid: number;
  readonly parent: number;
  /** Program and arguments. */
  readonly commandLine: readonly string[];
  readonly residentMiB: number;
  /** What is shared counts in parts. */
  readonly proportionalMiB: number;
}

/** The memory of a process and of each one below it. */
export function memoryByProcess(root: number): ProcessMemory[] {
  return tree(root).map(({ pid, parent, pages }) => ({
    pid,
    parent,
    commandLine: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1),
    residentMiB: pages * (4096 / 1024 / 1024),
    proportionalMiB:
      Number(/^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024,
  }));
}

/** Resident memory of a process alone, in MiB. */
export function residentMiBOf(pid: number): number {
  return (figuresOf(pid)[0]?.pages ?? 0) * (4096 / 1024 / 1024);
}

/** Memory of a process that no file stands behind, in MiB: mapped pages of a store come and go as the system likes. */
export function anonymousMiB(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024;
}

/** How many descriptors a process has open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many threads a process has. */
export function threads(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}

/** The processes that a process started, those included that only wait to be reaped. */
export function childrenOf(pid: number): number[] {
  return tree(pid)
    .filter(({ parent }) => parent === pid)
    .map((child) => child.pid);
}

interface ProcessFigures {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
  readonly pages: number;
}

function tree(root: number): ProcessFigures[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => figuresOf(Number(name)));
  const members = new Set([root]);
  // A child may stand before its parent in the list, so look until nobody joins.
  for (let size = 0; size !== members.size; ) {
    size = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

/** See proc(5): the name in brackets may hold blanks, so fields are counted from behind it. */
function figuresOf(pid: number): ProcessFigures[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [parent = 0, utime = 0, stime = 0, pages = 0] = [fields[1], fields[11], fields[12], fields[21]];
    return [{ pid, parent, ticks: utime + stime, pages }];
  } catch {
    return [];
  }
}
