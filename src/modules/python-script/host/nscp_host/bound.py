"""What ``Registry``, ``Core`` and ``Settings`` have in common."""

from typing import Any, List, Optional, Tuple, Type, TypeVar, Union

from . import main
from .conversion import buffer, unsigned

#: ``str``, or ``bytes`` in UTF-8.
Text = Union[str, bytes]

_Self = TypeVar("_Self", bound="Bound")

_NOT_PARSED = (False, "Failed to parse request")


class Bound:
    """Bound to the module instance that loaded the script."""

    __slots__ = ("_plugin_id",)

    _plugin_id: int

    def __init__(self, *_args: Any, **_named: Any) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")


def bind(to: Type[_Self], plugin_id: Any) -> _Self:
    """An instance for the plugin id, whatever it is: ids are looked at when something is registered."""
    bound = to.__new__(to)
    bound._plugin_id = unsigned(plugin_id, "plugin_id")
    return bound


def ask(op: str, args: List[Any], keep_turn: bool = False) -> Any:
    """What the gateway answers. Other callbacks of the script may run meanwhile, unless the turn is kept."""
    return main.host.calls.ask(op, args, keep_turn=keep_turn)[0]


def ask_raw(op: str, args: List[Any], request: Any, keep_turn: bool = False) -> Tuple[int, Any]:
    """Sends a message: ``(1, message)``, or ``(False, text)`` when that failed."""
    value, response = ask_block(op, args, buffer(request), keep_turn)
    return (False, value) if response is None else (1, response)


def ask_block(op: str, args: List[Any], block: Optional[bytes], keep_turn: bool = False) -> Tuple[Any, Optional[bytes]]:
    """A value and a message; a text and None when it failed, or when there is nothing to send."""
    if block is None:
        return _NOT_PARSED[1], None
    try:
        value, response = main.host.calls.ask(op, args, block, keep_turn)
    except RuntimeError as error:
        return str(error), None
    return value, response or b""
