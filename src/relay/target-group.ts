import type { Clock } from "../kernel/clock.js";
import { Breaker } from "./breaker.js";
import { type FailoverMember, FailoverSender } from "./failover.js";
import type { Sender, SenderEnvironment } from "./relay.js";
import type { TargetValues } from "./relay-settings.js";
import type { ConfiguredTarget, RelayTargets } from "./targets.js";

/** The way to a target: its own sender, or those of it and of the targets that take over from it. */
export interface TargetConnection {
  readonly sender: Sender;
  /** The name of the target that takes the results. */
  active(): string;
}

/** @throws GatewayError CONFIGURATION when one of the targets can't work */
export function connectTarget(
  targets: RelayTargets,
  configured: ConfiguredTarget,
  environment: SenderEnvironment,
): TargetConnection {
  const { name, values } = configured;
  const others = values.failover.flatMap((other) => targets.find(other) ?? []);
  const member = (target: ConfiguredTarget): FailoverMember => ({
    name: target.name,
    // Each group has senders of its own: a sender takes one batch at a time.
    sender: targets.connect(target, environment),
    breaker: breakerOf(target.values, environment.clock),
  });
  if (others.length === 0) return { sender: targets.connect(configured, environment), active: () => name };
  const sender = new FailoverSender([member(configured), ...others.map(member)], environment.log);
  return { sender, active: () => sender.active };
}

export function breakerOf(values: TargetValues, clock: Clock): Breaker {
  return new Breaker({
    failures: values.breakerFailures,
    delayMs: values.retryDelay,
    maximumDelayMs: Math.max(values.retryDelay, values.maximumRetryDelay),
    ...{ clock, random: Math.random },
  });
}
