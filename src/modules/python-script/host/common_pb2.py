"""Headers, key-value pairs, performance data and results: what the other messages are made of (PB.Common)."""

from nscp_host.messages import contents as _contents

globals().update(_contents(__name__))
