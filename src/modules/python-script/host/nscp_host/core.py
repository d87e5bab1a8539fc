"""``NSCP.Core``: how scripts run checks and commands, submit results, and manage modules."""

from typing import Any, List, Tuple

from .bound import Bound, Text, ask, ask_block, ask_raw, bind
from .conversion import arguments as converted
from .conversion import buffer, exec_request, member, message_text, text
from .functions import log, log_error
from .status import status


class Core(Bound):
    """Runs checks and commands, submits passive results, and manages modules.

    Get one with ``Core.get(plugin_id)``. While a call waits for its answer other callbacks of the script may run.
    """

    __slots__ = ()

    @staticmethod
    def get(plugin_id: int) -> "Core":
        """The core for the plugin id that ``init`` was called with."""
        return bind(Core, plugin_id)

    @staticmethod
    def create(plugin_id: int) -> "Core":
        """The same as ``get``."""
        return bind(Core, plugin_id)

    def simple_query(self, query: Text, arguments: List[Any]) -> Tuple[status, str, str]:
        """Run a check: ``(status, message, perfdata)``. UNKNOWN when there is no such check, or when it fails."""
        args = [text(query, "query"), converted(arguments)]
        try:
            code, message, perf = ask("simpleQuery", args)
        except RuntimeError as error:
            log_error(f"Failed to run {args[0]}: {error}")
            return status.UNKNOWN, "", ""
        return member(code), message, perf

    def query(self, command: Text, request_bytes: Any) -> Tuple[int, Any]:
        """Run checks by a message.

        Takes a serialized ``QueryRequestMessage``, which also says which checks: ``command`` does not count. Returns
        ``(1, response)`` with a serialized ``QueryResponseMessage``, or ``(False, reason)``. The 1 says that it was worked
        on; the states of the checks are in the response.
        """
        return ask_raw("query", [text(command, "command")], request_bytes)

    def simple_exec(self, target: Text, command: Text, arguments: List[Any]) -> Tuple[int, Any]:
        """Run a command: the worst exit code, and a list with the text of each answer.

        The target is ``""`` or ``local`` for whoever has the command here, ``all`` for all of them, the alias of a module, or the
        name of a configured gateway. When nobody has the command it is ``(0, [])``.
        """
        args = [text(target, "target"), text(command, "command"), converted(arguments)]
        try:
            code, results, is_handled = ask("simpleExec", args)
        except RuntimeError as error:
            return False, str(error)
        return (code, results) if is_handled else (0, [])

    def exec(self, target: Text, request_bytes: Any) -> Tuple[int, Any]:
        """Run commands by a message.

        Takes a serialized ``ExecuteRequestMessage``. Returns ``(1, response)`` with a serialized
        ``ExecuteResponseMessage``, 0 in place of 1 when nobody has the command, or ``(False, reason)``.
        """
        is_handled, response = ask_block("exec", [text(target, "target")], exec_request(request_bytes))
        return (False, is_handled) if response is None else (int(is_handled), response)

    def simple_submit(
        self, channel: Text, command: Text, code: int, message: Text, perf: Text = ""
    ) -> Tuple[bool, str]:
        """Submit a passive result: whether anybody listens to the channel, and what they say.

        The channel is one, or several with commas between them. The first item is True also when a listener refused the result;
        then the text tells.
        """
        state = int(code) if isinstance(code, int) else 3
        names = [text(channel, "channel"), text(command, "command")]
        rest = [text(message, "message"), text(perf, "perf")]
        if not isinstance(code, int):
            log(f"{names[1]} was submitted with the state {message_text(repr(code))}: UNKNOWN")
        handled, answer = ask("simpleSubmit", [*names, state, *rest])
        return bool(handled), answer

    def submit(self, channel: Text, request_bytes: Any) -> Tuple[bool, str]:
        """Submit the passive results of a serialized ``SubmitRequestMessage``; answers as :meth:`simple_submit` does."""
        result, response = ask_block("submit", [text(channel, "channel")], buffer(request_bytes))
        return (False, result) if response is None else (bool(result[0]), result[1])

    def reload(self, module: Text) -> bool:
        """Reload a module by its alias or name, ``settings``, or everything: ``service``.

        With ``delayed,`` in front it happens in the background. The module of the script itself is reloaded when the callback
        has returned.
        """
        return bool(ask("reload", [text(module, "module")]))

    def load_module(self, module: Text, alias: Text = "") -> bool:
        """Load a module under an alias; with an empty one under its own. One that is loaded already is loaded afresh."""
        return bool(ask("loadModule", [text(module, "module"), text(alias, "alias")]))

    def unload_module(self, module_or_alias: Text) -> bool:
        """Unload a module, and take back all that it registered."""
        return bool(ask("unloadModule", [text(module_or_alias, "module_or_alias")]))

    def expand_path(self, path_expression: Text) -> str:
        """Replace the placeholders of a path, such as ``${scripts}``."""
        return str(ask("expandPath", [text(path_expression, "path_expression")]))
