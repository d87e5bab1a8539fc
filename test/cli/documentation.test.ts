import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { clientCommand } from "../../src/cli/client-options.js";
import { contexts } from "../../src/cli/contexts.js";
import { packageRoot } from "../support/gateway-process.js";

const page = readFileSync(join(packageRoot, "docs", "command-line.md"), "utf8");

it("the page of the command line has every context and every option of nscp client", () => {
  const options = clientCommand({ stdout() {}, stderr() {} }).options.flatMap(({ long }) => (long ? [long] : []));
  const internal = ["--log-backend"];
  const words = [...contexts.map(({ name }) => name), ...options.filter((option) => !internal.includes(option))];
  expect(words.filter((word) => !new RegExp(`\`[^\`]*${word}\\b`).test(page))).toEqual([]);
});
