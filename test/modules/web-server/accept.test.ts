import { expect, test } from "vitest";
import { preferredType } from "../../../src/modules/web-server/http/accept.js";

test.each([
  [undefined, "application/json"],
  ["", "application/json"],
  ["*/*", "application/json"],
  ["application/json", "application/json"],
  ["application/json, text/plain, */*", "application/json"],
  ["text/plain", "text/plain"],
  ["Text/Plain", "text/plain"],
  ["text/plain; charset=utf-8", "text/plain"],
  ["text/*", "text/plain"],
  ["text/plain, */*", "application/json"],
  ["text/plain, */*;q=0.1", "text/plain"],
  ["*/*;q=0.1,text/plain", "text/plain"],
  ["text/plain;q=0.5", "text/plain"],
  ["text/plain;q=0.5, application/json", "application/json"],
  ["text/plain;q=0.9, application/json;q=0.8", "text/plain"],
  ["text/plain;q=0.9, application/*;q=0.95", "application/json"],
  ["text/plain; Q=1.000 , application/json; q = 0", "text/plain"],
  ["text/plain;q=0, */*;q=0.1", "application/json"],
  ["text/plain;q=0", "application/json"],
  ["text/plain;q=2, application/json;q=0.5", "text/plain"],
  ["text/html", "application/json"],
  [",;q=1,;;", "application/json"],
])("a client that accepts %j gets %s", (accept, expected) => {
  expect(preferredType(accept, ["application/json", "text/plain"])).toBe(expected);
});
