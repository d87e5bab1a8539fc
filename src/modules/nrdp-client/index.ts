import { defineRelay } from "../../relay/define-relay.js";
import { nrdpProtocol } from "./protocol.js";

export default defineRelay(nrdpProtocol);
