// Opens what stands in for a store of an older format, or one that is mostly free pages, as the spool's thread does it.
// Arguments: the spool's folder, and `migrate` or `compact`.
import { prepareStore } from "../../dist/spool/prepare-store.js";
import { storeFiles } from "../../dist/spool/store-files.js";

const [folder, what] = process.argv.slice(2);
const mapSize = 2 ** 28;
const migration = { mapSize, version: 2, steps: new Map([[1, (_, entry) => entry]]) };
await prepareStore(storeFiles(folder), what === "migrate" ? migration : { mapSize, compactAbove: 1 });
