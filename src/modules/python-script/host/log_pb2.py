"""Records of the log (PB.Log)."""

from nscp_host.messages import contents as _contents

globals().update(_contents(__name__))
