import { stat } from "node:fs/promises";
import type { Clock } from "../kernel/clock.js";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { FileWatcher } from "./file-watcher.js";
import { readTokenFile } from "./token-file.js";
import { type TokenRecord, tokenHash } from "./tokens.js";

/** How often an unknown token makes the table look into the file. */
const refreshMs = 1_000;

/** The tokens that are good now. It follows the file, so that `nscp token` needs no restart and no reload. */
export class TokenTable {
  #tokens: ReadonlyMap<string, TokenRecord> = new Map();
  #file = "";
  #watcher: FileWatcher | undefined;
  #lastRefresh = Number.NEGATIVE_INFINITY;
  /** One read after another, or a slow one would bring back what a later one has seen revoked. */
  #reading: Promise<void> = Promise.resolve();

  /** @param onChange is called when the tokens are others than before */
  constructor(
    private readonly clock: Pick<Clock, "monotonic">,
    private readonly log: Logger,
    private readonly onChange: () => void,
  ) {}

  /** Reads the file. @throws GatewayError CONFIGURATION when it is no token file; then the tokens stay as they were */
  async use(file: string): Promise<void> {
    await this.#inTurn(async () => this.#take(await readTokenFile(file)));
    await this.#warnIfOthersMayWrite(file);
    if (file === this.#file) return;
    this.#watcher?.close();
    this.#file = file;
    this.#watcher = new FileWatcher([file], () => this.#reload());
  }

  /** The record of a token that is in the table already. */
  known(token: string): TokenRecord | undefined {
    return this.#tokens.size === 0 ? undefined : this.#tokens.get(tokenHash(token));
  }

  /** The record of a token. One that is unknown may just have been made, so the file is read again, once a second at most. */
  async find(token: string): Promise<TokenRecord | undefined> {
    const hash = tokenHash(token);
    const known = this.#tokens.get(hash);
    if (known !== undefined || this.#file === "") return known;
    const now = this.clock.monotonic();
    if (now - this.#lastRefresh >= refreshMs) {
      this.#lastRefresh = now;
      await this.#reload();
    } else await this.#reading;
    return this.#tokens.get(hash);
  }

  records(): Iterable<TokenRecord> {
    return this.#tokens.values();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#file = "";
  }

  #reload(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        this.#take(await readTokenFile(this.#file));
      } catch (error) {
        this.log.error(`${errorText(error)}. The tokens stay as they were.`);
      }
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#reading.then(work);
    this.#reading = turn.catch(() => {});
    return turn;
  }

  #take(tokens: readonly TokenRecord[]): void {
    const table = new Map(tokens.map((record) => [record.hash, record]));
    const isSame = JSON.stringify([...table]) === JSON.stringify([...this.#tokens]);
    this.#tokens = table;
    if (!isSame) this.onChange();
  }

  async #warnIfOthersMayWrite(file: string): Promise<void> {
    const mode = await stat(file).then(
      (found) => found.mode,
      () => 0,
    );
    if ((mode & 0o022) !== 0) {
      this.log.warn(`Others than its owner may write to ${file}, and so make tokens; set its permissions to 600.`);
    }
  }
}
