import { pythonScript } from "./module.js";

export default pythonScript();
