"""From what scripts pass and return to what goes over the wire. Whatever leaves here has a JSON form."""

from typing import Any, List, Optional

from .status import status


class ArgumentError(TypeError):
    """A function of NSCP was called with something that it does not take."""

    # Tracebacks name the module that scripts know.
    __module__ = "NSCP"


def text(value: Any, name: str) -> str:
    """A text argument: ``str``, or ``bytes`` in UTF-8. Lone surrogates raise UnicodeEncodeError."""
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
        return str.__str__(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    raise ArgumentError(f"{name} is {_kind(value)} instead of str or bytes")


def message_text(value: Any) -> str:
    """A message that is shown to people: anything has a text."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    shown = value if value.__class__ is str else str(value)
    # Names of files may hold bytes that are no text.
    return shown if shown.isascii() else shown.encode("utf-8", "replace").decode()


def arguments(values: Any) -> List[str]:
    """The arguments of a check: a list. Every item stays, whatever it is, so that none changes its position."""
    if not isinstance(values, list):
        raise ArgumentError(f"arguments is {_kind(values)} instead of list")
    return [_argument(value) for value in values]


def _argument(value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return text(value, "an argument")
    if isinstance(value, int):
        return str(int(value))
    return message_text(str(value))


def unsigned(value: Any, name: str) -> int:
    number = _integer(value, name)
    if not 0 <= number < 2**32:
        raise OverflowError(f"{name} is {number}, it must be from 0 to {2**32 - 1}")
    return number


def integer(value: Any, name: str) -> int:
    number = _integer(value, name)
    if not -(2**31) <= number < 2**31:
        raise OverflowError(f"{name} is {number}, which has no place in 32 bits")
    return number


def flag(value: Any, name: str) -> bool:
    if value is None or isinstance(value, int):
        return bool(value)
    raise ArgumentError(f"{name} is {_kind(value)} instead of bool")


def callback(value: Any, name: str) -> Any:
    if not callable(value):
        raise TypeError(f"{name} is {_kind(value)} and can't be called")
    return value


def buffer(value: Any) -> Optional[bytes]:
    """A serialized message; None when it is none or empty."""
    try:
        return bytes(memoryview(value)) or None
    except TypeError:
        return None


def exec_request(value: Any) -> bytes:
    """The message for ``Core.exec``, which has been a text and may be one still. An empty one is one."""
    if isinstance(value, str):
        return value.encode()
    try:
        return bytes(memoryview(value))
    except TypeError:
        raise ArgumentError(f"request_bytes is {_kind(value)} instead of bytes") from None


def state(code: Any, what: str) -> int:
    """The state that a callback returned; UNKNOWN for a number that is none."""
    if not isinstance(code, int):
        raise TypeError(f"{what} returned {_kind(code)} as its state instead of a status")
    return int(code) if 0 <= code <= 3 else 3


def member(code: int) -> status:
    return status.values.get(code, status.UNKNOWN)


def _integer(value: Any, name: str) -> int:
    if isinstance(value, int):
        return int(value)
    raise ArgumentError(f"{name} is {_kind(value)} instead of int")


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__
