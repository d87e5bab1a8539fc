import { type EventMessage, MetricsMessage, PB } from "../wire/messages.js";
import type { Call } from "./call.js";
import { errorText } from "./errors.js";
import type { Logger } from "./log.js";
import type { Registry } from "./registry.js";

/** Tells every subscriber of the events in the message, once per payload that bears its name. */
export async function emitEvent(registry: Registry, log: Logger, message: EventMessage, parent: Call): Promise<void> {
  const deliveries = message.payload.flatMap((event) => {
    const subscribers = registry.findEvent(event.event);
    if (subscribers.length === 0) log.debug(`Nobody listens to the event ${event.event}`, { traceId: parent.traceId });
    return subscribers.map(async ({ handler, owner }) => {
      let call: Call | undefined;
      try {
        call = parent.nested();
        await handler(event, message, call);
      } catch (thrown) {
        log.error(`${owner.alias} failed on the event ${event.event}: ${errorText(thrown)}`, {
          error: thrown,
          traceId: parent.traceId,
        });
      } finally {
        call?.finish();
      }
    });
  });
  await Promise.all(deliveries);
}

/** One cycle: collects from every source, merges the bundles into one payload and hands it to every sink. */
export async function runMetricsCycle(registry: Registry, log: Logger): Promise<MetricsMessage> {
  const collected = await Promise.all(
    registry.metricsSources().map(async ({ handler, owner }) => {
      try {
        return await handler();
      } catch (thrown) {
        log.error(`${owner.alias} failed to produce metrics: ${errorText(thrown)}`, { error: thrown });
        return [];
      }
    }),
  );
  const message = MetricsMessage.create({
    payload: [PB.Metrics.MetricsMessage.Response.create({ bundles: collected.flat() })],
  });
  await Promise.all(
    registry.metricsSinks().map(async ({ handler, owner }) => {
      try {
        await handler(message);
      } catch (thrown) {
        log.error(`${owner.alias} failed to take metrics: ${errorText(thrown)}`, { error: thrown });
      }
    }),
  );
  return message;
}
