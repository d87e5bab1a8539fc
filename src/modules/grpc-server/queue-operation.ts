import type { Operation } from "../../front-end/operation.js";
import type { GatewayControl } from "../../kernel/control.js";
import { carryOut, describeOrder } from "../../relay/queue-orders.js";
import type { Spool } from "../../spool/spool.js";
import type { nscp } from "../../wire/messages.js";
import { adminMethods } from "../../wire/services.js";

/** Lists, shows, retries and drops; each order has its own grant, limited to queues. */
export function queueOperation(
  gateway: GatewayControl,
  openSpool: () => Promise<Spool | undefined>,
): Operation<nscp.gateway.v1.QueueRequest, nscp.gateway.v1.QueueResponse> {
  return {
    method: adminMethods.queue,
    audit: {
      action: (request) => describeOrder(request).grant,
      objects: (request) => describeOrder(request).queues,
    },
    handle: async (request, { principal }) =>
      carryOut(request, {
        spool: await openSpool(),
        deliveryOf: (queue) =>
          gateway
            .modules()
            .flatMap(({ status }) => status.relay ?? [])
            .find((target) => target.queue === queue),
        allows: (grant, queue) => principal.grants.allows(grant, queue),
        caller: principal.name,
      }),
  };
}
