/**
 * The first thing on a connection, sent by the server and never encrypted.
 *
 *     0   128  random bytes, of which ciphers take their IV
 *     128   4  the server's time, seconds since 1970
 *
 * Source: NSCA 2.10, `include/common.h`, `init_packet_struct`.
 */
const TIME_AT = 128;
export const NSCA_INIT_SIZE = 132;

export interface NscaInit {
  /** 128 bytes. */
  readonly iv: Uint8Array;
  /** The server's time in whole seconds since 1970, which each packet of the connection repeats. */
  readonly timestamp: number;
}

/** @param init its IV has 128 bytes of good random numbers: a used one gives away what two connections differ in */
export function encodeNscaInit({ iv, timestamp }: NscaInit): Buffer {
  const bytes = Buffer.alloc(NSCA_INIT_SIZE);
  bytes.set(iv.subarray(0, TIME_AT));
  bytes.writeUInt32BE(timestamp >>> 0, TIME_AT);
  return bytes;
}

/** @param bytes the first 132 bytes that the server sent */
export function decodeNscaInit(bytes: Buffer): NscaInit {
  return { iv: Uint8Array.from(bytes.subarray(0, TIME_AT)), timestamp: bytes.readUInt32BE(TIME_AT) };
}
