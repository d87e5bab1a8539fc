import { expect, it } from "vitest";
import { failure, startGateway } from "./grpc-gateway.js";

const controlled = "use ssl = false\ncontrol socket = ${data-path}/control.sock";

it("queues are for those who have a grant for them, and every order is in the audit", async () => {
  const gateway = await startGateway(controlled);
  const local = gateway.connect({ socketPath: gateway.control });
  expect((await local.queue({ list: {} })).queue).toEqual([]);
  expect(await failure(local.queue({ drop: { queue: "q", all: true } }))).toBe("NOT_FOUND: There is no queue q.");
  expect(await failure(local.queue({}))).toBe("INVALID_ARGUMENT: The order is none of list, show, retry and drop.");
  const poller = gateway.connect({ address: `grpc://127.0.0.1:${gateway.port}`, ca: undefined });
  const denied = await Promise.all(
    [
      { list: { queue: ["a", "b"] } },
      { show: { choice: { queue: "a" } } },
      { retry: { queue: "a", all: true } },
      { drop: { queue: "a", all: true } },
    ].map((order) => failure(poller.queue(order))),
  );
  expect(denied).toEqual(
    ["queue.list", "queue.show for a", "queue.retry for a", "queue.drop for a"].map(
      (grant) => `PERMISSION_DENIED: anonymous has no grant ${grant}.`,
    ),
  );
  const audited = gateway.audited
    .filter(({ action }) => action.startsWith("queue."))
    .map(({ action, outcome, principal, objects = [] }) => `${principal.name} ${action} ${outcome} ${objects}`.trim());
  expect(audited.sort()).toEqual([
    "anonymous queue.drop denied a",
    "anonymous queue.list denied a,b",
    "anonymous queue.retry denied a",
    "anonymous queue.show denied a",
    "local queue.drop failed q",
    "local queue.list failed",
    "local queue.list ok",
  ]);
});
