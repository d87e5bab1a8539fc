"""``NSCP.Settings``: how scripts read and write the settings."""

from typing import Any, List, Tuple

from .bound import Bound, Text, ask, ask_raw, bind
from .conversion import flag, integer, text


class Settings(Bound):
    """Reads and writes the settings.

    Get one with ``Settings.get(plugin_id)``. What is written counts at once for everybody, and lasts once it is saved.
    Writing raises nothing when it fails: the log says why. Nothing else of the script runs during these calls.
    """

    __slots__ = ()

    @staticmethod
    def get(plugin_id: int) -> "Settings":
        """The settings for the plugin id that ``init`` was called with."""
        return bind(Settings, plugin_id)

    @staticmethod
    def create(plugin_id: int) -> "Settings":
        """The same as ``get``."""
        return bind(Settings, plugin_id)

    def get_section(self, path: Text) -> List[str]:
        """The keys of a section, sorted, without the sections below it. Empty for one that does not exist."""
        return list(_ask("settingsSection", [text(path, "path")]))

    def get_string(self, path: Text, key: Text, default_value: Text) -> str:
        """The text of a key, or the default when it is not set."""
        args = [text(path, "path"), text(key, "key"), text(default_value, "default_value")]
        return str(_ask("settingsString", args))

    def set_string(self, path: Text, key: Text, value: Text) -> None:
        """Set a key to a text. An empty one removes the key."""
        _ask("settingsSet", [text(path, "path"), text(key, "key"), text(value, "value")])

    def get_bool(self, path: Text, key: Text, default_value: Any) -> bool:
        """Whether a key is ``true``, ``1`` or ``yes``; every other text is False. The default when it is not set."""
        args = [text(path, "path"), text(key, "key"), flag(default_value, "default_value")]
        return bool(_ask("settingsBool", args))

    def set_bool(self, path: Text, key: Text, value: Any) -> None:
        """Set a key to ``true`` or ``false``."""
        chosen = "true" if flag(value, "value") else "false"
        _ask("settingsSet", [text(path, "path"), text(key, "key"), chosen])

    def get_int(self, path: Text, key: Text, default_value: int) -> int:
        """The whole number of a key, or the default when it is not set or is none."""
        args = [text(path, "path"), text(key, "key"), integer(default_value, "default_value")]
        return int(_ask("settingsInt", args))

    def set_int(self, path: Text, key: Text, value: int) -> None:
        """Set a key to a whole number."""
        _ask("settingsSet", [text(path, "path"), text(key, "key"), str(integer(value, "value"))])

    def save(self) -> None:
        """Write what was set to the settings file."""
        _ask("settingsSave", [])

    def register_path(self, path: Text, title: Text, description: Text) -> None:
        """Document a section, for the settings file and everybody who lists settings."""
        _ask("registerPath", [text(path, "path"), text(title, "title"), text(description, "description")])

    def register_key(
        self, path: Text, key: Text, type: Text, title: Text, description: Text, default_value: Text
    ) -> None:
        """Document a key. Whatever the type says it is a text, and the default is told but not what reading it gives."""
        names = ("path", "key", "type", "title", "description", "default_value")
        values = (path, key, type, title, description, default_value)
        _ask("registerKey", [text(value, name) for value, name in zip(values, names)])

    def query(self, request_bytes: Any) -> Tuple[int, Any]:
        """Ask by a message, for what has no function here.

        Takes a serialized ``SettingsRequestMessage``. Returns ``(1, response)`` with a serialized ``SettingsResponseMessage``,
        or ``(False, reason)``.
        """
        return ask_raw("settingsQuery", [], request_bytes, keep_turn=True)


def _ask(op: str, args: List[Any]) -> Any:
    return ask(op, args, keep_turn=True)
