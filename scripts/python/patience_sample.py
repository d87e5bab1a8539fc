# A check that asks another check until it is OK, and sleeps in between. Meanwhile the script's other functions may run.
#   nscp client --query check_patiently tries=3 command=check_disk
from NSCP import Core, Registry, sleep, status

PAUSE_MS = 200
core = None
waiting = 0


def check_patiently(args):
    global waiting
    options = dict(arg.split("=", 1) for arg in args if "=" in arg)
    if "command" not in options:
        return status.UNKNOWN, "Say which check: command=NAME"
    tries = int(options.get("tries", "3"))
    for attempt in range(1, tries + 1):
        code, message, perf = core.simple_query(options["command"], [])
        if code == status.OK:
            break
        if attempt < tries:
            waiting += 1
            sleep(PAUSE_MS)
            waiting -= 1
    return code, "%s (asked %d times)" % (message, attempt), perf


def check_waiting(args):
    return status.OK, "%d checks are waiting" % waiting, "'waiting'=%d" % waiting


def init(plugin_id, plugin_alias, script_alias):
    global core
    core = Core.get(plugin_id)
    registry = Registry.get(plugin_id)
    registry.simple_function("check_patiently", check_patiently, "Asks a check until it is OK")
    registry.simple_function("check_waiting", check_waiting, "How many of them wait right now")
