/**
 * Lines of NSCA-ng: a keyword of four letters and what follows it. They end with CR LF; a bare LF is taken too.
 *
 * Source: the protocol document of NSCA-ng 1.6, "Requests and Responses".
 */

/** The longest line that is taken, in bytes; NSCA-ng itself gives up at this length. */
const MAX_LINE_LENGTH = 2048;

/** An answer of the server. */
export interface ServerLine {
  /** In capitals, such as `OKAY`. */
  readonly keyword: string;
  /** What follows, such as the reason of a `FAIL`. */
  readonly text: string;
  /** The line as it came, for people to read. */
  readonly whole: string;
}

/** Cuts a stream of bytes into lines. */
export class LineReader {
  private rest: Buffer = Buffer.alloc(0);

  /**
   * The lines that are complete with these bytes.
   * @throws RangeError when a line does not end within 2048 bytes
   */
  feed(bytes: Buffer): ServerLine[] {
    const lines: ServerLine[] = [];
    let buffer = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    for (let end = buffer.indexOf(LF); end >= 0; end = buffer.indexOf(LF)) {
      if (end > MAX_LINE_LENGTH) throw tooLong();
      lines.push(parseLine(buffer.toString("utf8", 0, end)));
      buffer = buffer.subarray(end + 1);
    }
    if (buffer.length > MAX_LINE_LENGTH) throw tooLong();
    // A copy: what came in may be a piece of a much larger buffer.
    this.rest = Buffer.from(buffer);
    return lines;
  }
}

function parseLine(line: string): ServerLine {
  const whole = line.replace(UNPRINTABLE, "").trim();
  const [keyword = "", text = ""] = whole.split(/[ \t]+(.*)/su, 2);
  return { keyword: keyword.toUpperCase(), text, whole };
}

function tooLong(): RangeError {
  return new RangeError(`The server sent a line of more than ${MAX_LINE_LENGTH} bytes.`);
}

const LF = 0x0a;
/** The line ends up in logs and dead letters. */
const UNPRINTABLE = /\p{Cc}/gu;
