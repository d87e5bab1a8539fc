import type { handleServerStreamingCall, Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { GatewayError } from "../../kernel/errors.js";
import { adminService, gatewayService } from "../../wire/services.js";
import { streamError } from "./call-status.js";
import type { OpenStreams } from "./open-streams.js";

/** What health checks may ask for; the empty name is the gateway as a whole. */
const services = ["", gatewayService, adminService] as const;

/** The health service, grpc.health.v1.Health. */
export class Health {
  private readonly implementation = new HealthImplementation(
    Object.fromEntries(services.map((service) => [service, "NOT_SERVING" as const])),
  );

  /** Watchers stay until a shutdown ends them, so they belong to the open streams. */
  addTo(server: Server, streams: OpenStreams): void {
    this.implementation.addToServer({
      addService(definition, implementation) {
        const { watch, ...others } = implementation;
        const watched: handleServerStreamingCall<unknown, unknown> = (surface) => {
          const forget = streams.add((reason) => surface.emit("error", streamError(reason)));
          surface.on("cancelled", forget);
          (watch as handleServerStreamingCall<unknown, unknown>)(surface);
        };
        server.addService(
          definition as ServiceDefinition,
          { ...others, watch: watched } as UntypedServiceImplementation,
        );
      },
    });
  }

  setServing(serving: boolean): void {
    for (const service of services) this.implementation.setStatus(service, serving ? "SERVING" : "NOT_SERVING");
  }
}

export function shuttingDown(): GatewayError {
  return new GatewayError("UNAVAILABLE", "The gateway is shutting down.");
}
