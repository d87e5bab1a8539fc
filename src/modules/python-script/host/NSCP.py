"""What scripts know of the gateway.

``Registry``, ``Core`` and ``Settings`` are had with ``.get(plugin_id)``, the id that ``init`` is called with. Functions
that are called ``simple_…`` take and return plain values; the others take and return serialized messages of
``plugin_pb2``.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from nscp_host import main as _main
from nscp_host.conversion import (
    ArgumentError,
    arguments as _arguments,
    buffer as _buffer,
    callback as _callback,
    flag as _flag,
    integer as _integer,
    member as _member,
    message_text as _message_text,
    text as _text,
    unsigned as _unsigned,
)
from nscp_host.status import status

__all__ = [
    "Core",
    "Registry",
    "Settings",
    "log",
    "log_deb",
    "log_debug",
    "log_err",
    "log_error",
    "sleep",
    "status",
]

_Text = Union[str, bytes]
_NOT_PARSED = (False, "Failed to parse request")


def log(message: Any) -> None:
    """Writes to the log at the level info."""
    _log("info", message)


def log_error(message: Any) -> None:
    """Writes to the log at the level error."""
    _log("error", message)


def log_debug(message: Any) -> None:
    """Writes to the log at the level debug."""
    _log("debug", message)


log_err = log_error
log_deb = log_debug


def sleep(milliseconds: int) -> None:
    """Waits so many milliseconds; meanwhile other callbacks of the script may run."""
    _main.host.calls.sleep(_unsigned(milliseconds, "milliseconds"))


class _Bound:
    """What belongs to the module instance that loaded the script."""

    __slots__ = ("_plugin_id",)

    def __init__(self, *_args: Any, **_named: Any) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")

    @classmethod
    def _bind(cls, plugin_id: Any) -> Any:
        bound = cls.__new__(cls)
        bound._plugin_id = _unsigned(plugin_id, "plugin_id")
        return bound


class Registry(_Bound):
    """Makes functions of the script known to the gateway."""

    __slots__ = ()

    @staticmethod
    def get(plugin_id: int) -> "Registry":
        """The registry for the plugin id that ``init`` was given."""
        return Registry._bind(plugin_id)

    @staticmethod
    def create(plugin_id: int) -> "Registry":
        """The same as :meth:`get`."""
        return Registry._bind(plugin_id)

    def function(
        self, query_name: _Text, query_function: Callable[[str, bytes], Tuple[int, _Text]], description: _Text = ""
    ) -> None:
        """A check that takes a serialized QueryRequestMessage with one payload, and gives back its state and a
        QueryResponseMessage with one payload. The state is 0 unless the function itself failed."""
        _register("queryRaw", query_name, query_function, _help(description))

    def simple_function(
        self, query_name: _Text, query_function: Callable[[List[str]], Any], description: _Text = ""
    ) -> None:
        """A check that takes its arguments and gives back ``(status, message, perfdata)``."""
        _register("query", query_name, query_function, _help(description))

    def cmdline(self, command_name: _Text, function: Callable[[str, bytes], Tuple[int, _Text]]) -> None:
        """A command that takes a serialized ExecuteRequestMessage and gives back a code and an ExecuteResponseMessage."""
        _register("commandRaw", command_name, function)

    def simple_cmdline(self, command_name: _Text, function: Callable[[List[str]], Tuple[int, _Text]]) -> None:
        """A command that takes its arguments and gives back ``(exit code, message)``."""
        _register("command", command_name, function)

    def subscription(self, channel: _Text, function: Callable[[str, memoryview], Any]) -> None:
        """Hears of passive results as serialized SubmitRequestMessages and gives back ``(success, response)``."""
        _register("channelRaw", channel, function)

    def simple_subscription(
        self, channel: _Text, function: Callable[[str, str, str, status, str, str], Optional[bool]]
    ) -> None:
        """Hears of passive results one by one: channel, source, command, status, message, perfdata."""
        _register("channel", channel, function)

    def event(self, event_name: _Text, event_function: Callable[[str, Dict[str, str]], Any]) -> Tuple[bool, str]:
        """Hears of events with their data as a dict."""
        _register("event", event_name, event_function)
        return True, ""

    def event_pb(self, event_name: _Text, event_function: Callable[[str, bytes], Any]) -> Tuple[bool, str]:
        """Hears of events as serialized EventMessages."""
        _register("eventRaw", event_name, event_function)
        return True, ""

    def submit_metrics(self, callable: Callable[[Dict[str, str], str], Any]) -> None:
        """Is given all metrics of each cycle: a dict of texts, and an empty text."""
        _register("metricsSink", "", callable)

    def fetch_metrics(self, callable: Callable[[], Dict[str, Any]]) -> None:
        """Is asked for metrics in each cycle: a dict with numbers and texts."""
        _register("metricsSource", "", callable)

    def query(self, request: Any) -> Tuple[int, Any]:
        """Asks the inventory: a serialized RegistryRequestMessage in, ``(1, RegistryResponseMessage)`` out."""
        return _ask_raw("registryQuery", [], request)


class Core(_Bound):
    """Runs checks and commands, submits results, and manages modules."""

    __slots__ = ()

    @staticmethod
    def get(plugin_id: int) -> "Core":
        """The core for the plugin id that ``init`` was given."""
        return Core._bind(plugin_id)

    @staticmethod
    def create(plugin_id: int) -> "Core":
        """The same as :meth:`get`."""
        return Core._bind(plugin_id)

    def simple_query(self, query: _Text, arguments: List[Any]) -> Tuple[status, str, str]:
        """Runs a check: ``(status, message, perfdata)``."""
        args = [_text(query, "query"), _arguments(arguments)]
        try:
            code, message, perf = _ask("simpleQuery", args)
        except RuntimeError as error:
            log_error(f"Failed to run {args[0]}: {error}")
            return status.UNKNOWN, "", ""
        return _member(code), message, perf

    def query(self, command: _Text, request_bytes: Any) -> Tuple[int, Any]:
        """Runs what a serialized QueryRequestMessage asks for: ``(1, QueryResponseMessage)``. The message says which check."""
        return _ask_raw("query", [_text(command, "command")], request_bytes)

    def simple_exec(self, target: _Text, command: _Text, arguments: List[Any]) -> Tuple[int, Any]:
        """Runs a command: the worst code and a list of texts. The target is ``""`` or ``local`` here, or a configured one."""
        args = [_text(target, "target"), _text(command, "command"), _arguments(arguments)]
        try:
            code, results = _ask("simpleExec", args)
        except RuntimeError as error:
            return False, str(error)
        return code, results

    def exec(self, target: _Text, request_bytes: Any) -> Tuple[int, Any]:
        """Runs what a serialized ExecuteRequestMessage asks for: whether anybody did, and an ExecuteResponseMessage."""
        request = request_bytes.encode("utf-8", "surrogateescape") if isinstance(request_bytes, str) else request_bytes
        block = _buffer(request)
        if block is None:
            return _NOT_PARSED
        try:
            handled, response = _main.host.calls.ask("exec", [_text(target, "target")], block)
        except RuntimeError as error:
            return False, str(error)
        return int(handled), response or b""

    def simple_submit(
        self, channel: _Text, command: _Text, code: int, message: _Text, perf: _Text
    ) -> Tuple[bool, str]:
        """Submits a passive result: whether somebody listens to the channel, and what they say."""
        state = code if isinstance(code, int) else 3
        if not isinstance(code, int):
            _log("info", f"{_message_text(command)} was submitted with the state {code!r}: UNKNOWN")
        names = [_text(channel, "channel"), _text(command, "command")]
        result = _ask("simpleSubmit", [*names, int(state), _text(message, "message"), _text(perf, "perf")])
        return bool(result[0]), result[1]

    def submit(self, channel: _Text, request_bytes: Any) -> Tuple[bool, str]:
        """Submits a serialized SubmitRequestMessage."""
        name = _text(channel, "channel")
        block = _buffer(request_bytes)
        if block is None:
            return _NOT_PARSED
        try:
            result, _ = _main.host.calls.ask("submit", [name], block)
        except RuntimeError as error:
            return False, str(error)
        return bool(result[0]), result[1]

    def reload(self, module: _Text) -> bool:
        """Reloads a module by alias or name, ``settings``, or everything: ``service``."""
        return bool(_ask("reload", [_text(module, "module")]))

    def load_module(self, module: _Text, alias: _Text = "") -> bool:
        """Loads a module, or loads it afresh."""
        return bool(_ask("loadModule", [_text(module, "module"), _text(alias, "alias")]))

    def unload_module(self, module_or_alias: _Text) -> bool:
        """Unloads a module."""
        return bool(_ask("unloadModule", [_text(module_or_alias, "module_or_alias")]))

    def expand_path(self, path_expression: _Text) -> str:
        """Replaces the placeholders of a path, such as ``${scripts}``."""
        return str(_ask("expandPath", [_text(path_expression, "path_expression")]))


class Settings(_Bound):
    """Reads and writes the settings. What is written counts at once, and lasts when it is saved."""

    __slots__ = ()

    @staticmethod
    def get(plugin_id: int) -> "Settings":
        """The settings for the plugin id that ``init`` was given."""
        return Settings._bind(plugin_id)

    @staticmethod
    def create(plugin_id: int) -> "Settings":
        """The same as :meth:`get`."""
        return Settings._bind(plugin_id)

    def get_section(self, path: _Text) -> List[str]:
        """The keys of a section, sorted, without the sections below it."""
        return list(_ask_settings("settingsSection", [_text(path, "path")]))

    def get_string(self, path: _Text, key: _Text, default_value: _Text) -> str:
        """A text, or the default."""
        args = [_text(path, "path"), _text(key, "key"), _text(default_value, "default_value")]
        return str(_ask_settings("settingsString", args))

    def set_string(self, path: _Text, key: _Text, value: _Text) -> None:
        """Sets a text. An empty one removes the key."""
        _ask_settings("settingsSet", [_text(path, "path"), _text(key, "key"), _text(value, "value")])

    def get_bool(self, path: _Text, key: _Text, default_value: Any) -> bool:
        """``true``, ``1`` and ``yes`` are True, every other text is False."""
        args = [_text(path, "path"), _text(key, "key"), _flag(default_value, "default_value")]
        return bool(_ask_settings("settingsBool", args))

    def set_bool(self, path: _Text, key: _Text, value: Any) -> None:
        """Sets ``true`` or ``false``."""
        chosen = "true" if _flag(value, "value") else "false"
        _ask_settings("settingsSet", [_text(path, "path"), _text(key, "key"), chosen])

    def get_int(self, path: _Text, key: _Text, default_value: int) -> int:
        """A whole number, or the default."""
        args = [_text(path, "path"), _text(key, "key"), _integer(default_value, "default_value")]
        return int(_ask_settings("settingsInt", args))

    def set_int(self, path: _Text, key: _Text, value: int) -> None:
        """Sets a whole number."""
        _ask_settings("settingsSet", [_text(path, "path"), _text(key, "key"), str(_integer(value, "value"))])

    def save(self) -> None:
        """Writes what was set to the settings file."""
        _ask("settingsSave", [])

    def register_path(self, path: _Text, title: _Text, description: _Text) -> None:
        """Documents a section."""
        _ask_settings("registerPath", [_text(path, "path"), _text(title, "title"), _text(description, "description")])

    def register_key(
        self, path: _Text, key: _Text, type: _Text, title: _Text, description: _Text, default_value: _Text
    ) -> None:
        """Documents a key. The type is always text, and the default is only told."""
        names = ("path", "key", "type", "title", "description", "default_value")
        values = (path, key, type, title, description, default_value)
        _ask_settings("registerKey", [_text(value, name) for value, name in zip(values, names)])

    def query(self, request_bytes: Any) -> Tuple[int, Any]:
        """Asks with a serialized SettingsRequestMessage: ``(1, SettingsResponseMessage)``."""
        return _ask_raw("settingsQuery", [], request_bytes)


def _log(level: str, message: Any) -> None:
    # The text of other log libraries ends here too.
    _main.host.log(level, _message_text(message).split("\0", 1)[0])


def _register(kind: str, name: Any, function: Any, options: Optional[Dict[str, Any]] = None) -> None:
    spelled = _text(name, "name") if not kind.startswith("metrics") else ""
    script = _main.host.current_script()
    if script is None:
        raise RuntimeError("Only scripts can register functions.")
    script.register(kind, spelled, _callback(function, f"the callback for {spelled or kind}"), options)


def _help(description: Any) -> Dict[str, Any]:
    """The description answers ``<command> help``; a check without one gets that word like any other."""
    text = _text(description, "description")
    return {"description": text, "handlesHelp": text == ""}


def _ask(op: str, args: List[Any]) -> Any:
    return _main.host.calls.ask(op, args)[0]


def _ask_settings(op: str, args: List[Any]) -> Any:
    """Settings are at hand: nothing else of the script runs meanwhile."""
    return _main.host.calls.ask(op, args, keep_turn=True)[0]


def _ask_raw(op: str, args: List[Any], request: Any) -> Tuple[int, Any]:
    block = _buffer(request)
    if block is None:
        return _NOT_PARSED
    try:
        _, response = _main.host.calls.ask(op, args, block)
    except RuntimeError as error:
        return False, str(error)
    return 1, response or b""
