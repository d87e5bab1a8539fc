import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../kernel/clock.js";
import type { Logger } from "../kernel/log.js";
import type { SettingsOf } from "../settings/schema.js";
import { openSpool } from "../spool/open-spool.js";
import type { Spool } from "../spool/spool.js";
import type { spoolSettings } from "../spool/spool-settings.js";

export type SpoolServiceSettings = SettingsOf<typeof spoolSettings>;

interface SpoolServiceParts {
  /** Whether results rest at all: not where the command line runs a single check or script. */
  readonly isDurable: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  settings(): SpoolServiceSettings;
}

/** The gateway's spool: opened by the first relay that wants it, closed when all modules have stopped. */
export class SpoolService {
  private opening: Promise<Spool> | undefined;
  private usedSettings: SpoolServiceSettings | undefined;
  private isClosed = false;
  private opened: Spool | undefined;

  constructor(private readonly parts: SpoolServiceParts) {}

  /** The spool, as long as it is open. */
  get current(): Spool | undefined {
    return this.opened;
  }

  /** Opens it when it is wanted for the first time; nothing where results don't rest. */
  async open(): Promise<Spool | undefined> {
    if (!this.parts.isDurable || this.isClosed) return undefined;
    this.opening ??= this.openNow();
    try {
      return await this.opening;
    } catch (thrown) {
      // The next reload tries again.
      this.opening = undefined;
      throw thrown;
    }
  }

  /** Says that changed settings count from the next start on. */
  reload(): void {
    const used = this.usedSettings;
    if (used === undefined) return;
    const { settings, log } = this.parts;
    if (!isDeepStrictEqual(settings(), used)) log.warn("[/settings/spool] counts when the gateway is started again");
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const spool = await this.opening?.catch(() => undefined);
    this.opened = undefined;
    this.opening = undefined;
    await spool?.close();
  }

  private async openNow(): Promise<Spool> {
    const { clock, log, settings } = this.parts;
    const used = settings();
    const { path, maximumSize, maximumCount, ballastSize, deadLetterAge } = used;
    const spool = await openSpool({
      ...{ folder: path, clock, log },
      maximumBytes: maximumSize,
      maximumCount: maximumCount ?? Number.POSITIVE_INFINITY,
      ballastBytes: ballastSize,
      deadLetterAgeMs: deadLetterAge,
    });
    this.usedSettings = used;
    this.opened = spool;
    return spool;
  }
}
