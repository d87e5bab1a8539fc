import fc from "fast-check";

/** A change of bytes: of one sample, which may take parts of the others. */
type Change = (bytes: Buffer, samples: readonly Buffer[]) => Buffer;

/** Where something happens, whatever the length: mostly in the head, where lengths and types are. */
const place = fc.oneof(fc.nat(40), fc.nat(0xffff));

/** Numbers at which programs go wrong. */
const dangerousNumber = fc.constantFrom(
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0x8000,
  0xffff,
  0x10000,
  0x7fffffff,
  0xffffffff,
);

const invalidUtf8 = fc.constantFrom("c328", "e28228", "f0288cbc", "fe", "eda080", "c080", "00").map(hex);

/** Changes that make sense for any protocol. */
const byteChanges: readonly fc.Arbitrary<Change>[] = [
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([at, mask]) => (bytes) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ mask;
    return changed;
  }),
  place.map((at) => (bytes) => bytes.subarray(0, at % (bytes.length + 1))),
  fc.tuple(place, place, fc.integer({ min: 1, max: 8 })).map(([at, size, times]) => (bytes) => {
    const start = at % (bytes.length + 1);
    const part = bytes.subarray(start, start + (size % 512));
    return Buffer.concat([bytes.subarray(0, start), ...Array<Buffer>(times).fill(part), bytes.subarray(start)]);
  }),
  fc.tuple(place, place, fc.nat()).map(([at, from, other]) => (bytes, samples) => {
    const source = samples[other % samples.length] ?? bytes;
    return Buffer.concat([bytes.subarray(0, at % (bytes.length + 1)), source.subarray(from % (source.length + 1))]);
  }),
  fc
    .tuple(place, fc.constantFrom(1, 2, 4), dangerousNumber, fc.boolean())
    .map(([at, size, number, little]) => (bytes) => {
      if (bytes.length < size) return bytes;
      const changed = Buffer.from(bytes);
      const start = at % (changed.length - size + 1);
      const value = number % 2 ** (8 * size);
      if (little) changed.writeUIntLE(value, start, size);
      else changed.writeUIntBE(value, start, size);
      return changed;
    }),
  fc
    .tuple(place, fc.oneof(invalidUtf8, fc.uint8Array({ maxLength: 64 }).map(Buffer.from)))
    .map(([at, more]) => (bytes) => {
      const start = at % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, start), more, bytes.subarray(start)]);
    }),
];

/** Lines that a head of HTTP can be misunderstood by, among them those of request smuggling (RFC 9112 11.2). */
const headerLine = fc.oneof(
  fc.constantFrom(
    "Content-Length: 0",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 5, 6",
    "Content-Length: 0x10",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: xchunked",
    "Expect: 100-continue",
    "Expect: the-unexpected",
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA",
    "Connection: keep-alive, close, TE",
    "Upgrade: h2c",
    "Host: \u0000",
    "Host: a\r\nHost: b",
    "X-HTTP-Method-Override: DELETE",
    "Content-Type: multipart/form-data",
    "Content-Type: application/x-protobuf",
    "Content-Type: application/json; charset=utf-7",
    "Accept: application/problem+json, */*;q=0.00001",
    "Authorization: Basic !!!!",
    "Authorization: Bearer",
    "Cookie: __proto__=1",
    "__proto__: x",
    "Range: bytes=0-,0-,0-",
    'If-None-Match: W/"""',
    "Last-Event-ID: -1",
    " folded",
    ": nameless",
  ),
  fc
    .tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/), fc.string({ unit: "binary", maxLength: 40 }))
    .map(([name, value]) => `${name}: ${value}`),
);

const requestTarget = fc.oneof(
  fc.constantFrom(
    "*",
    "//",
    "/../../etc/passwd",
    "/%",
    "/%00",
    "/%c0%ae",
    "http://a/b",
    "/?",
    "/?a=%",
    "/nrdp/?__proto__[x]=1",
    "/query/",
    "/api/v2/queries/%2e%2e/commands/execute",
    "/api/v3/",
    `/${"a/".repeat(2000)}`,
    `/query/check_ok?${"a&".repeat(3000)}`,
  ),
  fc.string({ unit: "binary", maxLength: 60 }).map((text) => `/${text}`),
);

/** Changes of requests as texts. */
const httpChanges: readonly fc.Arbitrary<Change>[] = [
  fc.array(headerLine, { minLength: 1, maxLength: 3 }).map((lines) => (bytes) => insertLines(bytes, lines)),
  fc.tuple(headerLine, fc.integer({ min: 10, max: 3000 })).map(
    ([line, times]) =>
      (bytes) =>
        insertLines(bytes, Array(times).fill(line)),
  ),
  requestTarget.map((target) => (bytes) => replaced(bytes, /^(\S*) \S*/, `$1 ${target.replaceAll("$", "$$$$")}`)),
  fc
    .constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PRI", "get", "")
    .map((method) => (bytes) => replaced(bytes, /^\S*/, method)),
  fc
    .constantFrom("HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/9.9", "")
    .map((version) => (bytes) => replaced(bytes, /HTTP\/1\.\d/, version)),
  fc
    .constantFrom("-1", "0", "1", "7", "65536", "2147483648", "99999999999999999999", "1e3", "+5", "")
    .map((length) => (bytes) => replaced(bytes, /Content-Length: ?\d+/i, `Content-Length: ${length}`)),
  fc
    .array(
      fc.tuple(
        fc.constantFrom("1", "5", "0", "ffffffff", "-1", "FFFFFFFFFFFFFFFFF", "5;x=y", "g", ""),
        fc.string({ maxLength: 12 }),
      ),
      { maxLength: 6 },
    )
    .map((chunks) => (bytes) => asChunks(bytes, chunks)),
  fc.constantFrom("\n", "\r", "\r\r\n").map((end) => (bytes) => replaced(bytes, /\r\n/g, end)),
  // Several requests in one go.
  fc.nat().map((other) => (bytes, samples) => Buffer.concat([bytes, samples[other % samples.length] ?? bytes])),
];

/** Samples of any protocol, changed up to six times. */
export function mutatedBytes(samples: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return mutated(samples, fc.oneof(...byteChanges));
}

/** Requests of HTTP, changed as bytes and as texts. */
export function mutatedRequests(samples: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return mutated(samples, fc.oneof(...byteChanges, ...httpChanges, ...httpChanges));
}

function mutated(samples: readonly Buffer[], change: fc.Arbitrary<Change>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([sample, changes]) => changes.reduce((bytes, apply) => apply(bytes, samples), sample).subarray(0, largest));
}

/** Changes that multiply one another must not make the fuzz one of sheer size. */
const largest = 256 << 10;

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}

function insertLines(bytes: Buffer, lines: readonly string[]): Buffer {
  return replaced(bytes, /\r\n/, `\r\n${lines.join("\r\n").replaceAll("$", "$$$$")}\r\n`);
}

function replaced(bytes: Buffer, what: RegExp, by: string): Buffer {
  return Buffer.from(bytes.toString("latin1").replace(what, by), "latin1");
}

function asChunks(bytes: Buffer, chunks: readonly (readonly [string, string])[]): Buffer {
  const text = bytes.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return bytes;
  const head = text.slice(0, end).replace(/^content-length:.*\r\n/im, "");
  const body = chunks.map(([size, part]) => `${size}\r\n${part}\r\n`).join("");
  return Buffer.from(`${head}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`, "latin1");
}
