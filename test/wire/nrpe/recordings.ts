import { readFileSync } from "node:fs";

/** One direction of a connection; bytes are hexadecimal. Of long packets there is the beginning and a hash. */
export interface RecordedPacket {
  length: number;
  version: 2 | 3 | 4;
  type: 1 | 2;
  crc32: string;
  result_code: number;
  buffer_length?: number;
  bytes_after_buffer?: number;
  text?: string;
  text_sha256?: string;
  text_length?: number;
  packet?: string;
  packet_sha256?: string;
  packet_head?: string;
}

/** Recorded between Debian's `check_nrpe` and `nrpe` 4.1.0, and packets that NSClient++ builds. */
interface Recordings {
  cases: {
    check_nrpe_args: string[];
    exit_code: number;
    stdout?: string;
    connections: { request: RecordedPacket; response: RecordedPacket | null }[];
  }[];
  nsclient_packets: Record<string, string>;
}

export const recordings = JSON.parse(
  readFileSync(new URL("../vectors/nrpe.json", import.meta.url), "utf8"),
) as Recordings;
