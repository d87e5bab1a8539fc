"""The functions of ``NSCP`` that belong to no class."""

from typing import Any

from . import main
from .conversion import message_text, unsigned


def log(message: Any) -> None:
    """Write a message to the log, at the level info.

    ``str`` and ``bytes`` are written as they are, None as an empty text, and everything else as ``str(message)``.
    """
    _write("info", message)


def log_error(message: Any) -> None:
    """Write a message to the log, at the level error; see :func:`log`."""
    _write("error", message)


def log_debug(message: Any) -> None:
    """Write a message to the log, at the level debug; see :func:`log`."""
    _write("debug", message)


def sleep(milliseconds: int) -> None:
    """Wait so many milliseconds; meanwhile other callbacks of the script may run.

    ``time.sleep`` waits too, but keeps the script's turn: its other callbacks wait until it returns.
    """
    main.host.calls.sleep(unsigned(milliseconds, "milliseconds"))


def _write(level: str, message: Any) -> None:
    shown = message_text(message)
    # A text was always cut where other log libraries see its end.
    main.host.log(level, shown.split("\0", 1)[0] if isinstance(message, str) else shown)
