# What the gateway knows, asked for with messages: its checks and modules, and its settings. Needs the package protobuf.
#   nscp client --command inventory_python
#   nscp client --command settings_python /settings/python
import registry_pb2
import settings_pb2
from NSCP import Registry, Settings

registry = None
settings = None


def inventory(args):
    request = registry_pb2.RegistryRequestMessage()
    request.payload.add().inventory.type.extend([registry_pb2.QUERY, registry_pb2.MODULE])
    worked, data = registry.query(request.SerializeToString())
    if not worked:
        return 3, data
    response = registry_pb2.RegistryResponseMessage.FromString(data)
    return 0, "\n".join("%s: %s" % (item.name, item.info.description) for item in response.payload[0].inventory)


def list_settings(args):
    request = settings_pb2.SettingsRequestMessage()
    query = request.payload.add().query
    query.node.path = args[0] if args else ""
    query.recursive = True
    query.include_keys = True
    query.redact_sensitive = True
    worked, data = settings.query(request.SerializeToString())
    if not worked:
        return 3, data
    response = settings_pb2.SettingsResponseMessage.FromString(data)
    return 0, "\n".join("%s.%s = %s" % (node.path, node.key, node.value) for node in response.payload[0].query.nodes)


def init(plugin_id, plugin_alias, script_alias):
    global registry, settings
    registry = Registry.get(plugin_id)
    settings = Settings.get(plugin_id)
    registry.simple_cmdline("inventory_python", inventory)
    registry.simple_cmdline("settings_python", list_settings)
