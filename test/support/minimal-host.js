// A script host in a few lines, written from docs/script-host-protocol.md and nothing else: no lanes, and scripts that are
// JSON files: { "register": [[kind, name]], "answer": value, "exit": true }.
import { readFileSync } from "node:fs";
import { Socket } from "node:net";

const control = new Socket({ fd: 3 });
const scripts = new Map();
let buffered = Buffer.alloc(0);

function send(message) {
  const head = Buffer.from(JSON.stringify([message]));
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32BE(head.length + 4, 0);
  prefix.writeUInt32BE(head.length, 4);
  control.write(Buffer.concat([prefix, head]));
}

control.on("end", () => process.exit(0));
control.on("data", (chunk) => {
  buffered = Buffer.concat([buffered, chunk]);
  while (buffered.length >= 8 && buffered.length >= 4 + buffered.readUInt32BE(0)) {
    const total = 4 + buffered.readUInt32BE(0);
    const head = buffered.toString("utf8", 8, 8 + buffered.readUInt32BE(4));
    buffered = buffered.subarray(total);
    for (const message of JSON.parse(head)) receive(Array.isArray(message) ? longForm(message) : message);
  }
});

function longForm([kind, id, ...rest]) {
  if (kind === "o") return { t: "ok", id, value: rest[0], s: rest[1] };
  return { t: "run", id, h: rest[0], args: rest[1], s: rest[2] };
}

function receive({ t, s, id, file, args }) {
  const script = scripts.get(s);
  if (t === "hello") send({ t: "ready", protocol: 1, host: "minimal" });
  else if (t === "end") send({ t: "gone", s, reason: "it was ended" });
  else if (t === "load") {
    scripts.set(s, JSON.parse(readFileSync(file, "utf8")));
    send({ t: "ok", s, id });
  } else if (t === "init") {
    for (const [kind, name] of script.register) send({ t: "register", s, kind, name, h: 1, options: {} });
    send({ t: "ok", s, id });
  } else if (t === "run") {
    if (script.exit) process.exit(7);
    send({ t: "log", s, level: "info", text: `asked for ${args[0]}`, in: id });
    send({ t: "ok", s, id, value: script.answer });
  } else if (id !== undefined) send({ t: "ok", s, id });
}
