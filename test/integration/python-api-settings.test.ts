import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  PB,
  RegistryRequestMessage,
  RegistryResponseMessage,
  SettingsRequestMessage,
  SettingsResponseMessage,
  StatusCode,
} from "../../dist/wire/messages.js";
import type { GatewayProcess } from "../support/gateway-process.js";
import { bytesLiteral, evaluateInGateway } from "../support/python-api.js";

const settingsRequest = (payload: object) =>
  bytesLiteral(SettingsRequestMessage.encode(SettingsRequestMessage.fromObject({ payload: [payload] })).finish());
const registryRequest = (payload: object) =>
  bytesLiteral(RegistryRequestMessage.encode(RegistryRequestMessage.fromObject({ payload: [payload] })).finish());

/** Expressions, evaluated in this order, and what they are. */
const rows: readonly (readonly [expression: string, outcome: string])[] = [
  ["settings.get_section('/settings/mine')", "['Zed', 'a', 'b', 'flag']"],
  ["settings.get_section('/settings/mine/')", "['Zed', 'a', 'b', 'flag']"],
  ["settings.get_section(b'/settings/mine')", "['Zed', 'a', 'b', 'flag']"],
  ["settings.get_section('/settings/mine/below')", "['deep']"],
  ["settings.get_section('/settings/nowhere')", "[]"],
  ["settings.get_string('/settings/mine', 'a', 'default')", "'text of a'"],
  ["settings.get_string('/settings/mine', 'missing', 'default')", "'default'"],
  ["settings.get_string('/settings/mine', 'missing', '')", "''"],
  ["settings.get_string('/settings/mine', 'missing', b'\\xc3\\xa5')", "'\u00e5'"],
  ["settings.set_string('/settings/mine', 'c', 'new \u00e5')", "None"],
  ["settings.get_string('/settings/mine', 'c', '')", "'new \u00e5'"],
  ["settings.get_section('/settings/mine')", "['Zed', 'a', 'b', 'c', 'flag']"],
  // An empty text removes the key.
  ["settings.set_string('/settings/mine', 'b', '')", "None"],
  ["settings.get_string('/settings/mine', 'b', 'removed')", "'removed'"],
  ["settings.set_string('/settings/mine', 'never', '')", "None"],
  ["settings.get_section('/settings/mine')", "['Zed', 'a', 'c', 'flag']"],
  // Flags.
  ...["true", "TRUE", "1", "yes", "Yes"].flatMap((text) => flag(text, "True")),
  ...["false", "0", "no", "enabled", "on", "text"].flatMap((text) => flag(text, "False")),
  ["settings.get_bool('/settings/mine', 'missing', True)", "True"],
  ["settings.set_bool('/settings/mine', 'flag', True)", "None"],
  ["settings.get_string('/settings/mine', 'flag', '')", "'true'"],
  ["settings.set_bool('/settings/mine', 'flag', None)", "None"],
  ["settings.get_string('/settings/mine', 'flag', '')", "'false'"],
  // Whole numbers.
  ...number("12", "12"),
  ...number("-7", "-7"),
  ...number("+7", "7"),
  ...number("4294967296", "4294967296"),
  ...number("12 s", "5"),
  ...number("1.5", "5"),
  ...number("0x10", "5"),
  ...number("99999999999999999999", "5"),
  ["settings.get_int('/settings/mine', 'missing', -1)", "-1"],
  ["settings.set_int('/settings/mine', 'number', -2**31)", "None"],
  ["settings.get_string('/settings/mine', 'number', '')", "'-2147483648'"],
  ["settings.set_int('/settings/mine', 'number', status.CRITICAL)", "None"],
  ["settings.get_int('/settings/mine', 'number', 0)", "2"],
  // Documentation.
  ["settings.register_path('/settings/mine', 'Mine', 'What is mine')", "None"],
  ["settings.register_key('/settings/mine', 'documented', 'int', 'A title', 'A text', '17')", "None"],
  ["settings.register_key('/settings/mine', 'documented', 'int', 'Another title', 'Another text', '18')", "None"],
  ["settings.get_string('/settings/mine', 'documented', 'not set')", "'not set'"],
  // What can't be written is in the log.
  ["settings.set_string('', '', 'x')", "None"],
  ["settings.save()", "None"],
  // Not saved.
  ["settings.set_string('/settings/mine', 'unsaved', 'x')", "None"],
  // Bytes that are no message count as an empty one.
  ["settings.query(b'\\xff\\xff')", "(1, b'')"],
  ["registry.query(b'\\xff\\xff')", "(1, b'')"],
  ["settings.query('text')", "(False, 'Failed to parse request')"],
  ["registry.query(b'')", "(False, 'Failed to parse request')"],
];

