/**
 * Reads the file of a store page by page, with plain reads and without LMDB: what LMDB maps into memory and trusts can abort
 * the process that looks at it, and a page that was lost may leave no trace. Here every page of the newest snapshot is looked at
 * once, and everything that LMDB relies on is compared: kinds and numbers of pages, order of keys, sizes, counts, and that no
 * page is used twice or also listed as free. A page that is wrong is a problem; what lies beside it is read all the same.
 *
 * The layout is that of LMDB's data version 2 on a 64-bit machine, all numbers little endian:
 *
 *     page      0 number u64 · 8 transaction u64 · 18 flags u16 · 20 lower u16, upper u16 (or pages of a long value u32) ·
 *               24 offsets u16 of nodes, from 24 on
 *     meta      24 magic u32 · 28 version u32 · 40 map size u64 · 48 tree of free pages · 96 main tree · 144 last page u64 ·
 *               152 transaction u64
 *     tree      0 (free pages: page size u32) · 6 depth u16 · 8 branch, 16 leaf and 24 long-value pages u64 · 32 entries u64 ·
 *               40 root u64
 *     node      0 size of the data u32 (branch: number of the child u48) · 4 flags u16 · 6 size of the key u16 · 8 key · data
 *     long      0 page u64 · 8 transaction u64 · 16 pages u64
 *     free      count i64, then page numbers; a negative one is the length of a run, whose first page follows
 *
 * The file is long because the layout and everything that relies on it stand in one place: an LMDB with another one is met here
 * alone.
 *
 * Source: mdb.c of LMDB 1.0 (OpenLDAP) and the changes that the package lmdb makes to its free list.
 */
import { readSync } from "node:fs";

/** What is done with what is found. */
export interface PageVisitor {
  /** An entry of one of the named databases; the buffers are views that live as long as they are held. */
  entry(database: string, key: Buffer, value: Buffer): void;
  problem(text: string): void;
}

/** What was looked at. */
export interface PageCount {
  /** Pages of the snapshot, the two meta pages among them. */
  readonly pages: number;
  readonly free: number;
}

interface Tree {
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflow: number;
  readonly entries: number;
  readonly root: number;
}

interface Meta {
  readonly pageSize: number;
  readonly mapSize: number;
  readonly free: Tree;
  readonly main: Tree;
  readonly lastPage: number;
  readonly transaction: number;
}

const magic = 0xbeefc0de;
const dataVersion = 2;
const headSize = 24;
const branchPage = 1;
const leafPage = 2;
const overflowPage = 4;
const metaPage = 8;
const bigData = 1;
const subTree = 2;
/** Deeper than any tree of a file that fits on a disk. */
const deepest = 24;

/**
 * Reads the newest snapshot of the file. What stands in the file while somebody writes to it is only sound when a reader of
 * LMDB holds the snapshot.
 *
 * @param fd of the file, open for reading
 * @throws UnknownLayout when this is no file of the version of LMDB that is known here
 */
export function readPages(fd: number, size: number, visitor: PageVisitor): PageCount {
  return new PageWalk(fd, size, visitor).run();
}

/** The file is none of the known layout; whether it is sound can't be told this way. */
export class UnknownLayout extends Error {
  override readonly name = "UnknownLayout";
}

/** Compares keys of a tree. */
type Order = (left: Buffer, right: Buffer) => number;

/** What a leaf holds. */
interface Leaf {
  readonly key: Buffer;
  readonly flags: number;
  readonly data: Buffer;
}

/** Counts of a tree as they were found. */
interface Found {
  branches: number;
  leaves: number;
  overflow: number;
  entries: number;
  last: Buffer | undefined;
}

class PageWalk {
  private pageSize = 4096;
  private meta: Meta | undefined;
  /** For each page: 1 when a tree uses it, 2 when it is free. */
  private uses = new Uint8Array(0);
  private free = 0;

  constructor(
    private readonly fd: number,
    private readonly size: number,
    private readonly visitor: PageVisitor,
  ) {}

