import { defineRelay } from "../../relay/define-relay.js";
import { defineModule } from "../module.js";
import { gatewayProtocol } from "./protocol.js";

export default defineModule(defineRelay(gatewayProtocol));
