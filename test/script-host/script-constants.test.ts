import { expect, test } from "vitest";
import { itemType, moduleCommand, settingsCommand, status } from "../../src/script.js";
import { PB } from "../../src/wire/messages.js";

test.each([
  { name: "status", constants: status, numbers: PB.Common.ResultCode },
  { name: "itemType", constants: itemType, numbers: PB.Registry.ItemType },
  { name: "moduleCommand", constants: moduleCommand, numbers: PB.Registry.Command },
  { name: "settingsCommand", constants: settingsCommand, numbers: PB.Settings.Command },
])("$name has the numbers of the messages", ({ constants, numbers }) => {
  const known = new Map<string, unknown>(Object.entries(numbers));
  for (const [name, value] of Object.entries(constants)) expect([name, known.get(name)]).toEqual([name, value]);
});
