import type { LastWords } from "../../script-host/last-words.js";

/** Node's last words before it aborts; what follows them is a native stack. */
export const nodeLastWords: LastWords = {
  begins: (line) => !line.startsWith(" ") && /FATAL ERROR|out of memory/i.test(line),
  crash: ([first = ""]) => ({ error: first.replace(/^.*?FATAL ERROR: /, "").trim() }),
};
