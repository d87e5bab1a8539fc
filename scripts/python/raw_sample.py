# Functions that work on whole messages: a check, a command, a subscription and an event handler.
# What they take and give is described in proto/plugin.proto. They need the package protobuf.
import plugin_pb2
from NSCP import Registry, log, status


def check_raw(command, request):
    """Answers with a line for each argument, and says who asked."""
    message = plugin_pb2.QueryRequestMessage.FromString(request)
    answer = plugin_pb2.QueryResponseMessage()
    payload = answer.payload.add(command=command, result=status.OK)
    payload.lines.add(message="%s from %s" % (command, message.header.sender_id or "here"))
    for argument in message.payload[0].arguments:
        payload.lines.add(message="\n%s" % argument)
    # The first value says whether the function worked; the state of the check is in the payload.
    return 0, answer.SerializeToString()


def run_raw(command, request):
    message = plugin_pb2.ExecuteRequestMessage.FromString(request)
    answer = plugin_pb2.ExecuteResponseMessage()
    answer.payload.add(command=command, result=status.WARNING, message=" ".join(message.payload[0].arguments))
    return 0, answer.SerializeToString()


def hear_raw(channel, message):
    # The memoryview is only there during the call.
    request = plugin_pb2.SubmitRequestMessage.FromString(bytes(message))
    for payload in request.payload:
        log("%s: %s from %s, %d lines" % (channel, payload.command, payload.source, len(payload.lines)))
    return True, b""


def on_event(event, data):
    message = plugin_pb2.EventMessage.FromString(data)
    log("%s happened %d times" % (event, len(message.payload)))


def init(plugin_id, plugin_alias, script_alias):
    registry = Registry.get(plugin_id)
    registry.function("check_raw_python", check_raw, "Answers with its arguments, a line each")
    registry.cmdline("run_raw_python", run_raw)
    registry.subscription("raw_python", hear_raw)
    registry.event_pb("sample:raw", on_event)