  run(): PageCount {
    const meta = this.readMetas();
    this.meta = meta;
    this.pageSize = meta.pageSize;
    // A last page beyond the file is told where pages are read; here it must not cost memory.
    this.uses = new Uint8Array(Math.min(meta.lastPage, Math.ceil(this.size / meta.pageSize)) + 2);
    this.walk("the databases", meta.main, Buffer.compare, (leaf) => {
      const name = leaf.key.toString("latin1").replace(/\0$/, "");
      if ((leaf.flags & subTree) === 0 || leaf.data.length !== 48) {
        this.visitor.problem(`${name} is no database`);
        return;
      }
      this.walk(name, readTree(leaf.data, 0), Buffer.compare, ({ key, data }) => this.visitor.entry(name, key, data));
    });
    this.walk("the list of free pages", meta.free, compareIntegers, ({ data }) => this.addFree(data));
    return { pages: meta.lastPage + 1, free: this.free };
  }

  /** Both meta pages have to be sound and follow one another; the newer one counts. */
  private readMetas(): Meta {
    const first = this.bytes(0, headSize + 144);
    if (first.length < headSize + 144) throw new UnknownLayout("it is too short");
    if (first.readUInt32LE(headSize) !== magic) this.visitor.problem("meta page 0 has no magic number");
    else if (first.readUInt32LE(headSize + 4) !== dataVersion) {
      throw new UnknownLayout(`its version is ${first.readUInt32LE(headSize + 4)}`);
    }
    const pageSize = [4096, 8192, 16384, 32768, 65536, 2048, 1024, 512].find((candidate) =>
      this.bytes(candidate + headSize, 4).equals(first.subarray(headSize, headSize + 4)),
    );
    if (pageSize === undefined) this.visitor.problem("there is no second meta page");
    const metas = [0, pageSize ?? 4096].flatMap((offset, index) => this.readMeta(offset, index, pageSize ?? 4096));
    const newest = metas.sort((left, right) => right.transaction - left.transaction)[0];
    if (newest === undefined) throw new UnknownLayout("no meta page can be read");
    const other = metas[1]?.transaction;
    // A store that was just made has the number 0 in both.
    if (other !== undefined && other !== newest.transaction - 1 && newest.transaction > 1) {
      this.visitor.problem(`the meta pages are of the transactions ${newest.transaction} and ${other}`);
    }
    return newest;
  }

  private readMeta(offset: number, index: number, pageSize: number): Meta[] {
    const page = this.bytes(offset, headSize + 144);
    const problem = (text: string): Meta[] => {
      this.visitor.problem(`meta page ${index} ${text}`);
      return [];
    };
    if (page.length < headSize + 144) return problem("is cut off");
    if (number(page, 0) !== index || page.readUInt16LE(18) !== metaPage) return problem("is none");
    if (page.readUInt32LE(headSize) !== magic || page.readUInt32LE(headSize + 4) !== dataVersion) {
      return problem("has another magic number or version");
    }
    const body = page.subarray(headSize);
    const meta: Meta = {
      pageSize: body.readUInt32LE(24),
      mapSize: number(body, 16),
      free: readTree(body, 24),
      main: readTree(body, 72),
      lastPage: number(body, 120),
      transaction: number(body, 128),
    };
    if (meta.pageSize !== pageSize) return problem(`says that pages have ${meta.pageSize} bytes`);
    if ((body.readUInt16LE(28) & 8) === 0) return problem("has no integers as keys of the free pages");
    if (number(body, 8) !== 0) return problem("has a fixed address");
    if (meta.transaction > 0 && meta.transaction % 2 !== index) {
      return problem(`is of the transaction ${meta.transaction}`);
    }
    if (meta.lastPage < 1 || !Number.isSafeInteger(meta.lastPage)) return problem("has no last page");
    // LMDB rounds the map up to what the pages need.
    if (!Number.isSafeInteger(meta.mapSize) || meta.mapSize > 2 ** 47) return problem("has a map of no sensible size");
    return [meta];
  }

