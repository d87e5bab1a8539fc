// Takes passive results on the channel `filter` and passes on only those that changed, to the channel in
//   [/settings/filter_sample/node/<script>]
//   target = NSCA
import { Core, log, Registry, Settings } from "nscp-gateway/script";

export async function init(pluginId: number, pluginAlias: string, scriptAlias: string): Promise<void> {
  const core = Core.get(pluginId);
  const settings = Settings.get(pluginId);
  const section = `/settings/filter_sample/${pluginAlias}/${scriptAlias}`;
  await settings.registerKey(
    section,
    "target",
    "string",
    "Target",
    "The channel that changes are passed on to",
    "NSCA",
  );
  const target = await settings.getString(section, "target", "NSCA");
  const last = new Map<string, string>();

  Registry.get(pluginId).simpleSubscription("filter", async (_channel, source, command, status, message, perf) => {
    const service = `${source} ${command}`;
    const result = `${status} ${message}`;
    if (last.get(service) === result) {
      log(`Nothing new about ${command}`);
      return true;
    }
    const [handled] = await core.simpleSubmit(target, command, status, message, perf);
    if (handled) last.set(service, result);
    return handled;
  });
}
