import fc from "fast-check";
import { expect, test } from "vitest";
import type { SettingsStore } from "../../src/settings/store.js";
import { settingsFolder } from "./temporary-store.js";

const path = fc.constantFrom("/a", "/A", "/b", "/a/x", "/a/x/y", "/new");
const key = fc.constantFrom("k", "K", "l", "m");
const value = fc.constantFrom("", "1", "2", "with = and ; in it");

const change = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), path, key, value }),
  fc.record({ kind: fc.constant("delete" as const), path, key }),
  fc.record({ kind: fc.constant("delete-path" as const), path, recursive: fc.boolean() }),
  fc.record({ kind: fc.constant("add" as const), path }),
  fc.record({ kind: fc.constant("save" as const) }),
);

const line = fc.constantFrom("[/a]", "[/A]", "[/b]", "[/a/x]", "k=1", "K=2", "l = 3", "m=", "; c", "", "junk");
const file = fc.array(line, { maxLength: 15 }).map((lines) => lines.join("\n"));

/** A section that is written in two ways is one; which of them names it is not of interest. */
const everything = (store: SettingsStore) => {
  const sections = [...new Set(store.allPaths().map((section) => section.toLowerCase()))].sort();
  return sections.map((section) => [section, store.keys(section).map((name) => [name, store.get(section, name)])]);
};

test("whatever is changed and saved, the files say the same when they are read again", async () => {
  await fc.assert(
    fc.asyncProperty(file, file, fc.array(change, { maxLength: 12 }), async (main, included, changes) => {
      const files = settingsFolder({ "main.ini": `[/includes]\ni = i.ini\n${main}`, "i.ini": included });
      const store = files.open();
      for (const step of changes) {
        if (step.kind === "set") {
          store.set(step.path, step.key, step.value);
          expect(store.get(step.path, step.key)).toBe(step.value);
        } else if (step.kind === "delete") {
          const others = store.keys(step.path).filter((name) => name.toLowerCase() === step.key.toLowerCase());
          store.deleteKey(step.path, step.key);
          if (others.length < 2) expect(store.has(step.path, step.key)).toBe(false);
        } else if (step.kind === "delete-path") {
          store.deletePath(step.path, { recursive: step.recursive });
          expect(store.keys(step.path)).toEqual([]);
        } else if (step.kind === "add") {
          store.addSection(step.path);
          expect(store.hasSection(step.path)).toBe(true);
        } else {
          await store.save();
          expect(store.diff()).toEqual([]);
        }
      }
      await store.save();
      const again = files.open();
      expect(everything(again)).toEqual(everything(store));
      const before = [files.read("main.ini"), files.read("i.ini")];
      await store.save();
      expect([files.read("main.ini"), files.read("i.ini")]).toEqual(before);
    }),
    { numRuns: 150 },
  );
});