  private walk(name: string, tree: Tree, order: Order, visit: (leaf: Leaf) => void): void {
    const found: Found = { branches: 0, leaves: 0, overflow: 0, entries: 0, last: undefined };
    if (tree.root !== -1) {
      if (tree.depth < 1 || tree.depth > deepest) this.visitor.problem(`${name}: a tree of depth ${tree.depth}`);
      this.page({ name, tree, order, visit, found }, tree.root, 1, undefined, undefined);
    }
    for (const key of ["branches", "leaves", "overflow", "entries"] as const) {
      if (found[key] !== tree[key]) {
        this.visitor.problem(`${name}: ${found[key]} ${words[key]} where ${tree[key]} should be`);
      }
    }
  }

  private page(work: TreeWork, pageNumber: number, level: number, low: Buffer | undefined, high: Buffer | undefined) {
    const { name, tree, found } = work;
    const page = this.readPage(name, pageNumber, 1);
    if (page === undefined) return;
    const flags = page.readUInt16LE(18);
    const isLeaf = level === tree.depth || (flags === leafPage && (tree.depth < 1 || tree.depth > deepest));
    if (flags !== (isLeaf ? leafPage : branchPage) || level > deepest) {
      this.problem(name, pageNumber, `is no ${isLeaf ? "leaf" : "branch"}`);
      return;
    }
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const count = lower >> 1;
    if (lower % 2 !== 0 || lower > upper || upper > this.pageSize - headSize || count < (isLeaf ? 1 : 2)) {
      this.problem(name, pageNumber, `has bounds ${lower} and ${upper}`);
    }
    if (isLeaf) {
      found.leaves++;
      for (let index = 0; index < count; index++) this.leafNode(work, page, pageNumber, index, upper, low, high);
      return;
    }
    found.branches++;
    const children: { key: Buffer; child: number }[] = [];
    for (let index = 0; index < count; index++) {
      const node = this.node(page, index, upper);
      if (node === undefined) this.problem(name, pageNumber, `has a node ${index} outside of it`);
      else children.push({ key: node.key, child: node.size + node.flags * 2 ** 32 });
    }
    for (const [index, { key, child }] of children.entries()) {
      // The first key of a branch stands for everything before the second.
      const from = index === 0 ? low : key;
      this.page(work, child, level + 1, from, children[index + 1]?.key ?? high);
    }
  }

  private leafNode(
    work: TreeWork,
    page: Buffer,
    pageNumber: number,
    index: number,
    upper: number,
    low: Buffer | undefined,
    high: Buffer | undefined,
  ): void {
    const { name, order, visit, found } = work;
    const node = this.node(page, index, upper);
    const start = node === undefined ? 0 : node.offset + 8 + node.key.length;
    const isBig = node !== undefined && (node.flags & bigData) !== 0;
    const length = isBig ? 24 : (node?.size ?? 0);
    if (node === undefined || start + length > this.pageSize) {
      this.problem(name, pageNumber, `has a node ${index} outside of it`);
      return;
    }
    const { key, flags } = node;
    found.entries++;
    const isInOrder =
      key.length > 0 &&
      (found.last === undefined || order(found.last, key) < 0) &&
      (low === undefined || order(low, key) <= 0) &&
      (high === undefined || order(key, high) < 0);
    if (!isInOrder) this.problem(name, pageNumber, `has keys out of order`);
    found.last = key;
    if ((flags & ~(bigData | subTree)) !== 0) this.problem(name, pageNumber, `has a node with flags ${flags}`);
    const data = page.subarray(start, start + length);
    if (!isBig) {
      visit({ key, flags, data });
      return;
    }
    const long = this.longValue(name, number(data, 0), number(data, 16), node.size);
    found.overflow += number(data, 16);
    if (long !== undefined) visit({ key, flags, data: long });
  }

  private node(page: Buffer, index: number, upper: number) {
    const at = headSize + 2 * index;
    const offset = at + 2 <= page.length ? page.readUInt16LE(at) + headSize : 0;
    if (offset < headSize + upper || offset % 2 !== 0 || offset + 8 > this.pageSize) return undefined;
    const keyEnd = offset + 8 + page.readUInt16LE(offset + 6);
    if (keyEnd > this.pageSize) return undefined;
    return {
      offset,
      size: page.readUInt32LE(offset),
      flags: page.readUInt16LE(offset + 4),
      key: page.subarray(offset + 8, keyEnd),
    };
  }

