# A check in a few lines: the command is check_python.
#   nscp py add --script check_sample.py
#   nscp client --query check_python some words
from NSCP import Registry, status


def check_python(args):
    code = status.WARNING if len(args) > 5 else status.OK
    return code, "I was given %d arguments" % len(args), "'arguments'=%d;5" % len(args)


def init(plugin_id, plugin_alias, script_alias):
    registry = Registry.get(plugin_id)
    # The description is what `check_python help` answers.
    registry.simple_function("check_python", check_python, "Counts its arguments: check_python [word ...]")
