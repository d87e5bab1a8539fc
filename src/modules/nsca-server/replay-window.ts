import type { ReceivedNscaPacket } from "../../wire/nsca/packet.js";

/** Packets that are remembered. Beyond that the oldest is forgotten, which an attacker could only bring about with a key. */
const maxEntries = 100_000;

/**
 * Knows packets that came already. Random filler makes even two packets with the same result differ, so one that comes
 * again as it was is a copy, or a result that nothing is lost with.
 */
export class ReplayWindow {
  /** What tells a packet from others → until when it is remembered, in milliseconds since 1970; in order of arrival. */
  private readonly known = new Map<string, number>();

  /**
   * Remembers the packet.
   * @param nowMs milliseconds since 1970
   * @param keepMs how long it could be accepted again
   * @returns whether it was known
   */
  meets({ crc, timestamp, host, service }: ReceivedNscaPacket, nowMs: number, keepMs: number): boolean {
    this.forget(nowMs);
    const key = `${crc}/${timestamp}/${host}/${service}`;
    if (this.known.has(key)) return true;
    this.known.set(key, nowMs + keepMs);
    return false;
  }

  private forget(nowMs: number): void {
    for (const [key, until] of this.known) {
      if (until > nowMs && this.known.size < maxEntries) return;
      this.known.delete(key);
    }
  }
}