  private longValue(name: string, pageNumber: number, pages: number, size: number): Buffer | undefined {
    if (pages !== Math.floor((headSize - 1 + size) / this.pageSize) + 1) {
      this.visitor.problem(`${name}: a value of ${size} bytes on ${pages} pages`);
      return undefined;
    }
    const page = this.readPage(name, pageNumber, pages);
    if (page === undefined) return undefined;
    if (page.readUInt16LE(18) !== overflowPage || page.readUInt32LE(20) !== pages) {
      this.problem(name, pageNumber, "is none with a long value");
      return undefined;
    }
    return page.subarray(headSize, headSize + size);
  }

  /** A page that is used for the first time; its number and transaction are right. */
  private readPage(name: string, pageNumber: number, pages: number): Buffer | undefined {
    const { lastPage = 0, transaction = 0 } = this.meta ?? {};
    if (pageNumber < 2 || pageNumber + pages - 1 > lastPage) {
      this.problem(name, pageNumber, "is not in the file");
      return undefined;
    }
    const bytes = this.bytes(pageNumber * this.pageSize, pages * this.pageSize);
    if (bytes.length < pages * this.pageSize) {
      this.problem(name, pageNumber, "is behind the end of the file");
      return undefined;
    }
    for (let one = pageNumber; one < pageNumber + pages; one++) {
      if (this.uses[one] !== 0) {
        this.problem(name, one, "is used twice");
        return undefined;
      }
      this.uses[one] = 1;
    }
    if (number(bytes, 0) !== pageNumber || number(bytes, 8) > transaction) {
      this.problem(name, pageNumber, "is another page");
      return undefined;
    }
    return bytes;
  }

  private addFree(list: Buffer): void {
    const count = list.length < 8 ? -1 : number(list, 0);
    if (count < 0 || 8 * (count + 1) > list.length) {
      this.visitor.problem("the list of free pages has an entry that is cut off");
      return;
    }
    for (let index = 1; index <= count; index++) {
      const value = number(list, 8 * index);
      if (value === 0) continue;
      const run = value < 0 ? -value : 1;
      const start = value < 0 && index < count ? number(list, 8 * ++index) : value;
      this.addFreeRun(start, run);
    }
  }

  private addFreeRun(start: number, run: number): void {
    const { lastPage = 0 } = this.meta ?? {};
    if (start < 2 || start + run - 1 > lastPage) {
      this.visitor.problem(`the list of free pages has ${run} from ${start} on, and the last page is ${lastPage}`);
      return;
    }
    for (let page = start; page < start + run && page < this.uses.length; page++) {
      if (this.uses[page] === 1) {
        this.visitor.problem(`page ${page} is used and listed as free`);
        return;
      }
      if (this.uses[page] === 0) this.free++;
      this.uses[page] = 2;
    }
  }

  private problem(name: string, pageNumber: number, text: string): void {
    this.visitor.problem(`${name}: page ${pageNumber} ${text}`);
  }

  private bytes(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - offset)));
    let filled = 0;
    while (filled < bytes.length) {
      const got = readSync(this.fd, bytes, filled, bytes.length - filled, offset + filled);
      if (got === 0) break;
      filled += got;
    }
    return bytes.subarray(0, filled);
  }
}

interface TreeWork {
  readonly name: string;
  readonly tree: Tree;
  readonly order: Order;
  readonly visit: (leaf: Leaf) => void;
  readonly found: Found;
}

const words = { branches: "branches", leaves: "leaves", overflow: "pages of long values", entries: "entries" } as const;

function readTree(bytes: Buffer, at: number): Tree {
  return {
    depth: bytes.readUInt16LE(at + 6),
    branches: number(bytes, at + 8),
    leaves: number(bytes, at + 16),
    overflow: number(bytes, at + 24),
    entries: number(bytes, at + 32),
    root: number(bytes, at + 40),
  };
}

/** A signed number of 64 bits; what is too large for JavaScript is at least large. */
function number(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
}

function compareIntegers(left: Buffer, right: Buffer): number {
  if (left.length !== 8 || right.length !== 8) return 1;
  return number(left, 0) - number(right, 0);
}
