# Asks the gateway with messages: several checks at once, a command, and a passive result with all its fields.
# The simple variants are in patience_sample.py and filter_sample.py. Needs the package protobuf.
#   nscp client --query check_all_python check_ok check_critical
#   nscp client --command greet_python Anna
#   nscp client --query report_python disk full
import plugin_pb2
from NSCP import Core, Registry, status

core = None


def check_all(args):
    """Runs the checks side by side in one message; the worst state counts."""
    request = plugin_pb2.QueryRequestMessage()
    for number, command in enumerate(args):
        request.payload.add(id=number, command=command)
    worked, data = core.query("", request.SerializeToString())
    if not worked or not args:
        return status.UNKNOWN, data or "Say which checks"
    answers = plugin_pb2.QueryResponseMessage.FromString(data).payload
    texts = ["%s: %s" % (answer.command, "".join(line.message for line in answer.lines)) for answer in answers]
    return max(answer.result for answer in answers), ", ".join(texts)


def greet(args):
    """Runs a command of another script, by message and in the simple way."""
    request = plugin_pb2.ExecuteRequestMessage()
    request.payload.add(command="hello_python", arguments=args)
    handled, data = core.exec("local", request.SerializeToString())
    if not handled:
        return 3, "Nobody knows hello_python"
    message = plugin_pb2.ExecuteResponseMessage.FromString(data).payload[0].message
    code, results = core.simple_exec("", "hello_python", ["again"])
    return code, ", ".join([message, *results])


def report(args):
    request = plugin_pb2.SubmitRequestMessage(channel="raw_python")
    payload = request.payload.add(command=args[0], source="core_sample", result=plugin_pb2.OK)
    line = payload.lines.add(message=" ".join(args[1:]))
    line.perf.add(alias="words").float_value.value = len(args) - 1
    handled, text = core.submit("raw_python", request.SerializeToString())
    return (status.OK, "Reported") if handled else (status.CRITICAL, text)


def init(plugin_id, plugin_alias, script_alias):
    global core
    core = Core.get(plugin_id)
    registry = Registry.get(plugin_id)
    registry.simple_function("check_all_python", check_all, "Runs several checks")
    registry.simple_cmdline("greet_python", greet)
    registry.simple_function("report_python", report, "Reports a passive result")
