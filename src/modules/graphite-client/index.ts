import { defineRelay } from "../../relay/define-relay.js";
import { defineModule } from "../module.js";
import { graphiteProtocol } from "./protocol.js";

export default defineModule(defineRelay(graphiteProtocol));
