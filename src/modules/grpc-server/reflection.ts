import { fileURLToPath } from "node:url";
import type { Server } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";
import { completeDescriptors } from "./file-descriptors.js";

const protoFolder = fileURLToPath(new URL("../../../proto", import.meta.url));

/** Server reflection (https://grpc.io/docs/guides/reflection/), so that tools need no copy of the contract. */
export function addReflection(server: Pick<Server, "addService">): void {
  const contract = loadSync(["gateway.proto", healthProto], { includeDirs: [protoFolder] });
  new ReflectionService(completeDescriptors(contract)).addToServer(server);
}
