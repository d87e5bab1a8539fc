# Takes passive results on a channel and passes on those that changed, to another channel:
#   [/settings/filter_sample/python/<script>]
#   channel = filter_python
#   target = NSCA
from NSCP import Core, Registry, Settings, log

core = None
target = "NSCA"
last = {}


def filter_result(channel, source, command, code, message, perf):
    service = (source, command)
    if last.get(service) == (code, message):
        log("Nothing new about %s" % command)
        return True
    handled, text = core.simple_submit(target, command, code, message, perf)
    if handled:
        last[service] = (code, message)
    else:
        log("%s was not passed on: %s" % (command, text))
    return handled


def init(plugin_id, plugin_alias, script_alias):
    global core, target
    core = Core.get(plugin_id)
    settings = Settings.get(plugin_id)
    # Both aliases in the path: the script can be loaded twice, with another channel each.
    section = "/settings/filter_sample/%s/%s" % (plugin_alias, script_alias)
    settings.register_path(section, "Filter", "Passes on results that changed")
    settings.register_key(section, "channel", "string", "Channel", "Where results come in", "filter_python")
    settings.register_key(section, "target", "string", "Target", "The channel for what changed", "NSCA")
    target = settings.get_string(section, "target", "NSCA")
    channel = settings.get_string(section, "channel", "filter_python")
    Registry.get(plugin_id).simple_subscription(channel, filter_result)
