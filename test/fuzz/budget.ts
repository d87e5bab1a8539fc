import { randomInt } from "node:crypto";

/** Inputs of all kinds together. */
const inputs = process.env["NSCP_TEST_LONG"] === "1" ? 100_000 : 2000;

/** What the inputs are made from; the same seed makes the same ones. */
export const seed = Number(process.env["NSCP_FUZZ_SEED"] ?? randomInt(2 ** 31 - 1));

/** How many inputs a kind gets that makes up so much of all. */
export function share(part: number): number {
  return Math.ceil(inputs * part);
}

/** Says how to have the same inputs again. */
export function announceSeed(): void {
  process.stderr.write(`Fuzz: NSCP_FUZZ_SEED=${seed} makes these inputs again\n`);
}
