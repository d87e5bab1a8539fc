"""``NSCP.Registry``: how functions of a script become checks, commands and subscriptions."""

from typing import Any, Callable, Dict, List, Optional, Tuple

from . import main
from .bound import Bound, Text, ask, ask_raw, bind
from .conversion import callback, text
from .functions import log_error
from .status import status

#: What the gateway's core keeps under a plugin id, and refuses for an id that it doesn't know.
_KNOWN_BY_ID = frozenset(("query", "queryRaw", "channel", "channelRaw", "event", "eventRaw"))

#: Under this name handlers of every event were registered before ``*`` was understood; the gateway takes it for that.
_EVERY_EVENT = "$$event$$"


class Registry(Bound):
    """Makes functions of the script known to the gateway.

    Get one with ``Registry.get(plugin_id)``. Names of commands, channels and events are found in any spelling; a name that
    is registered again belongs to the new function. All registrations go when the script goes.
    """

    __slots__ = ()

    @staticmethod
    def get(plugin_id: int) -> "Registry":
        """The registry for the plugin id that ``init`` was called with."""
        return bind(Registry, plugin_id)

    @staticmethod
    def create(plugin_id: int) -> "Registry":
        """The same as ``get``."""
        return bind(Registry, plugin_id)

    def function(
        self, query_name: Text, query_function: Callable[[str, bytes], Tuple[int, Text]], description: Text = ""
    ) -> None:
        """Register a check that works on messages.

        The function is called as ``query_function(command, request)`` with a serialized ``QueryRequestMessage`` that has one
        payload, and returns ``(0, response)`` with a serialized ``QueryResponseMessage`` that has one payload: the
        check's state is in there. Another number than 0 says that the function failed.

        The description is what ``<command> help`` answers; without one the function is called for it.
        """
        self._register("queryRaw", query_name, query_function, _help(description))

    def simple_function(
        self, query_name: Text, query_function: Callable[[List[str]], Any], description: Text = ""
    ) -> None:
        """Register a check.

        The function is called as ``query_function(args)`` with a list of texts, and returns ``(status, message, perfdata)``,
        of which the end may be left out::

            registry.simple_function("check_age", lambda args: (status.OK, "fine", "'age'=3;10;20"), "Checks the age")

        What it raises goes to the log, and the answer is UNKNOWN. The description is what ``<command> help`` answers; without
        one the function is called for it.
        """
        self._register("query", query_name, query_function, _help(description))

    def cmdline(self, command_name: Text, function: Callable[[str, bytes], Tuple[int, Text]]) -> None:
        """Register a command that works on messages.

        The function is called as ``function(command, request)`` with a serialized ``ExecuteRequestMessage`` that has one
        payload, and returns ``(code, response)`` with a serialized ``ExecuteResponseMessage`` that has one payload: what
        becomes of the command is in there.
        """
        self._register("commandRaw", command_name, function)

    def simple_cmdline(self, command_name: Text, function: Callable[[List[str]], Tuple[int, Text]]) -> None:
        """Register a command for ``nscp client --command`` and :meth:`Core.simple_exec`.

        The function is called as ``function(args)`` with a list of texts, and returns the tuple ``(exit code, message)``.
        """
        self._register("command", command_name, function)

    def subscription(self, channel: Text, function: Callable[[str, memoryview], Any]) -> None:
        """Subscribe to the passive results of a channel, as messages.

        The function is called as ``function(channel, message)`` once for each result, with a memoryview of a serialized
        ``SubmitRequestMessage`` that has this one payload, and returns ``(success, response)``: the response is empty, or a
        serialized ``SubmitResponseMessage`` with one payload. A simple subscription of the same channel decides
        instead unless this one succeeds with such a response.

        Channels are one, several with commas between them, or ``*`` for all.
        """
        self._register("channelRaw", channel, function)

    def simple_subscription(
        self, channel: Text, function: Callable[[str, str, str, status, str, str], Optional[bool]]
    ) -> None:
        """Subscribe to the passive results of a channel.

        The function is called as ``function(channel, source, command, status, message, perfdata)``, and returns whether it
        took the result; None counts as yes.

        Channels are one, several with commas between them, or ``*`` for all.
        """
        self._register("channel", channel, function)

    def event(self, event_name: Text, event_function: Callable[[str, Dict[str, str]], Any]) -> Tuple[bool, str]:
        """Listen to an event, such as ``eventlog:login``.

        The function is called as ``event_function(event, data)`` with a dict of texts; what it returns does not matter.
        Events are one, several with commas between them, or ``*`` for all.

        Returns ``(True, "")``, or ``(False, reason)`` when it could not be registered.
        """
        return self._register("event", event_name, event_function)

    def event_pb(self, event_name: Text, event_function: Callable[[str, bytes], Any]) -> Tuple[bool, str]:
        """Listen to an event as :meth:`event` does, but as messages.

        The function is called as ``event_function(event, request)`` with the serialized ``EventMessage`` that the event came
        in, once for each event of the name in it. The name ``$$event$$`` means every event, as ``*`` does.
        """
        return self._register("eventRaw", event_name, event_function)

    def submit_metrics(self, callable: Callable[[Dict[str, str], str], Any]) -> None:
        """Have a function called with all metrics whenever they are published.

        It is called as ``callable(metrics, "")`` with a dict from dotted names to texts.
        """
        self._register("metricsSink", "", callable)

    def fetch_metrics(self, callable: Callable[[], Dict[str, Any]]) -> None:
        """Have a function asked for metrics whenever they are collected.

        It is called without arguments and returns a dict from dotted names to numbers, which become gauges, and texts.
        """
        self._register("metricsSource", "", callable)

    def query(self, request_bytes: Any) -> Tuple[int, Any]:
        """Ask the inventory: what modules, queries, commands and channels there are.

        Takes a serialized ``RegistryRequestMessage``. Returns ``(1, response)`` with a serialized ``RegistryResponseMessage``,
        or ``(False, reason)``.
        """
        return ask_raw("registryQuery", [], request_bytes)

    def _register(
        self, kind: str, name: Any, function: Any, options: Optional[Dict[str, Any]] = None
    ) -> Tuple[bool, str]:
        spelled = text(name, "name")
        callback(function, f"the callback for {spelled or kind}")
        script = main.host.current_script()
        if script is None:
            raise RuntimeError("Only scripts can register functions.")
        if kind in _KNOWN_BY_ID and not self._is_known(script):
            reason = f"Failed to find plugin: {self._plugin_id}"
            log_error(f"Failed query: {reason}")
            return False, reason
        for one in _names(kind, spelled):
            script.register(kind, one, function, options)
        return True, ""

    def _is_known(self, script: Any) -> bool:
        if script.plugin_id is None or self._plugin_id == script.plugin_id or main.host.forked:
            return True
        return bool(ask("knowsPlugin", [self._plugin_id], keep_turn=True))


def _help(description: Any) -> Dict[str, Any]:
    shown = text(description, "description")
    return {"description": shown, "handlesHelp": shown == ""}


def _names(kind: str, spelled: str) -> List[str]:
    """Channels and events come as lists; ``*`` in one stands for all others."""
    if not kind.startswith(("channel", "event")):
        return [spelled]
    names = [name.strip() for name in spelled.split(",")]
    for every in ("*", _EVERY_EVENT):
        if every in names:
            return [every]
    return [name for name in names if name]
