import { expect, test } from "vitest";
import { PeerLog } from "../../src/front-end/peer-log.js";
import { FakeClock } from "../support/fake-clock.js";
import { RecordingLog } from "../support/recording-log.js";

test.each([
  ["a minute unless said otherwise", undefined, 60_000],
  ["an hour where that is said", 3_600_000, 3_600_000],
])("What a peer does over and over is said once in %s, and then how often it was", (_name, given, quietMs) => {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const peers = new PeerLog(log, clock, given);
  for (let round = 0; round < 3; round++) peers.warn("192.0.2.1", "crc", "a wrong CRC of 192.0.2.1");
  peers.warn("192.0.2.2", "crc", "a wrong CRC of 192.0.2.2");
  peers.info("192.0.2.1", "version", "another version of 192.0.2.1");
  clock.advance(quietMs - 1);
  peers.warn("192.0.2.1", "crc", "a wrong CRC of 192.0.2.1");
  clock.advance(1);
  peers.warn("192.0.2.1", "crc", "a wrong CRC of 192.0.2.1");
  expect(log.records).toEqual([
    "warn: a wrong CRC of 192.0.2.1",
    "warn: a wrong CRC of 192.0.2.2",
    "info: another version of 192.0.2.1",
    "warn: a wrong CRC of 192.0.2.1 (and 3 times more since the last time)",
  ]);
});
