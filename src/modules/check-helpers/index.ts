import type { RegistrableCheck } from "../../kernel/check.js";
import { defineModule } from "../module.js";
import { readAliases, registerAliases } from "./aliases.js";
import { alwaysChecks, negateCheck } from "./changed-state.js";
import { transformPerfCheck } from "./derived-perf.js";
import { fixedStateChecks, versionCheck } from "./fixed-state.js";
import { forwardCheck } from "./forwarded-check.js";
import { renderPerfCheck } from "./rendered-perf.js";
import { settings } from "./settings.js";
import { multiCheck } from "./several-checks.js";
import { filterPerfCheck } from "./sorted-perf.js";
import { timeoutCheck } from "./timed-check.js";

export default defineModule({
  name: "CheckHelpers",
  summary: "Checks that run other checks and change what comes of them",
  defaultAlias: "check helpers",
  settings,
  start({ settings: { alias: configured }, readSettings, registry, gateway: { core, clock, version } }) {
    const checks: readonly RegistrableCheck[] = [
      ...fixedStateChecks(),
      versionCheck(version),
      ...alwaysChecks(core),
      negateCheck(core),
      multiCheck(core),
      timeoutCheck(core, clock),
      forwardCheck(core),
      filterPerfCheck(core),
      renderPerfCheck(core),
      transformPerfCheck(core),
    ];
    for (const { name, handler, options } of checks) {
      // The wrapped check has its own time limit, and a shorter one of the wrapper would undo a longer one of that.
      registry.query(name, handler, { ...options, aliases: formerNames(name), timeoutMs: Number.POSITIVE_INFINITY });
    }
    let aliases = registerAliases(readAliases(configured), registry, core);
    return {
      async reload() {
        const changed = readAliases(readSettings().alias);
        for (const unregister of aliases) unregister();
        aliases = registerAliases(changed, registry, core);
        return true;
      },
    };
  },
});

/** `check_always_ok` was called CheckAlwaysOK, and `check_multi` CheckMultiple. */
function formerNames(name: string): string[] {
  const camel = name.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  return name === "check_multi" ? [camel, "CheckMultiple"] : [camel];
}
