import { carryOut, describeOrder, type QueueDelivery } from "../../relay/queue-orders.js";
import type { Spool } from "../../spool/spool.js";
import type { nscp } from "../../wire/messages.js";
import { adminMethods } from "../../wire/services.js";
import type { Operation } from "./rpc.js";

/** What waits for receivers, and how they fare. */
export interface Queues {
  /** Undefined when this gateway has none. */
  readonly spool: Spool | undefined;
  deliveryOf(queue: string): QueueDelivery | undefined;
}

/** Lists, shows, retries and drops; each order has its own grant, limited to queues. */
export function queueOperation(queues: Queues): Operation<nscp.gateway.v1.QueueRequest, nscp.gateway.v1.QueueResponse> {
  return {
    method: adminMethods.queue,
    audit: {
      action: (request) => describeOrder(request).grant,
      objects: (request) => describeOrder(request).queues,
    },
    handle: (request, { principal }) =>
      carryOut(request, {
        spool: queues.spool,
        deliveryOf: (queue) => queues.deliveryOf(queue),
        allows: (grant, queue) => principal.grants.allows(grant, queue),
        caller: principal.name,
      }),
  };
}