function flag(text: string, outcome: string): [string, string][] {
  return [
    [`settings.set_string('/settings/mine', 'flag', '${text}')`, "None"],
    [`settings.get_bool('/settings/mine', 'flag', ${outcome === "True" ? "False" : "True"})`, outcome],
  ];
}

function number(text: string, outcome: string): [string, string][] {
  return [
    [`settings.set_string('/settings/mine', 'number', '${text}')`, "None"],
    [`settings.get_int('/settings/mine', 'number', 5)`, outcome],
  ];
}

const node = { path: "/settings/mine", key: "a" };
const raw = {
  read: `settings.query(${settingsRequest({ query: { node } })})`,
  documented: `settings.query(bytearray(${settingsRequest({
    inventory: { node: { path: "/settings/mine", key: "documented" }, fetchKeys: true, descriptions: true },
  })}))`,
  refused: `settings.query(memoryview(${settingsRequest({ update: { node: { path: "", key: "", value: "x" } } })}))`,
  modules: `registry.query(${registryRequest({ inventory: { type: [PB.Registry.ItemType.MODULE], name: "" } })})`,
  queries: `registry.query(${registryRequest({ inventory: { type: [PB.Registry.ItemType.QUERY], name: "check_rows" } })})`,
};

let gateway: GatewayProcess;
let outcomes: string[];
let answers: Record<keyof typeof raw, string>;

beforeAll(async () => {
  const expressions = [
    ...rows.map(([expression]) => expression),
    ...Object.values(raw).map((expression) => `(lambda answer: (answer[0], answer[1].hex()))(${expression})`),
  ];
  ({ outcomes, gateway } = await evaluateInGateway(expressions, {
    settings:
      "[/settings/mine]\nb = text of b\na = text of a\nZed = last\nflag = true\n[/settings/mine/below]\ndeep = 1\n",
    before: 'registry.simple_function("check_rows", lambda args: (0, ""), "Looks at rows")',
  }));
  const values = outcomes.slice(rows.length);
  answers = Object.fromEntries(Object.keys(raw).map((key, index) => [key, values[index] ?? ""])) as typeof answers;
});

afterAll(() => gateway.stop());

describe("settings", () => {
  it.each(rows.map(([expression, outcome], index) => ({ expression, outcome, index })))(
    "$index: $expression",
    ({ outcome, index }) => {
      expect(outcomes[index]).toBe(outcome);
    },
  );

  it("that can't be written are in the log", async () => {
    await gateway.waitForLog(/Failed to update \.: Settings error: There is no key to update in the root/);
  });

  it("last once they are saved", () => {
    const file = readFileSync(join(gateway.folder, "nscp.ini"), "utf8");
    const section = file.slice(file.indexOf("[/settings/mine]"));
    expect(section.slice(0, section.indexOf("\n[")).trimEnd()).toBe(
      "[/settings/mine]\na = text of a\nZed = last\nflag = false\nc = new \u00e5\nnumber = 2",
    );
  });
});

/** The message in `(1, '<hexadecimal>')`. */
function message(answer: string): Buffer {
  const [, hex = ""] = /^\(1, '([0-9a-f]*)'\)$/.exec(answer) ?? expect.fail(answer);
  return Buffer.from(hex, "hex");
}

describe("raw queries", () => {
  it("read settings", () => {
    const { payload } = SettingsResponseMessage.decode(message(answers.read));
    expect(payload.map(({ query, result }) => [query?.node?.value, result?.code])).toEqual([["text of a", 0]]);
  });

  it("find what was registered first in the documentation", () => {
    const { payload } = SettingsResponseMessage.decode(message(answers.documented));
    const info = payload[0]?.inventory[0]?.info;
    expect([info?.title, info?.description, info?.defaultValue, info?.type]).toEqual([
      "A title",
      "A text",
      "17",
      "string",
    ]);
  });

  it("are answered with what was wrong", () => {
    const { payload } = SettingsResponseMessage.decode(message(answers.refused));
    expect(payload.map(({ result }) => [result?.code, result?.message])).toEqual([
      [StatusCode.STATUS_ERROR, "Settings error: There is no key to update in the root"],
    ]);
  });

  it("list modules and checks", () => {
    const modules = RegistryResponseMessage.decode(message(answers.modules)).payload.flatMap(
      ({ inventory }) => inventory,
    );
    expect(modules.filter(({ id }) => id === "python").map(({ name }) => name)).toEqual(["PythonScript"]);
    const queries = RegistryResponseMessage.decode(message(answers.queries)).payload.flatMap(
      ({ inventory }) => inventory,
    );
    expect(queries.map(({ name, info }) => [name, info?.description])).toEqual([["check_rows", "Looks at rows"]]);
  });
});
