import type { Clock } from "../kernel/clock.js";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { FileWatcher, type FileWatcherOptions } from "./file-watcher.js";
import { loadTls, notAfter, type TlsFiles, type TlsMaterial } from "./tls.js";

export interface TlsWatcherOptions extends FileWatcherOptions {
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

/**
 * The certificate of a server, which may be replaced while it listens. The certificate usually comes first and its key a
 * moment later; until both fit the old pair stays in use, and a pair that does not fit is spoken of once. An expired pair
 * does not replace one that is still valid.
 */
export class TlsWatcher {
  readonly #listeners = new Set<(material: TlsMaterial) => void>();
  readonly #watcher: FileWatcher;
  #reloading: Promise<readonly string[]> = Promise.resolve([]);
  #said = new Set<string>();

  private constructor(
    private readonly files: TlsFiles,
    private readonly options: TlsWatcherOptions,
    private material: TlsMaterial,
  ) {
    const watched = [files.certificate, files.privateKey, ...(files.ca === undefined ? [] : [files.ca])];
    this.#watcher = new FileWatcher(watched, () => this.reload().then(() => {}), options);
  }

  /**
   * Loads the files and begins to watch them.
   * @throws GatewayError CONFIGURATION with a sentence for everything that is wrong
   */
  static async start(files: TlsFiles, options: TlsWatcherOptions): Promise<TlsWatcher> {
    const { material, problems, warnings } = await loadTls(files, options.clock.now());
    if (material === undefined) throw new GatewayError("CONFIGURATION", problems.join("\n"));
    const watcher = new TlsWatcher(files, options, material);
    watcher.#warn(warnings);
    return watcher;
  }

  /** The last pair that was good. */
  current(): TlsMaterial {
    return this.material;
  }

  /** Calls `listener` with every new pair. Returns how to stop listening. */
  onChange(listener: (material: TlsMaterial) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the files now. Returns what is wrong with them; then the pair that was in use stays. */
  reload(): Promise<readonly string[]> {
    this.#reloading = this.#reloading.then(() => this.#load());
    return this.#reloading;
  }

  close(): void {
    this.#watcher.close();
    this.#listeners.clear();
  }

  async #load(): Promise<readonly string[]> {
    const now = this.options.clock.now();
    const { material, problems, warnings } = await loadTls(this.files, now);
    if (material === undefined) return this.#keep(problems);
    if (isSame(material, this.material)) {
      this.#said = new Set(warnings);
      return [];
    }
    if (notAfter(material.certificate) < now && notAfter(this.material.certificate) >= now) {
      return this.#keep([`The new certificate ${this.files.certificate} has expired already`]);
    }
    this.material = material;
    this.#said = new Set();
    this.options.log.info(`The certificate ${this.files.certificate} was replaced; connections that are open stay so.`);
    this.#warn(warnings);
    for (const listener of this.#listeners) listener(material);
    return [];
  }

  #keep(problems: readonly string[]): readonly string[] {
    for (const problem of problems) {
      if (!this.#said.has(problem)) this.options.log.warn(`${problem}. The certificate in use stays.`);
    }
    this.#said = new Set(problems);
    return problems;
  }

  #warn(warnings: readonly string[]): void {
    for (const warning of warnings) this.options.log.warn(warning);
  }
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  const isSameCa = a.ca === undefined || b.ca === undefined ? a.ca === b.ca : a.ca.equals(b.ca);
  return isSameCa && a.certificate.equals(b.certificate) && a.privateKey.equals(b.privateKey);
}
