import { defineRelay } from "../../relay/define-relay.js";
import { nscaProtocol } from "./protocol.js";

export default defineRelay(nscaProtocol);
