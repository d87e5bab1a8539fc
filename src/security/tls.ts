/** A certificate with its key and the authorities for the other side, as PEM. */
export interface TlsMaterial {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly ca: Buffer | undefined;
}

/** The current certificate of a server, which changes while it listens. */
export interface TlsSource {
  /** The last pair that was good. */
  current(): TlsMaterial;
  /** Calls `listener` with every new pair. Returns how to stop listening. */
  onChange(listener: (material: TlsMaterial) => void): () => void;
  /** Reads the files now. Returns what is wrong with them; then the pair that was in use stays. */
  reload(): Promise<readonly string[]>;
  close(): void;
}
