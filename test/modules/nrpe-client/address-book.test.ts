import type { LookupAddress, LookupAllOptions, LookupOneOptions } from "node:dns";
import { expect, test } from "vitest";
import { AddressBook } from "../../../src/modules/nrpe-client/address-book.js";
import { FakeClock } from "../../support/fake-clock.js";

const both: readonly LookupAddress[] = [
  { address: "192.0.2.1", family: 4 },
  { address: "2001:db8::1", family: 6 },
];

/** A book with a name server that answers when the test says so. */
function bookOf() {
  const clock = new FakeClock();
  const asked: string[] = [];
  const waiting: { resolve(found: readonly LookupAddress[]): void; reject(error: Error): void }[] = [];
  const book = new AddressBook(clock, (host) => {
    asked.push(host);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  });
  const find = (host: string, options: LookupAllOptions | LookupOneOptions = { all: true }) =>
    new Promise((resolve) =>
      book.lookup(host, options, (error, address) => resolve(error === null ? address : error.message)),
    );
  const next = async (found: readonly LookupAddress[] | Error) => {
    await new Promise(setImmediate);
    const first = waiting.shift();
    if (found instanceof Error) first?.reject(found);
    else first?.resolve(found);
    await new Promise(setImmediate);
  };
  return { clock, asked, find, next };
}

test("a name is looked up once for all that ask, and again after 30 s", async () => {
  const { clock, asked, find, next } = bookOf();
  const answers = [find("Web1.example"), find("web1.EXAMPLE"), find("web1.example", { family: 6 })];
  await next(both);
  expect(await Promise.all(answers)).toEqual([both, both, "2001:db8::1"]);
  clock.advance(29_999);
  expect(await find("web1.example", { family: 4 })).toBe("192.0.2.1");
  expect(asked).toEqual(["Web1.example"]);
  clock.advance(1);
  const moved = find("web1.example");
  await next([{ address: "192.0.2.9", family: 4 }]);
  expect([await moved, asked.length]).toEqual([[{ address: "192.0.2.9", family: 4 }], 2]);
});

test("a name that there is none for is not asked again for 5 s, and an address of the other kind is none", async () => {
  const { clock, asked, find, next } = bookOf();
  const failed = find("gone.example");
  await next(new Error("getaddrinfo ENOTFOUND gone.example"));
  clock.advance(4_999);
  const text = "getaddrinfo ENOTFOUND gone.example";
  expect([await failed, await find("gone.example"), asked.length]).toEqual([text, text, 1]);
  clock.advance(1);
  const back = find("gone.example", { family: 6, all: true });
  await next([{ address: "192.0.2.1", family: 4 }]);
  expect([await back, asked.length]).toEqual([text, 2]);
});

test("at most two names are looked up at a time: a name server that hangs keeps no files from the gateway", async () => {
  const { asked, find, next } = bookOf();
  const answers = ["a", "b", "c", "d"].map((host) => find(host));
  expect(asked).toEqual(["a", "b"]);
  await next(both);
  expect(asked).toEqual(["a", "b", "c"]);
  await next(new Error("getaddrinfo EAI_AGAIN b"));
  expect(asked).toEqual(["a", "b", "c", "d"]);
  await next(both);
  await next(both);
  expect(await Promise.all(answers)).toEqual([both, "getaddrinfo EAI_AGAIN b", both, both]);
});
