"""Values that modules keep (PB.Storage)."""

import common_pb2 as common__pb2
from nscp_host.messages import contents as _contents

globals().update(_contents(__name__))
