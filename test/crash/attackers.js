// Peers that hold connections open: a process of its own, so that what they do costs the poller nothing.
import { connect } from "node:net";

/**
 * What the parent orders first; it gets `open` when all connections were made, and `ended` when the last of them is closed.
 *
 * @typedef {object} Order
 * @property {number} port
 * @property {readonly string[]} addresses where the connections come from, by turns
 * @property {number} count
 * @property {string} head what each sends at once, in hexadecimal
 * @property {string} drip what it sends behind that, byte by byte, over and over; none says no more
 * @property {number} everyMs
 */

process.once("message", (/** @type {Order} */ { port, addresses, count, head, drip, everyMs }) => {
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  let met = 0;
  let made = 0;
  const bytes = Buffer.from(drip, "hex");
  const meet = () => {
    if (++met === count) process.send?.("open");
  };
  const make = () => {
    const localAddress = addresses[made++ % addresses.length];
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    sockets.add(socket);
    let isMet = false;
    const settle = () => {
      if (!isMet) meet();
      isMet = true;
    };
    socket.on("error", () => {}).resume();
    socket.once("connect", () => {
      if (head !== "") socket.write(Buffer.from(head, "hex"));
      settle();
    });
    socket.once("close", () => {
      settle();
      sockets.delete(socket);
      if (sockets.size === 0 && made === count) process.send?.("ended", () => process.exit());
    });
  };
  // Not all in one go: the queue of connections that wait to be met is for pollers, too.
  const making = setInterval(() => {
    for (let more = 0; more < 50 && made < count; more++) make();
    if (made === count) clearInterval(making);
  }, 5);
  let step = 0;
  if (bytes.length > 0) {
    setInterval(() => {
      const byte = bytes.subarray(step % bytes.length, (step % bytes.length) + 1);
      for (const socket of sockets) if (socket.writable && !socket.connecting) socket.write(byte);
      step++;
    }, everyMs).unref();
  }
});

process.once("disconnect", () => process.exit());
