"""The states of a check as scripts know them."""

from typing import Dict, Tuple


class status(int):
    """State of a check: ``status.OK``, ``WARNING``, ``CRITICAL`` or ``UNKNOWN``.

    It is an ``int`` in everything but its looks: ``str(status.OK)`` is ``OK``, ``'%d' % status.OK`` is ``0``.
    """

    __slots__ = ()

    #: The members by their names.
    names: "Dict[str, status]" = {}
    #: The members by their numbers.
    values: "Dict[int, status]" = {}

    OK: "status"
    WARNING: "status"
    CRITICAL: "status"
    UNKNOWN: "status"

    @property
    def name(self) -> "str | None":
        """``OK`` and so on; None for a value that is no member."""
        for name, member in status.names.items():
            if member is self:
                return name
        return None

    def __str__(self) -> str:
        return self.name or repr(self)

    def __repr__(self) -> str:
        name = self.name
        return f"NSCP.status({int(self)})" if name is None else f"NSCP.status.{name}"

    def __format__(self, spec: str) -> str:
        return str(self) if spec == "" else int.__format__(self, spec)

    def __reduce__(self) -> "Tuple[object, Tuple[int]]":
        return _restore, (int(self),)


def _restore(value: int) -> status:
    """Copies and unpickled states are the members themselves."""
    return status.values.get(value, status(value))


for _value, _name in enumerate(("OK", "WARNING", "CRITICAL", "UNKNOWN")):
    _member = status(_value)
    setattr(status, _name, _member)
    status.names[_name] = _member
    status.values[_value] = _member
status.__module__ = "NSCP"
