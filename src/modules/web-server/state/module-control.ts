import type { Call } from "../../../kernel/call.js";
import { errorText } from "../../../kernel/errors.js";
import { modulePrincipal } from "../../../kernel/principal.js";
import { PB, RegistryRequestMessage, StatusCode } from "../../../wire/messages.js";
import type { RouteParts } from "../route-parts.js";
import type { ModuleEntry } from "./module-entries.js";

const { Request } = PB.Registry.RegistryRequestMessage;
const { ItemType, Command } = PB.Registry;

/** What can be done with a module, each under a grant of its own: `modules.load`. */
export const moduleCommands = ["load", "unload", "enable", "disable"] as const;

export type ModuleCommand = (typeof moduleCommands)[number];

/** Loads and unloads modules, and switches them on and off in `[/modules]`. Grants are for the route to check. */
export class ModuleControl {
  constructor(private readonly state: Pick<RouteParts, "gateway" | "store" | "self" | "log">) {}

  /**
   * Whether it is done. What happens to the web server itself begins when its answer is out, and counts as done.
   * `enable` and `disable` change the settings in memory only, until somebody saves them.
   */
  async run(command: ModuleCommand, entry: ModuleEntry, call: Call): Promise<boolean> {
    const { gateway, self } = this.state;
    if (command === "enable" || command === "disable") return this.switch(command, entry, call);
    if (command === "unload" && entry.pluginId === undefined) return false;
    const work =
      command === "load" ? () => gateway.loadModule(entry.name, entry.alias) : () => gateway.unloadModule(entry.alias);
    if (entry.pluginId !== self.id) return work();
    this.afterAnswer(`${command} ${entry.id}`, work);
    return true;
  }

  /** The web server ends only when the requests in flight have their answers. */
  private afterAnswer(what: string, work: () => Promise<boolean>): void {
    const { log } = this.state;
    setImmediate(() => {
      work().then(
        (done) => {
          if (!done) log.error(`Failed to ${what}`);
        },
        (thrown: unknown) => log.error(`Failed to ${what}: ${errorText(thrown)}`, { error: thrown }),
      );
    });
  }

  private async switch(command: "enable" | "disable", entry: ModuleEntry, call: Call): Promise<boolean> {
    const { gateway, store, self } = this.state;
    const { name, givenAlias } = entry;
    if (givenAlias !== undefined) {
      // `alias = Module` is switched on by being there.
      if (command === "enable") store.set("/modules", givenAlias, name);
      else store.deleteKey("/modules", givenAlias);
      return true;
    }
    const control = Request.Control.create({
      type: ItemType.MODULE,
      command: command === "enable" ? Command.ENABLE : Command.DISABLE,
      name,
    });
    const message = RegistryRequestMessage.create({ payload: [Request.create({ control })] });
    const answer = await gateway.registryQuery(message, call.madeBy(self, modulePrincipal(self.alias)));
    return answer.payload[0]?.result?.code === StatusCode.STATUS_OK;
  }
}
