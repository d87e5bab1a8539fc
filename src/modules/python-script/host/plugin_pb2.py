"""Queries, commands, submissions and events (PB.Commands), and the messages of the other modules.

These were all in this module once, and scripts still look for them here. Where two modules have the same name, such as Command,
it is this module's, or else that of the first in the list below; the others' are in their own modules.
"""

import common_pb2 as common__pb2
import registry_pb2 as registry__pb2
from nscp_host.messages import contents as _contents

globals().update(_contents(__name__, "registry_pb2", "settings_pb2", "metrics_pb2", "log_pb2", "common_pb2"))
