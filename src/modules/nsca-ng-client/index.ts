import { defineRelay } from "../../relay/define-relay.js";
import { nscaNgProtocol } from "./protocol.js";

export default defineRelay(nscaNgProtocol);
