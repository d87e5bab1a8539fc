import { expect, test } from "vitest";
import { stampHeader, trustedHeader } from "../../src/kernel/header.js";
import { Header } from "../../src/wire/messages.js";
import { incoming, poller } from "../support/kernel.js";

const metadata = [
  { key: " NSCP.Principal", value: "local" },
  { key: "site", value: "north" },
];
const header = () => Header.fromObject({ metadata, hosts: [{ id: "far", address: "192.0.2.1", metadata }] });

test("what a caller says about itself is gone from the header and from its hosts", () => {
  const trusted = trustedHeader(header(), incoming({ principal: poller("targets.override") }));
  expect(trusted.hostsRemoved).toBe(false);
  expect(trusted.header?.metadata.map(({ key }) => key)).toEqual(["site"]);
  expect(trusted.header?.hosts.map((host) => [host.address, host.metadata.map(({ key }) => key)])).toEqual([
    ["192.0.2.1", ["site"]],
  ]);
});

test("hosts are gone without the grant", () => {
  const trusted = trustedHeader(header(), incoming({ principal: poller("queries.execute") }));
  expect([trusted.hostsRemoved, trusted.header?.hosts]).toEqual([true, []]);
});

test("a header from inside stays as it is, and one without any of it stays the same object", () => {
  const [inside, plain] = [header(), Header.fromObject({ recipientId: "far" })];
  expect(trustedHeader(inside, incoming({ remote: false })).header).toBe(inside);
  expect(trustedHeader(plain, incoming({ principal: poller() })).header).toBe(plain);
});

test("an owner reads the identity that the gateway knows, and no other", () => {
  const read = stampHeader(header(), incoming()).metadata.map(({ key, value }) => `${key}=${value}`);
  expect(read).toEqual(["site=north", "nscp.principal=poller"]);
});
