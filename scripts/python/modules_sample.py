# Commands for the modules of the running gateway, and for its folders.
#   nscp client --command module_python load CheckHelpers helpers
#   nscp client --command path_python '${scripts}/python'
from NSCP import Core, Registry

core = None


def module(args):
    actions = {"load": core.load_module, "unload": core.unload_module, "reload": core.reload}
    if len(args) < 2 or args[0] not in actions:
        return 3, "Usage: module_python load|unload|reload NAME [ALIAS]"
    action, names = args[0], args[1:]
    done = actions[action](*names)
    return (0 if done else 2), "%s %s: %s" % (action, " ".join(names), "done" if done else "failed, see the log")


def path(args):
    return 0, "\n".join(core.expand_path(arg) for arg in args)


def init(plugin_id, plugin_alias, script_alias):
    global core
    core = Core.get(plugin_id)
    registry = Registry.get(plugin_id)
    registry.simple_cmdline("module_python", module)
    registry.simple_cmdline("path_python", path)
