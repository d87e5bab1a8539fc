# A check in a few lines. `nscp py add --script check_sample.py` adds it, and `nscp client --query check_sample` runs it.
from NSCP import Registry, status


def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_sample", check_sample, "Counts its arguments: check_sample [word ...]")


def check_sample(arguments):
    code = status.WARNING if len(arguments) > 5 else status.OK
    return code, "I was given %d arguments" % len(arguments), "'arguments'=%d;5" % len(arguments)
