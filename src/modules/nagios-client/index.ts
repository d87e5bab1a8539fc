import { defineRelay } from "../../relay/define-relay.js";
import { nagiosProtocol } from "./protocol.js";

export default defineRelay(nagiosProtocol);
