import { nodeScript } from "./module.js";

export default nodeScript();
