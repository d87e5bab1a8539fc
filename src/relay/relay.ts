/**
 * What a relay is: the part of it that differs from protocol to protocol. Everything else (targets, names, fan-out, the queue
 * on disk, retries, the commands) is the same for all and stands in the other files of this room.
 */
import type { Clock } from "../kernel/clock.js";
import type { GatewayControl } from "../kernel/control.js";
import type { Logger } from "../kernel/log.js";
import type { RegistryScope } from "../kernel/scope.js";
import type { ObjectSpec, ValuesOf } from "../settings/schema.js";
import type { QueryResponse } from "../wire/messages.js";
import type { CommonTargetKeys } from "./target-keys.js";

/** How sure a target can be that its receiver has a result. */
export type DeliveryGrade =
  /** The bytes were written and the connection ended cleanly; the protocol has no answer. */
  | "written"
  /** The receiver said so. */
  | "confirmed";

/** A result as it goes out: with the names that the receiver knows. */
export interface OutgoingResult {
  /** After the target's name mapping. */
  readonly host: string;
  /** After the target's name mapping; empty for the state of the host itself. */
  readonly service: string;
  /** State, lines and performance data; `renderNagiosText` makes the text of it. */
  readonly result: QueryResponse;
  /** When the check ran, in milliseconds since 1970. */
  readonly timeMs: number;
  /** When it began and ended, where the sender said so. */
  readonly executionMs: { readonly start: number; readonly end: number } | undefined;
  /** Channel that it was submitted to. */
  readonly channel: string;
  /** Through how many gateways it came before this one; none unless given. */
  readonly hops?: number;
}

/** What became of one result. */
export type Verdict =
  /** `text` is what the receiver said, such as `Submission successful`. */
  | { readonly kind: "delivered"; readonly text: string }
  /** The receiver will never take this one: a dead letter with its words. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Not now: it stays in the queue, and so does everything behind it in the batch. */
  | { readonly kind: "failed"; readonly reason: string };

/**
 * The receiver refused a batch as a whole and did not say because of which result. The batch is halved until the one is
 * found. Not for what has nothing to do with the results, such as a wrong password: that is a plain error.
 */
export class BatchRefused extends Error {
  override readonly name = "BatchRefused";
}

/** Brings batches to one receiver. One batch at a time. */
export interface Sender {
  /**
   * Answers a verdict for each result, in order; a shorter list means that the rest failed. What it throws means: all
   * failed, try again later; a {@link BatchRefused} means: try halves.
   *
   * @param signal aborted when the gateway ends or the batch takes longer than the target's time-out for a batch
   */
  send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]>;
  /** Ends idle connections. */
  close(): void | Promise<void>;
}

/** A target as a protocol sees it. */
export interface RelayTarget<Keys extends ObjectSpec["keys"]> {
  readonly name: string;
  /** Its section, for error messages. */
  readonly path: string;
  /** Host and port to connect to, from `address`, `host` and `port`; empty and 0 for protocols without a network. */
  readonly host: string;
  readonly port: number;
  /** The address as it was written, such as a URL with a path. */
  readonly address: string;
  /** The protocol's own keys and those that all targets have. */
  readonly settings: ValuesOf<Keys & CommonTargetKeys>;
}

/** What a sender may use. */
export interface SenderEnvironment {
  readonly log: Logger;
  readonly clock: Clock;
  /** The gateway's host name by the key `hostname` of the module, such as for the identity of a client. */
  readonly hostname: string;
  readonly version: string;
}

/** A relay protocol; `defineRelay` makes a module of it. */
export interface RelayProtocol<Keys extends ObjectSpec["keys"]> {
  /** Name of the module, such as `NSCAClient`. */
  readonly name: string;
  readonly summary: string;
  /** Alias in `[/modules]` unless one is given, such as `nsca-client`. */
  readonly defaultAlias: string;
  /** Its sections are `/settings/<section>/client` and below. */
  readonly section: string;
  /** Channel it listens on unless the settings name another, such as `NSCA`. */
  readonly channel: string;
  /** Word for its commands: `nsca` gives `submit_nsca` and `nscp nsca`. */
  readonly word: string;
  readonly grade: DeliveryGrade;
  /** Port when the address has none; undefined: the protocol has no network. */
  readonly defaultPort: number | undefined | ((address: string) => number);
  /** Keys of a target beside those that all have. */
  readonly targetKeys: Keys;
  /** Largest batch that makes sense on one connection; targets can set less. */
  readonly batch: { readonly count: number; readonly bytes: number };
  /** What `${alias}` is in its sections unless `[/modules]` gives an alias; `client` unless given. */
  readonly defaultSection?: string;
  /**
   * Makes the sender of a target. Connects nothing yet.
   * @throws GatewayError CONFIGURATION for a target that can't work, naming the key: an unknown cipher, a missing password
   */
  connect(target: RelayTarget<Keys>, environment: SenderEnvironment): Sender;
  /**
   * What the module offers beside the relay, such as targets for queries or a sink for metrics. Called at the start, after
   * the targets were found to be right, and again after a reload, when what it answered before has been stopped.
   */
  extend?(extension: RelayExtension<Keys>): RelayAddition | undefined;
}

/** What a protocol that offers more than a relay may use. */
export interface RelayExtension<Keys extends ObjectSpec["keys"]> {
  readonly registry: RegistryScope;
  readonly gateway: GatewayControl;
  /** The targets that results can go to. */
  readonly targets: readonly RelayTarget<Keys>[];
  readonly environment: SenderEnvironment;
}

/** Parts of a module's runtime that a protocol adds to those of its relay. */
export interface RelayAddition {
  /** Takes back what was registered. */
  stop?(): Promise<void>;
  /** Further lines for the status. */
  detail?(): readonly string[];
}
