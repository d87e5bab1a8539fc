// A script host in a few lines, written from docs/script-host-protocol.md and nothing else: no lanes, and scripts that are
// JSON files:
//   { "register": [[kind, name]], "answer": value }   what it registers and answers
//   "exit": true           the process exits when it is called
//   "at": "x.py:3 in f"    its callbacks hang there; those of the same script and its pings wait for them
//   "frees": true          its callbacks let all that hang go on
//   "blocks": true         its callbacks block the whole process
//   "loadsAt": "x.py:1"    reading it does not end, and hangs there
//   "stays": true          it can't be ended
// With the argument `where` the host says where a callback is.
import { readFileSync } from "node:fs";
import { Socket } from "node:net";

const control = new Socket({ fd: 3 });
const tellsWhere = process.argv.includes("where");
const scripts = new Map();
/** Answers that wait, and where they do, by script and request. */
let hanging = [];
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

function receive(message) {
  const { t, s, id, file } = message;
  const script = scripts.get(s);
  if (t === "hello") send({ t: "ready", protocol: 1, host: "minimal", ...(tellsWhere ? { where: true } : {}) });
  else if (t === "end") end(s, script);
  else if (t === "load") load(s, id, file);
  else if (t === "init") {
    send({ t: "log", s, level: "debug", text: `init ${message.pluginAlias} ${message.scriptAlias}` });
    for (const [kind, name] of script.register) send({ t: "register", s, kind, name, h: 1, options: {} });
    send({ t: "ok", s, id });
  } else if (t === "where") {
    const own = hanging.filter((one) => one.s === s);
    const turn = own.length === 0 ? null : { turn: own[0].at };
    send({ t: "ok", s, id, value: own[0]?.id === message.run ? own[0].at : turn });
  } else if (t === "run") run(message, script);
  else if (t === "ping" && hanging.some((one) => one.s === s)) hanging.push({ s, id, at: null });
  else if (id !== undefined && t !== "cancel") send({ t: "ok", s, id });
}

function load(s, id, file) {
  const script = JSON.parse(readFileSync(file, "utf8"));
  scripts.set(s, script);
  send({ t: "log", s, level: "debug", text: `load ${s}` });
  if (script.loadsAt === undefined) send({ t: "ok", s, id });
  else hanging.push({ s, id, at: script.loadsAt });
}

function run({ s, id, args }, script) {
  if (script.exit) process.exit(7);
  if (script.blocks) for (;;);
  send({ t: "log", s, level: "info", text: `asked for ${args[0]}`, in: id });
  if (script.at !== undefined) hanging.push({ s, id, at: script.at });
  else send({ t: "ok", s, id, value: script.answer });
  if (!script.frees) return;
  for (const one of hanging) send({ t: "ok", s: one.s, id: one.id, value: scripts.get(one.s).answer });
  hanging = [];
}

function end(s, script) {
  if (script.stays) return;
  scripts.delete(s);
  hanging = hanging.filter((one) => one.s !== s);
  send({ t: "gone", s, reason: "it was ended" });
}
