import { isIPv4, isIPv6 } from "node:net";

/** An address as a number. IPv4 in IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

const mappedPrefix = 0xffffn;

/** Reads an IPv4 or IPv6 address, with or without brackets and zone (`fe80::1%eth0`); undefined when it is none. */
export function parseIp(text: string): IpAddress | undefined {
  const bare = text.trim().replace(/^\[(.*)\]$/, "$1");
  const address = bare.replace(/%.*$/, "");
  if (isIPv4(address)) return { bits: 32, value: bytesValue(address.split(".").map(Number)) };
  if (!isIPv6(address)) return undefined;
  const value = ipv6Value(address);
  return value >> 32n === mappedPrefix ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value };
}

/** Whether the first `length` bits of both are the same. */
export function samePrefix(a: IpAddress, b: IpAddress, length: number): boolean {
  if (a.bits !== b.bits) return false;
  const rest = BigInt(a.bits - length);
  return a.value >> rest === b.value >> rest;
}

function ipv6Value(address: string): bigint {
  const [head = "", tail] = address.split("::", 2);
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** The 16-bit groups of a part of an IPv6 address; IPv4 at its end is two of them. */
function groups(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const value = Number(bytesValue(group.split(".").map(Number)));
    return [Math.floor(value / 0x1_0000), value % 0x1_0000];
  });
}

function bytesValue(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
