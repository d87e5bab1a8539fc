import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { clientCommand } from "../../src/cli/client-options.js";
import { contexts } from "../../src/cli/contexts.js";
import { relayCommand } from "../../src/cli/relay-options.js";
import { graphiteProtocol } from "../../src/modules/graphite-client/protocol.js";
import type { AnyProtocol } from "../../src/relay/relay-settings.js";
import { targetKeysByName } from "../../src/relay/targets.js";
import { packageRoot } from "../support/gateway-process.js";

const page = readFileSync(join(packageRoot, "docs", "command-line.md"), "utf8");

it("the page of the command line has every context and every option of nscp client", () => {
  const options = clientCommand({ stdout() {}, stderr() {} }).options.flatMap(({ long }) => (long ? [long] : []));
  const internal = ["--log-backend"];
  const words = [...contexts.map(({ name }) => name), ...options.filter((option) => !internal.includes(option))];
  expect(words.filter((word) => !new RegExp(`\`[^\`]*${word}\\b`).test(page))).toEqual([]);
});

it("the page of the command line has every option of results by hand that is no key of a target", () => {
  const command = relayCommand(graphiteProtocol as unknown as AnyProtocol, { stdout() {}, stderr() {} });
  const keys = targetKeysByName(graphiteProtocol as unknown as AnyProtocol);
  const places = ["address", "host", "port"];
  const names = command.options.map((option) => option.name().replaceAll("-", " "));
  const options = names
    .filter((name) => !keys.has(name) || places.includes(name))
    .filter((name) => name !== "log backend");
  const missing = options.filter((name) => !new RegExp(`\`[^\`]*--${name.replaceAll(" ", "-")}\\b`).test(page));
  expect(missing).toEqual([]);
});
