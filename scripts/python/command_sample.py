# A command, and what a script does when it is run by hand: here it installs itself.
#   nscp py execute --script command_sample.py install --greeting Servus
#   nscp client --command hello_python World
#   nscp py execute --script command_sample.py uninstall
import argparse

from NSCP import Registry, Settings, log, log_debug

SECTION = "/settings/command_sample"
settings = None


def hello(args):
    greeting = settings.get_string(SECTION, "greeting", "Hello")
    return 0, "%s %s" % (greeting, args[0] if args else "you")


def init(plugin_id, plugin_alias, script_alias):
    """Also runs before __main__; script_alias is empty then."""
    global settings
    settings = Settings.get(plugin_id)
    settings.register_path(SECTION, "Command sample", "What hello_python says")
    settings.register_key(SECTION, "greeting", "string", "Greeting", "The word before the name", "Hello")
    Registry.get(plugin_id).simple_cmdline("hello_python", hello)
    log_debug("command_sample is loaded by %s as %s" % (plugin_alias, script_alias))


def shutdown():
    log_debug("command_sample says good bye")


def __main__(args):
    parser = argparse.ArgumentParser(prog="command_sample")
    parser.add_argument("action", choices=["install", "uninstall"])
    parser.add_argument("--greeting", default="Hello")
    options = parser.parse_args(args)
    installs = options.action == "install"
    settings.set_string("/settings/python/scripts", "command_sample", "command_sample.py" if installs else "")
    settings.set_string(SECTION, "greeting", options.greeting if installs else "")
    if installs:
        settings.set_string("/modules", "PythonScript", "enabled")
        # So that a check of the settings knows the section.
        sections = settings.get_string("/settings/core", "script sections", "").split(",")
        known = [section.strip() for section in sections if section.strip() not in ("", SECTION)]
        settings.set_string("/settings/core", "script sections", ", ".join([*known, SECTION]))
    settings.save()
    log("Installed" if installs else "Uninstalled")
