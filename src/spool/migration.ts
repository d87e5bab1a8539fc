import { GatewayError } from "../kernel/errors.js";
import { crashPoint } from "./crash-points.js";
import type { Environment } from "./environment.js";
import { databaseNames, decodeStore, encodeStore, storeKey } from "./format.js";

type DatabaseName = keyof typeof databaseNames;

interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * Brings one entry of a store to the next format; undefined leaves it out, which only the index may.
 * The entry of the store itself gets its new version without this.
 */
export type MigrationStep = (database: DatabaseName, entry: Entry) => Entry | undefined;

/** By the version that they begin with. */
export type MigrationSteps = ReadonlyMap<number, MigrationStep>;

/** A change of the format brings its step from the version before. */
export const migrationSteps: MigrationSteps = new Map();

/** Entries of one transaction. */
const chunk = 2000;

/**
 * Copies a store into the next format and checks that every record and every dead letter has come along.
 *
 * @throws GatewayError FAILED_PRECONDITION when there is no step from this version, INTERNAL when something is missing
 */
export function migrate(from: Environment, to: Environment, version: number, steps: MigrationSteps): void {
  const step = steps.get(version);
  if (step === undefined) {
    throw new GatewayError("FAILED_PRECONDITION", `There is no way from format ${version} of the spool's store`);
  }
  for (const name of Object.values(databaseNames)) {
    copy(from, to, name, (entry) => (isStoreEntry(name, entry) ? raiseVersion(entry, version + 1) : step(name, entry)));
    if (name === "latest") continue;
    const [before, after] = [from[name].getCount({}), to[name].getCount({})];
    if (before === after) continue;
    const text = `The migration of the spool's store lost entries of ${name}: ${after} of ${before} are there`;
    throw new GatewayError("INTERNAL", text);
  }
}

function copy(
  from: Environment,
  to: Environment,
  name: DatabaseName,
  convert: (entry: Entry) => Entry | undefined,
): void {
  let start = Buffer.of(0);
  for (;;) {
    const entries = [...from[name].getRange({ start, limit: chunk })];
    to.root.transactionSync(() => {
      for (const entry of entries) {
        const converted = convert(entry);
        if (converted !== undefined) to[name].putSync(converted.key, converted.value);
      }
    });
    crashPoint("during-migration");
    const last = entries.length === chunk ? entries.at(-1) : undefined;
    if (last === undefined) return;
    start = Buffer.concat([last.key, Buffer.of(0)]);
  }
}

function isStoreEntry(name: DatabaseName, { key }: Entry): boolean {
  return name === "meta" && key.equals(storeKey);
}

function raiseVersion({ key, value }: Entry, formatVersion: number): Entry | undefined {
  const store = decodeStore(value);
  return store && { key, value: encodeStore({ ...store, formatVersion }) };
}
