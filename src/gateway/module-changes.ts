import { errorText } from "../kernel/errors.js";
import { type LoadedModule, type ModuleLoadRequest, type Modules, moduleKey, sameName } from "../kernel/modules.js";

/** What became of the modules. */
export interface ModuleChanges {
  /** Why one of them refuses; then those after it were left as they are, and those before it wait for {@link undo}. */
  readonly refusal: string | undefined;
  /** Modules that did not run before and don't now: that is no reason to keep the others from what is new. */
  readonly standing: readonly string[];
  /** Gives every module what it had, from settings that must be the former ones again. What that did not do. */
  undo(): Promise<readonly string[]>;
}

/** One module that takes, begins or ends, and its way back. Both give the reason when they fail. */
interface Step {
  /** Whether the module has nothing to lose. */
  readonly isIdle: boolean;
  run(): Promise<string | undefined>;
  back(): Promise<string | undefined>;
}

/**
 * Makes the modules those that are wanted: what is there takes its changed settings, what is new is loaded, and last of
 * all goes what is not wanted any more. It stops at the first that refuses.
 *
 * Modules with scripts come late, for the code of a script can't be brought back.
 */
export async function changeModules(modules: Modules, wanted: readonly ModuleLoadRequest[]): Promise<ModuleChanges> {
  const done: Step[] = [];
  const standing: string[] = [];
  let refusal: string | undefined;
  for (const step of stepsTo(modules, wanted)) {
    const problem = await step.run();
    done.push(step);
    if (problem === undefined) continue;
    if (step.isIdle) standing.push(problem);
    else {
      refusal = problem;
      break;
    }
  }
  return {
    refusal,
    standing,
    async undo() {
      const problems: string[] = [];
      for (const step of done.reverse()) {
        const problem = await step.back();
        if (problem !== undefined && !step.isIdle) problems.push(problem);
      }
      return problems;
    },
  };
}

function stepsTo(modules: Modules, wanted: readonly ModuleLoadRequest[]): Step[] {
  const loaded = modules.list();
  const isWanted = (module: LoadedModule) => wanted.some((request) => isFor(modules, request, module));
  const kept = loaded.filter(isWanted);
  const removed = loaded.filter((module) => !isWanted(module));
  const added = wanted.filter((request) => !loaded.some((module) => isFor(modules, request, module)));
  const hasScripts = ({ status }: LoadedModule) => status.hosts !== undefined;
  // One that gets another alias has to give up its port before it can have it again.
  const isRenamed = ({ name }: LoadedModule) => added.some(({ module }) => moduleKey(module) === moduleKey(name));
  return [
    ...removed.filter(isRenamed).map((module) => unloading(modules, module)),
    ...kept.filter((module) => !hasScripts(module)).map((module) => reloading(modules, module)),
    ...added.map((request) => loading(modules, request)),
    ...kept.filter(hasScripts).map((module) => reloading(modules, module)),
    ...removed.filter((module) => !isRenamed(module)).map((module) => unloading(modules, module)),
  ];
}

function reloading(modules: Modules, { alias, name, state }: LoadedModule): Step {
  let isTouched = true;
  return {
    isIdle: state === "failed",
    async run() {
      try {
        return (await modules.reload(alias)) ? undefined : reasonOf(modules, alias);
      } catch (thrown) {
        isTouched = false;
        return `${name} (${alias}): ${errorText(thrown)}`;
      }
    },
    back: async () => (isTouched ? again(modules, alias) : undefined),
  };
}

function loading(modules: Modules, request: ModuleLoadRequest): Step {
  const isNew = ({ name, alias }: LoadedModule) => isFor(modules, request, { name, alias });
  const isKnown = modules.listKnown().some(({ name }) => moduleKey(name) === moduleKey(request.module));
  return {
    // One that there is not was refused where the settings are checked, unless it was among them before.
    isIdle: !isKnown,
    async run() {
      if (await modules.load(request)) return undefined;
      const failed = modules.list().find(isNew);
      return failed === undefined ? `There is no module ${request.module}` : reasonOf(modules, failed.alias);
    },
    async back() {
      const module = modules.list().find(isNew);
      if (module !== undefined) await modules.unload(module.alias);
      return undefined;
    },
  };
}

function unloading(modules: Modules, { alias, name, state }: LoadedModule): Step {
  return {
    isIdle: state === "failed",
    async run() {
      await modules.unload(alias);
      return undefined;
    },
    back: async () => ((await modules.load({ module: name, alias })) ? undefined : reasonOf(modules, alias)),
  };
}

async function again(modules: Modules, alias: string): Promise<string | undefined> {
  try {
    return (await modules.reload(alias)) ? undefined : reasonOf(modules, alias);
  } catch (thrown) {
    return `${alias}: ${errorText(thrown)}`;
  }
}

/** Why the module that was asked for by alias or name does not run. */
export function reasonOf(modules: Modules, asked: string): string {
  const module = modules
    .list()
    .find(({ alias, name }) => sameName(alias, asked) || moduleKey(name) === moduleKey(asked));
  return module === undefined
    ? `No module is loaded as ${asked}`
    : `${module.name} (${module.alias}): ${module.failure}`;
}

/** Whether the request is for this instance; without an alias it is for the one with the module's own. */
function isFor(
  modules: Modules,
  { module, alias }: ModuleLoadRequest,
  loaded: { readonly name: string; readonly alias: string },
): boolean {
  if (moduleKey(module) !== moduleKey(loaded.name)) return false;
  const known = modules.listKnown().find(({ name }) => name === loaded.name);
  return sameName(alias || (known?.defaultAlias ?? ""), loaded.alias);
}
