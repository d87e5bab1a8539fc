/** The floor of the REST interface: bare fastify routes that answer with the same content. It runs in a process of its own. */
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";

/** What the parent says first. */
export interface RestFloorOrder {
  /** What is answered to GET, by the path as fastify has it. */
  readonly answers: Readonly<Record<string, unknown>>;
}

process.once("message", async (order) => {
  const app = fastify();
  for (const [path, answer] of Object.entries((order as RestFloorOrder).answers)) app.get(path, async () => answer);
  await app.listen({ port: 0, host: "127.0.0.1" });
  process.send?.({ port: (app.server.address() as AddressInfo).port });
});
