/**
 * A process that looks at a store or salvages one, so that whatever a damaged file does to its reader is not done to the gateway:
 *
 *     node store-child.js audit <file> open|read|"in use"
 *     node store-child.js salvage <damaged file> <new file>
 *
 * The answer is one line of JSON on standard output.
 */
import { closeSync, openSync } from "node:fs";
import { argv, stdout } from "node:process";
import { open } from "lmdb";
import { errorText } from "../kernel/errors.js";
import type { AuditAnswer } from "./check.js";
import { databaseNames } from "./format.js";
import { salvageInto } from "./salvage-copy.js";
import { auditStore, type StoreFindings } from "./store-audit.js";

/** A snapshot that somebody writes beside is looked at so often before what seems wrong is believed. */
const attempts = 3;

async function audit(file: string, purpose: string): Promise<AuditAnswer> {
  try {
    const fd = openSync(file, "r");
    try {
      if (purpose === "in use") return { findings: await auditHeld(file, fd) };
      const findings = auditStore(fd);
      // LMDB has the last word: what it can't read, the gateway can't use.
      if (purpose === "open" && findings.problemCount === 0) await countWithLmdb(file, findings);
      return { findings };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { failure: errorText(error) };
  }
}

/** While the gateway writes: a reader of LMDB keeps the pages of the snapshot from being used again. */
async function auditHeld(file: string, fd: number): Promise<StoreFindings> {
  const root = openForReading(file);
  try {
    for (let attempt = 1; ; attempt++) {
      const held = root.useReadTransaction();
      try {
        root.get(Buffer.from("meta"), { transaction: held });
        const findings = auditStore(fd);
        if (findings.problemCount === 0 || attempt === attempts) return findings;
      } finally {
        held.done();
      }
    }
  } finally {
    await root.close();
  }
}

async function countWithLmdb(file: string, { records, deadLetters }: StoreFindings): Promise<void> {
  const root = openForReading(file);
  try {
    for (const [name, expected] of [
      [databaseNames.queue, records],
      [databaseNames.dead, deadLetters],
    ] as const) {
      const database = root.openDB<Buffer, Buffer>({ name, encoding: "binary", keyEncoding: "binary" });
      const count = database?.getKeysCount() ?? 0;
      if (count !== expected) throw new Error(`LMDB finds ${count} entries in ${name}, and there are ${expected}`);
    }
  } finally {
    await root.close();
  }
}

function openForReading(path: string) {
  return open<Buffer, Buffer>({ path, readOnly: true, maxDbs: 8, encoding: "binary", keyEncoding: "binary" });
}

const [, , task, file = "", other = ""] = argv;
const answer =
  task === "salvage"
    ? await salvageInto(file, other, Date.now()).then(
        (findings) => ({ findings }),
        (error: unknown) => ({ failure: errorText(error) }),
      )
    : await audit(file, other);
stdout.write(`${JSON.stringify(answer)}\n`);
