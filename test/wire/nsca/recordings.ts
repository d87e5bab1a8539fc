import { readFileSync } from "node:fs";

/** Recorded between Debian's `send_nsca` and `nsca` 2.10.2; bytes are hexadecimal. */
interface Recordings {
  connections: {
    method: number;
    password: string;
    packet_size: number;
    iv: string;
    timestamp: number;
    note: string;
    packets: {
      host: string;
      service: string;
      code: number;
      output: string;
      crc32: string;
      /** Only of the short packets; of all there is the hash. */
      plaintext?: string;
      plaintext_sha256: string;
      ciphertext: string;
    }[];
  }[];
  /** Single blocks that libmcrypt encrypted. */
  primitives: {
    method: number;
    name: string;
    key_size: number;
    block_size: number;
    ecb: { key: string; plaintext: string; ciphertext: string }[];
  }[];
}

export const recordings = JSON.parse(
  readFileSync(new URL("../vectors/nsca.json", import.meta.url), "utf8"),
) as Recordings;
