import { describe, expect, test } from "vitest";
import { PeerLog } from "../../src/front-end/peer-log.js";
import { type Seat, Seats } from "../../src/front-end/seats.js";
import { FakeClock } from "../support/fake-clock.js";
import { RecordingLog } from "../support/recording-log.js";

/** Seats with what became of everybody who asked for one. */
class Room {
  readonly log = new RecordingLog();
  readonly dismissed: string[] = [];
  readonly clock = new FakeClock();
  readonly seats: Seats;

  constructor(total: number, perPeer: number) {
    this.seats = new Seats(() => ({ total, perPeer }), new PeerLog(this.log, this.clock));
  }

  /** @param name the address, and what tells its connections apart: `10.0.0.1#2` */
  come(name: string): Seat | undefined {
    return this.seats.take(name.split("#")[0] ?? "", () => this.dismissed.push(name));
  }

  stay(name: string): Seat | undefined {
    const seat = this.come(name);
    seat?.keep();
    return seat;
  }
}

describe("an address whose share is used up", () => {
  test("gives up its oldest connection that has not brought a request for the next one", () => {
    const room = new Room(10, 2);
    for (const name of ["10.0.0.1#1", "10.0.0.1#2", "10.0.0.2#1", "10.0.0.1#3", "10.0.0.1#4"]) room.come(name);
    expect(room.dismissed).toEqual(["10.0.0.1#1", "10.0.0.1#2"]);
    expect(room.seats.count).toBe(3);
  });

  test("gets no further connection while all it has are being served", () => {
    const room = new Room(10, 2);
    const first = room.stay("10.0.0.1#1");
    room.stay("10.0.0.1#2");
    expect(room.come("10.0.0.1#3")).toBeUndefined();
    expect(room.come("10.0.0.2#1")).toBeDefined();
    first?.leave();
    expect(room.come("10.0.0.1#4")).toBeDefined();
    expect(room.dismissed).toEqual([]);
    expect(room.seats.turnedAway).toBe(1);
  });
});

describe("when all seats are taken", () => {
  test("a newcomer gets that of whoever waits longest within the largest crowd of silent connections", () => {
    const room = new Room(5, 5);
    for (const name of ["10.0.0.9#1", "10.0.0.1#1", "10.0.0.1#2", "10.0.0.1#3"]) room.come(name);
    room.stay("10.0.0.5#1");
    expect(room.come("10.0.0.5#2")).toBeDefined();
    expect(room.dismissed).toEqual(["10.0.0.1#1"]);
  });

  test("and nobody has more than one, it is the oldest of all", () => {
    const room = new Room(3, 3);
    for (const name of ["10.0.0.3#1", "10.0.0.1#1", "10.0.0.2#1", "10.0.0.4#1"]) room.come(name);
    expect(room.dismissed).toEqual(["10.0.0.3#1"]);
  });

  test("by those who are being served, newcomers are turned away", () => {
    const room = new Room(2, 2);
    room.stay("10.0.0.1#1");
    room.stay("10.0.0.2#1");
    expect(room.come("10.0.0.3#1")).toBeUndefined();
    expect(room.dismissed).toEqual([]);
  });
});

test("a seat is free once, however often its connection ends, also after it made way", () => {
  const room = new Room(2, 2);
  const first = room.come("10.0.0.1#1");
  const second = room.come("10.0.0.2#1");
  room.come("10.0.0.3#1");
  first?.leave();
  expect(room.seats.count).toBe(2);
  second?.leave();
  second?.leave();
  expect(room.seats.count).toBe(1);
});

test("who floods is in the log once a minute, with how often it was", () => {
  const room = new Room(1, 1);
  for (let count = 0; count < 5; count++) room.come("10.0.0.1#1");
  room.clock.advance(60_000);
  room.come("10.0.0.2#1");
  expect(room.log.records).toEqual([
    "warn: Closed a connection of 10.0.0.1: 1 of it are open already",
    "warn: Closed a connection of 10.0.0.1: 1 are open already (and 3 times more since the last time)",
  ]);
});
