import { crc32 } from "node:zlib";
import fc from "fast-check";
import { encodeNrpeQuery } from "../../src/wire/nrpe/packet.js";
import { encodeNscaPacket, nscaPacketSize } from "../../src/wire/nsca/packet.js";
import { nrpeQueries } from "./corpus.js";
import { mutatedBytes } from "./mutations.js";

/** Where both protocols have their CRC. */
const crcPlace = 4;
/** Where a packet of NSCA has its time. */
const timePlace = 8;

const anyText = fc.oneof(
  fc.string({ maxLength: 100 }),
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.constantFrom(
    "check_ok",
    "_NRPE_CHECK",
    "check_ok!message=fine",
    "!",
    "!!!!",
    "a".repeat(1000),
    "check_ok!$(id)!`id`!|;&<>",
  ),
);

/** Queries that are right but for what they say. */
const builtQuery = fc.tuple(anyText, fc.constantFrom(2, 3, 4)).map(([text, version]) =>
  encodeNrpeQuery(Buffer.from(text).subarray(0, 1000).toString("latin1").slice(0, 500), {
    version: version as 2 | 3 | 4,
  }),
);

/** Queries of NRPE, changed; of half of them the CRC is right again, so that what stands behind it is read. */
export const nrpeInput: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.oneof({ arbitrary: mutatedBytes(nrpeQueries), weight: 4 }, { arbitrary: builtQuery, weight: 1 }),
    fc.boolean(),
  )
  .map(([bytes, isRepaired]) => (isRepaired ? repaired(bytes) : bytes));

const nscaSamples = [512, 4096].flatMap((payloadLength) =>
  [
    { host: "server", service: "disk", code: 0, output: "fine|used=5%;80;90" },
    { host: "server", service: "", code: 2, output: "down" },
  ].map((result) => {
    const packet = Buffer.alloc(nscaPacketSize(payloadLength));
    encodeNscaPacket({ ...result, timestamp: 0 }, packet, { fill: (bytes) => bytes.fill(0x20) });
    return packet;
  }),
);

/** What a sender of NSCA does wrong. */
export interface NscaInput {
  /** Before it is encrypted. */
  readonly bytes: Buffer;
  /** Whether it knows the password. */
  readonly isEncrypted: boolean;
  /** Whether the packet gets the time of its connection and a CRC that is right, so that what stands behind them is read. */
  readonly isRepaired: boolean;
}

export const nscaInput: fc.Arbitrary<NscaInput> = fc
  .tuple(mutatedBytes(nscaSamples), fc.boolean(), fc.integer({ min: 0, max: 3 }))
  .map(([bytes, isRepaired, draw]) => ({ bytes, isRepaired, isEncrypted: draw > 0 }));

/** The bytes of such a packet for a connection that began at that time, in seconds. */
export function timelyPacket({ bytes, isRepaired }: NscaInput, timestamp: number): Buffer {
  if (!isRepaired || bytes.length < timePlace + 4) return bytes;
  const changed = Buffer.from(bytes);
  changed.writeUInt32BE(timestamp, timePlace);
  return repaired(changed);
}

function repaired(bytes: Buffer): Buffer {
  if (bytes.length < crcPlace + 4) return bytes;
  const changed = Buffer.from(bytes);
  changed.writeUInt32BE(0, crcPlace);
  changed.writeUInt32BE(crc32(changed), crcPlace);
  return changed;
}
