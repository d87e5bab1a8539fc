# A check in a few lines: the command is check_python.
#   nscp py add --script check_sample.py
#   nscp client --query check_python some words
from NSCP import Registry, status

HELP = "Counts its arguments: check_python [word ...]"


def check_python(args):
    if args == ["help"]:
        return status.OK, HELP
    code = status.WARNING if len(args) > 5 else status.OK
    return code, "I was given %d arguments" % len(args), "'arguments'=%d;5" % len(args)


def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_python", check_python, HELP)
