import type { RelayTargetStatus } from "../kernel/relay-status.js";
import type { QueueOptions, ReplayPolicy, Spool } from "../spool/spool.js";
import type { Breaker } from "./breaker.js";
import { type DeliveryFigures, DeliveryWorker } from "./delivery.js";
import { OutageLog } from "./outage-log.js";
import type { SenderEnvironment } from "./relay.js";
import type { AnyProtocol, TargetValues } from "./relay-settings.js";
import { breakerOf, connectTarget, type TargetConnection } from "./target-group.js";
import type { ConfiguredTarget, RelayTargets } from "./targets.js";

interface LineParts {
  readonly protocol: AnyProtocol;
  readonly targets: RelayTargets;
  readonly configured: ConfiguredTarget;
  readonly environment: SenderEnvironment;
  readonly spool: Spool;
  /** Name of its queue. */
  readonly queue: string;
  /** How the deliveries to the target went before; they are counted on. */
  readonly figures: DeliveryFigures;
}

/** A queue of the spool, the worker that drains it, and the target that it goes to. */
export class DeliveryLine {
  private constructor(
    private readonly parts: LineParts,
    private readonly worker: DeliveryWorker,
    private readonly breaker: Breaker,
    private readonly connection: TargetConnection,
  ) {}

  /** Begins to deliver, as soon as whoever drained the queue before has released it. */
  static async open(parts: LineParts): Promise<DeliveryLine> {
    const { protocol, targets, configured, environment, spool } = parts;
    const { name, values } = configured;
    const { clock, log } = environment;
    const connection = connectTarget(targets, configured, environment);
    const queue = await opened(spool, parts.queue, queueOptions(values), connection);
    const breaker = breakerOf(values, clock);
    const waiting = () => spool.status().queues.find((each) => each.name === parts.queue)?.waiting ?? 0;
    const worker = new DeliveryWorker({
      ...{ target: name, queue, sender: connection.sender, breaker, clock, log, figures: parts.figures },
      limits: {
        count: Math.min(values.batchSize ?? protocol.batch.count, protocol.batch.count),
        bytes: protocol.batch.bytes,
      },
      outage: new OutageLog({ target: name, log, clock, waiting }),
    });
    worker.start();
    return new DeliveryLine(parts, worker, breaker, connection);
  }

  stop(): Promise<void> {
    return this.worker.stop();
  }

  status(): RelayTargetStatus {
    const { protocol, configured, queue, environment } = this.parts;
    const { waitMs, state } = this.breaker;
    const active = this.connection.active();
    return {
      ...{ name: configured.name, queue, grade: protocol.grade, breaker: state },
      ...this.parts.figures,
      nextTryMs: waitMs > 0 ? environment.clock.now() + waitMs : 0,
      takenOverBy: active === configured.name ? "" : active,
    };
  }
}

async function opened(spool: Spool, name: string, options: QueueOptions, { sender }: TargetConnection) {
  try {
    return await spool.open(name, options);
  } catch (thrown) {
    await sender.close();
    throw thrown;
  }
}

function queueOptions(values: TargetValues): QueueOptions {
  return {
    replay: replayPolicy(values),
    maximumAgeMs: values.maximumAge,
    maximumCount: values.maximumCount ?? Number.POSITIVE_INFINITY,
    maximumBytes: values.maximumSize ?? Number.POSITIVE_INFINITY,
  };
}

function replayPolicy({ replay, replayAge }: TargetValues): ReplayPolicy {
  return replay === "drop-older-than" ? { kind: replay, ageMs: replayAge } : { kind: replay };
}
