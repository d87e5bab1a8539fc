"""How functions of a script are called, by the kind of their registration, and what becomes of what they return."""

import math
from typing import Any, Callable, Dict, Optional, Tuple

from .conversion import member, message_text, state
from .status import status
from .submissions import joined_responses, single_results

#: What a callback's answer consists of: a value and perhaps a serialized message.
Answer = Tuple[Any, Optional[bytes]]

#: Takes a function of a script, what the gateway sent, and a way to write to the log.
_Caller = Callable[[Callable[..., Any], Any, Any, Callable[[str], None]], Answer]


def simple_query(function: Callable[..., Any], command: str, arguments: Any) -> Any:
    """The one that is called most, so it has no detours: the value of the answer alone."""
    result = function(arguments)
    if result.__class__ is tuple and len(result) == 3:
        code, message, perf = result
        if message.__class__ is str and message.isascii() and perf.__class__ is str and perf.isascii():
            if code.__class__ is status or code.__class__ is int:
                return [code if 0 <= code <= 3 else 3, message, perf]
    return _query_result(result, command)


def _query_result(result: Any, command: str) -> Any:
    if result is None:
        return [3, "None", ""]
    try:
        size = len(result)
    except TypeError:
        raise TypeError(f"{command} returned {type(result).__name__} instead of (status, message, perfdata)") from None
    if size == 0:
        return [3, "", ""]
    code = state(result[0], command)
    return [code, message_text(result[1]) if size > 1 else "", message_text(result[2]) if size > 2 else ""]


def _query(function: Callable[..., Any], args: Any, _block: Any, _debug: Any) -> Answer:
    return simple_query(function, args[0], args[1]), None


def _query_raw(function: Callable[..., Any], args: Any, block: Any, _debug: Any) -> Answer:
    code, response = _pair(function(args[0], block), args[0])
    return [code], response


def _command(function: Callable[..., Any], args: Any, _block: Any, _debug: Any) -> Answer:
    result = function(args[1])
    if not isinstance(result, tuple) or len(result) == 0:
        kind = type(result).__name__ if result != () else "an empty tuple"
        raise TypeError(f"{args[0]} returned {kind} instead of (code, message)")
    if not isinstance(result[0], int):
        raise TypeError(f"{args[0]} returned {type(result[0]).__name__} as its code")
    message = result[1] if len(result) > 1 else ""
    if not isinstance(message, (str, bytes)):
        raise TypeError(f"{args[0]} returned {type(message).__name__} as its message instead of str or bytes")
    code = int(result[0])
    return [code if 0 <= code <= 2 else 3, message_text(message)], None


def _command_raw(function: Callable[..., Any], args: Any, block: Any, _debug: Any) -> Answer:
    code, response = _pair(function(args[0], block), args[0])
    return [code], response


def _channel(function: Callable[..., Any], args: Any, _block: Any, _debug: Any) -> Answer:
    channel, source, command, code, message, perf = args
    result = function(channel, source, command, member(code), message, perf)
    if result is None:
        return True, None
    if isinstance(result, int):
        return bool(result), None
    raise TypeError(f"The subscription of {channel} returned {type(result).__name__} instead of bool")


def _channel_raw(function: Callable[..., Any], args: Any, block: Any, _debug: Any) -> Answer:
    """Succeeds when it did for every result; otherwise the simple subscription decides about all of them."""
    channel = args[0]
    responses = []
    for message in single_results(block):
        result = function(channel, memoryview(message))
        if result is None or isinstance(result, bool):
            result = (bool(result),)
        try:
            size = len(result)
        except TypeError:
            kind = type(result).__name__
            raise TypeError(f"The subscription of {channel} returned {kind} instead of (success, response)") from None
        if size == 0 or not result[0]:
            return False, None
        responses.append(_serialized(result[1], channel) if size > 1 else b"")
    return True, joined_responses(responses)


def _event(function: Callable[..., Any], args: Any, _block: Any, _debug: Any) -> Answer:
    function(args[0], args[1])
    return None, None


def _event_raw(function: Callable[..., Any], args: Any, block: Any, _debug: Any) -> Answer:
    function(args[0], block)
    return None, None


def _metrics_sink(function: Callable[..., Any], args: Any, _block: Any, _debug: Any) -> Answer:
    function(args[0], "")
    return None, None


def _metrics_source(function: Callable[..., Any], _args: Any, _block: Any, debug: Callable[[str], None]) -> Answer:
    result = function()
    metrics: Dict[str, Any] = {}
    for key, value in result.items() if isinstance(result, dict) else ():
        if not isinstance(key, (str, bytes)):
            debug(f"The metric {key!r} is left out: its name is {type(key).__name__}")
        elif isinstance(value, (str, bytes)):
            metrics[message_text(key)] = message_text(value)
        elif (gauge := _gauge(value)) is not None:
            metrics[message_text(key)] = gauge
        else:
            debug(f"The metric {message_text(key)} is left out: there is no metric for {value!r}")
    return metrics, None


def _gauge(value: Any) -> Any:
    """Metrics are doubles; an integer stays one as long as it is exact."""
    if not isinstance(value, (int, float)):
        return None
    if isinstance(value, int) and -(2**53) <= value <= 2**53:
        return int(value)
    try:
        gauge = float(value)
    except OverflowError:
        return None
    return gauge if math.isfinite(gauge) else None


def _pair(result: Any, command: str) -> Tuple[int, Optional[bytes]]:
    if not isinstance(result, tuple):
        raise TypeError(f"{command} returned {type(result).__name__} instead of (code, response)")
    if len(result) != 2:
        size = "1 item" if len(result) == 1 else f"{len(result)} items"
        raise TypeError(f"{command} returned {size} instead of (code, response)")
    if not isinstance(result[0], int):
        raise TypeError(f"{command} returned {type(result[0]).__name__} as its code")
    return int(result[0]), _serialized(result[1], command)


def _serialized(response: Any, what: str) -> bytes:
    if isinstance(response, str):
        return response.encode("utf-8", "surrogateescape")
    try:
        return bytes(memoryview(response))
    except TypeError:
        raise TypeError(f"{what} returned {type(response).__name__} as its response instead of bytes") from None


#: By the kind of the registration.
callers: Dict[str, _Caller] = {
    "query": _query,
    "queryRaw": _query_raw,
    "command": _command,
    "commandRaw": _command_raw,
    "channel": _channel,
    "channelRaw": _channel_raw,
    "event": _event,
    "eventRaw": _event_raw,
    "metricsSink": _metrics_sink,
    "metricsSource": _metrics_source,
}
