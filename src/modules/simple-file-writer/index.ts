import { defineRelay } from "../../relay/define-relay.js";
import { defineModule } from "../module.js";
import { fileProtocol } from "./protocol.js";
import { fileKeys } from "./settings.js";

const relay = defineRelay(fileProtocol);

export default defineModule({
  ...relay,
  settings: { ...relay.settings, keys: { ...relay.settings.keys, ...fileKeys } },
});
