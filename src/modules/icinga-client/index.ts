import { defineRelay } from "../../relay/define-relay.js";
import { icingaProtocol } from "./protocol.js";

export default defineRelay(icingaProtocol);
