import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refuseRemoteWrite } from "../../src/security/remote-settings.js";
import { storeOf } from "./support.js";

/** What decides what is executed, who may do what, or where secrets go. */
const closed: readonly (readonly [path: string, key: string])[] = [
  ["/modules", "CheckExternalScripts"],
  ["/includes", "more"],
  ["/paths", "scripts"],
  ["/attachments", "x"],
  ["/settings", "use credential manager"],
  ["/settings/external scripts", "allow arguments"],
  ["/settings/external scripts/scripts", "check_x"],
  ["/settings/external scripts/scripts/check_x", "command"],
  ["/settings/external scripts/wrapped scripts", "check_x"],
  ["/settings/external scripts/wrappings", "py"],
  ["/settings/external scripts/alias", "alias_x"],
  ["/settings/my own alias/scripts", "check_x"],
  ["/settings/ext", "script path"],
  ["/settings/ext", "script root"],
  ["/settings/ext", "allow nasty characters"],
  ["/settings/python", "python executable"],
  ["/settings/python", "python cache"],
  ["/settings/python/scripts", "x"],
  ["/settings/node/scripts", "x"],
  ["/settings/node", "node options"],
  ["/settings/check helpers/alias", "x"],
  ["/settings/scheduler/schedules", "x"],
  ["/settings/scheduler/schedules/x", "interval"],
  ["/settings/NRPE/client/handlers", "x"],
  ["/settings/NRPE/client/targets", "default"],
  ["/settings/NSCA/client/targets/default", "timeout"],
  ["/settings/logfile/real-time/checks/x", "command"],
  ["/settings/logfile/real-time/checks/x", "file"],
  ["/settings/GRPC/server", "port"],
  ["/settings/WEB/server/users/admin", "password"],
  ["/settings/security", "anonymous role"],
  ["/settings/security/roles", "full"],
  ["/settings/security/users/admin", "role"],
  ["/settings/security/certificates", "CN:x"],
  ["/settings/security/audit", "queries"],
  ["/settings/permissions", "enabled"],
  ["/settings/permissions/policies", "*"],
  ["/settings/default", "allowed hosts"],
  ["/settings/default", "password"],
  ["/settings/core", "script sections"],
  ["/settings/log", "file name"],
  ["/settings/crash", "archive folder"],
  ["/settings/metrics", "port"],
  ["/settings/Metrics/", "PORT"],
  ["/settings/writers/file", "syntax"],
  ["/settings/writers/file", "service-syntax"],
];

describe("over a network", () => {
  it.each(closed)("%s %s stays as it is", (path, key) => {
    expect(refuseRemoteWrite(path, key)).toBeDefined();
  });

  it.each([
    ["/settings/core", "query timeout"],
    ["/settings/core", "metrics interval"],
    ["/settings/core/timeouts", "check_disk"],
    ["/settings/log", "level"],
    ["/settings/log/file", "max size"],
    ["/settings/default", "timezone"],
    ["/settings/my_check", "warning"],
    ["/settings/my_check/", "Größe in MB"],
    ["/settings/demo/sub", "a"],
    ["/settings/demo", "port"],
  ])("%s %s can be written", (path, key) => {
    expect(refuseRemoteWrite(path, key)).toBeUndefined();
  });

  it.each([
    ["/settings/my_check", "", "whole sections can't be written over a network; name a key"],
    [
      "settings/my_check",
      "a",
      'only plain sections below /settings can be written over a network, not "settings/my_check"',
    ],
    [
      "/settings/a/../b",
      "a",
      'only plain sections below /settings can be written over a network, not "/settings/a/../b"',
    ],
    ["/settings//a", "a", 'only plain sections below /settings can be written over a network, not "/settings//a"'],
    ["", "a", 'only plain sections below /settings can be written over a network, not ""'],
    [
      "/settings/a]\n[/modules",
      "a",
      'only plain sections below /settings can be written over a network, not "/settings/a]\\n[/modules"',
    ],
    ["/settings/a", "b = c\nd", 'only keys with plain names can be written over a network, not "b = c\\nd"'],
    [
      "/Settings/Python/Scripts",
      "X",
      "/settings/python/scripts.x decides what is executed or who may do what; it can't be written over a network",
    ],
  ])("%j %j is refused with its reason", (path, key, reason) => {
    expect(refuseRemoteWrite(path, key)).toBe(reason);
  });

  it("a key that is described as a path or a secret stays as it is, whatever its name", () => {
    const described = [
      { type: "path", sensitive: false },
      { type: "password", sensitive: false },
      { type: "string", sensitive: true },
      { type: "int", sensitive: false },
    ];
    const answers = described.map((key) => refuseRemoteWrite("/settings/own", "value", key) === undefined);
    expect(answers).toEqual([false, false, false, true]);
  });

  // The store reads names without regard to case, blanks and slashes at their ends. Whatever it takes for a closed key
  // must be refused, so the store itself is asked.
  it("no spelling that the store takes for a closed key is let through", () => {
    const blank = fc.stringMatching(/^[ \t\v\f]{0,2}$/);
    const spelling = (text: string) =>
      fc
        .tuple(
          fc.array(fc.constantFrom("lower", "upper", "as is", "kelvin", "long s"), {
            minLength: text.length,
            maxLength: text.length,
          }),
          blank,
          blank,
          fc.constantFrom("", "/", "//", " /", "/ ", "/.", "/..", "/../"),
        )
        .map(([changes, before, after, slashes]) => ({
          text: before + [...text].map((letter, at) => change(letter, changes[at] ?? "as is")).join("") + after,
          slashes,
        }));
    fc.assert(
      fc.property(
        fc
          .constantFrom(...closed)
          .chain(([path, key]) => fc.tuple(fc.constant([path, key] as const), spelling(path), spelling(key))),
        ([[path, key], section, name]) => {
          const written = section.text + section.slashes;
          if (refuseRemoteWrite(written, name.text) !== undefined) return;
          const store = storeOf(`[${path}]\n${key} = before`);
          store.set(written, name.text, "after");
          expect(store.get(path, key)).toBe("before");
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("nothing below a closed section is let through", () => {
    const name = fc.stringMatching(/^[a-z0-9 ._-]{1,12}$/);
    const sections = fc.constantFrom(
      "scripts",
      "Wrapped Scripts",
      "alias",
      "Aliases",
      "schedules",
      "targets",
      "users",
      "server",
    );
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 3 }),
        sections,
        fc.array(name, { maxLength: 3 }),
        name,
        (above, section, below, key) => {
          const path = ["/settings", ...above, section, ...below].join("/");
          expect(refuseRemoteWrite(path, key)).toBeDefined();
        },
      ),
    );
  });
});

/** Letters that some ways of lower-casing turn into plain ones. */
function change(letter: string, how: string): string {
  if (how === "kelvin" && /k/i.test(letter)) return "\u212a";
  if (how === "long s" && /s/i.test(letter)) return "\u017f";
  if (how === "lower") return letter.toLowerCase();
  return how === "upper" ? letter.toUpperCase() : letter;
}
