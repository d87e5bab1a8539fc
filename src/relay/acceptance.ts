import type { Call } from "../kernel/call.js";
import type { Clock } from "../kernel/clock.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import { hostOf } from "../kernel/header.js";
import { splitNames } from "../kernel/registry.js";
import type { PathTokens } from "../settings/paths.js";
import type { Spool } from "../spool/spool.js";
import { type Header, PB, StatusCode, type SubmitRequestMessage, SubmitResponse } from "../wire/messages.js";
import { adHocTarget } from "./ad-hoc-target.js";
import { deliverDirectly } from "./direct-delivery.js";
import { encodeResult, incomingResults, type PendingResult, subjectOf } from "./incoming-results.js";
import type { Sender, SenderEnvironment } from "./relay.js";
import type { AnyProtocol } from "./relay-settings.js";
import type { ConfiguredTarget, RelayTargets } from "./targets.js";

/** Where a result goes: to a target of the settings, or to one that the caller describes. */
export interface Destination {
  readonly configured: ConfiguredTarget;
  readonly isAdHoc: boolean;
}

/** What became of one result at all its targets. */
export interface Acceptance {
  readonly isAccepted: boolean;
  /** The receiver's words, or why it was not accepted. */
  readonly text: string;
  /** It rests on disk for at least one of the targets. */
  readonly isQueued: boolean;
}

interface AcceptingParts {
  readonly protocol: AnyProtocol;
  readonly targets: RelayTargets;
  readonly environment: SenderEnvironment;
  readonly paths: PathTokens;
  readonly clock: Clock;
  /** Without it results are sent while their caller waits. */
  readonly spool: Spool | undefined;
  queueOf(target: ConfiguredTarget): string;
  /** @throws GatewayError CONFIGURATION when the target can't work */
  connect(target: ConfiguredTarget): Sender;
}

/** The text of the protocol for "accepted"; what `data` adds is whether it has arrived. */
const acceptedText = "Submission successful";
const queuedData = "queued";

/** Takes results in: on disk for every target, and only then they are accepted. */
export class Accepting {
  constructor(private readonly parts: AcceptingParts) {}

  /**
   * Takes a submission: an answer for each of its results, in order.
   * @throws GatewayError RESOURCE_EXHAUSTED or UNAVAILABLE when the spool can't take it
   */
  async submission(submission: SubmitRequestMessage, call: Call): Promise<SubmitResponse[]> {
    const { environment, clock } = this.parts;
    const results = incomingResults(submission, environment.hostname, clock.now(), call.hops);
    if (results.length === 0) return [];
    let destinations: readonly Destination[];
    try {
      destinations = this.destinationsOf(submission.header, call);
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
      return results.map(() => responseTo({ isAccepted: false, isQueued: false, text: thrown.message }));
    }
    return (await this.results(results, destinations, call)).map(responseTo);
  }

  /** The targets that the header names, or those for submissions that name none. */
  destinationsOf(header: Header | null, call: Call): readonly Destination[] {
    return this.named(header?.recipientId || header?.destinationId || "", header, call);
  }

  /**
   * @param names a comma separated list; empty for the targets of submissions that name none
   * @throws GatewayError NOT_FOUND for a name that is no target, saying which there are; FAILED_PRECONDITION without any
   */
  named(names: string, header: Header | null, call: Call): readonly Destination[] {
    const { protocol, targets, paths } = this.parts;
    const wanted = splitNames(names);
    if (wanted.length === 0) {
      if (targets.standard.length > 0) return targets.standard.map((configured) => ({ configured, isAdHoc: false }));
      throw new GatewayError("FAILED_PRECONDITION", `${protocol.name} has no target to submit to`);
    }
    const found = wanted.map((name): Destination => {
      const entry = hostOf(header, name);
      if (entry !== undefined && entry.address !== "") {
        const options = [["address", entry.address] as const, ...entry.metadata.map(optionOf)];
        const values = targets.valuesFor(name);
        const trust = { keepsSecrets: false, namesFiles: !call.remote };
        const configured = adHocTarget({ protocol, name, values, options, paths, ...trust });
        return { configured, isAdHoc: true };
      }
      const configured = targets.find(name);
      if (configured === undefined) throw new GatewayError("NOT_FOUND", targets.unknownText(name));
      return { configured, isAdHoc: false };
    });
    return found.filter(
      (one, index) => found.findIndex((other) => other.configured.name === one.configured.name) === index,
    );
  }

  /**
   * Brings results to their destinations: with one write to the disk into the queues of all targets of the settings, and
   * at once to those that a caller described. What became of each, in order.
   *
   * @throws GatewayError RESOURCE_EXHAUSTED or UNAVAILABLE when the spool can't take them
   */
  async results(
    results: readonly PendingResult[],
    destinations: readonly Destination[],
    call: Call,
  ): Promise<readonly Acceptance[]> {
    const { spool, queueOf, clock } = this.parts;
    const queued = spool === undefined ? [] : destinations.filter(({ isAdHoc }) => !isAdHoc);
    if (spool !== undefined && queued.length > 0) {
      const queues = queued.map(({ configured }) => queueOf(configured));
      const timeMs = clock.now();
      // From here on nothing that the caller does changes what happens.
      await spool.append(
        results.map((result) => ({ queues, subject: subjectOf(result), timeMs, bytes: encodeResult(result, call) })),
      );
    }
    const direct = destinations.filter((destination) => !queued.includes(destination));
    const outcomes = await Promise.all(direct.map((destination) => this.direct(results, destination, call)));
    return results.map((_result, index) => {
      const answers = outcomes.flatMap((outcome) => outcome[index] ?? []);
      const failures = answers.filter(({ isAccepted }) => !isAccepted).map(({ text }) => text);
      const isAccepted = failures.length === 0;
      const text = isAccepted ? (answers.at(-1)?.text ?? acceptedText) : [...new Set(failures)].join("; ");
      return { isAccepted, isQueued: queued.length > 0, text };
    });
  }

  private async direct(
    results: readonly PendingResult[],
    { configured }: Destination,
    call: Call,
  ): Promise<readonly Acceptance[]> {
    const { protocol, clock } = this.parts;
    const { name, values } = configured;
    try {
      // A sender takes one batch at a time, and callers don't wait for each other.
      const sender = this.parts.connect(configured);
      try {
        const limits = { batchSize: values.batchSize ?? protocol.batch.count, retries: values.retries };
        const verdicts = await deliverDirectly(results, { sender, ...limits, clock, signal: call.signal });
        return verdicts.map((verdict) =>
          verdict.kind === "delivered"
            ? { isAccepted: true, isQueued: false, text: verdict.text }
            : { isAccepted: false, isQueued: false, text: `${name}: ${verdict.reason}` },
        );
      } finally {
        await sender.close();
      }
    } catch (thrown) {
      return results.map(() => ({ isAccepted: false, isQueued: false, text: `${name}: ${errorText(thrown)}` }));
    }
  }
}

function optionOf({ key, value }: { key: string; value: string }): readonly [string, string] {
  return [key, value];
}

function responseTo({ isAccepted, isQueued, text }: Acceptance): SubmitResponse {
  const code = isAccepted ? StatusCode.STATUS_OK : StatusCode.STATUS_ERROR;
  const data = isAccepted && isQueued ? queuedData : "";
  return SubmitResponse.create({ result: PB.Common.Result.create({ code, message: text, data }) });
}
