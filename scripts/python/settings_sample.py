# A check with settings of its own, which it writes down the first time that it is loaded.
#   [/settings/settings_sample/python/<script>]
#   limit = 3
#   strict = false
#   unit = files
import os

from NSCP import Core, Registry, Settings, status

folder = ""
limit = 0
strict = False
unit = ""


def check_files(args):
    count = len(os.listdir(args[0] if args else folder))
    code = status.OK if count <= limit else status.CRITICAL if strict else status.WARNING
    return code, "%d %s" % (count, unit), "'%s'=%d;%d" % (unit, count, limit)


def init(plugin_id, plugin_alias, script_alias):
    global folder, limit, strict, unit
    settings = Settings.get(plugin_id)
    section = "/settings/settings_sample/%s/%s" % (plugin_alias, script_alias)
    settings.register_path(section, "Settings sample", "How many files are too many")
    settings.register_key(section, "limit", "int", "Limit", "More files than that are a problem", "3")
    settings.register_key(section, "strict", "bool", "Strict", "Whether the problem is critical", "false")
    settings.register_key(section, "unit", "string", "Unit", "What the files are called", "files")
    if not settings.get_section(section):
        settings.set_int(section, "limit", 3)
        settings.set_bool(section, "strict", False)
        settings.set_string(section, "unit", "files")
        settings.save()
    limit = settings.get_int(section, "limit", 3)
    strict = settings.get_bool(section, "strict", False)
    unit = settings.get_string(section, "unit", "files")
    folder = Core.get(plugin_id).expand_path("${scripts}")
    Registry.get(plugin_id).simple_function("check_files_python", check_files, "Counts files: [folder]")
