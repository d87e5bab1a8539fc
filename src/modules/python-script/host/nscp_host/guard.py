"""The end of the process, and of all that its scripts started, when the gateway is gone."""

import os
import select
import signal
from os import write as _write

#: Descriptor of the control channel.
CONTROL = 3


def end_everything(reason: str = "", details: str = "") -> None:
    """Ends this process and its group. There is nothing to save; the gateway finds the reason on standard error."""
    if reason:
        try:
            _write(2, f"Fatal Python error: {reason}\n{details}".encode("utf-8", "replace"))
        except OSError:
            # A script closed it.
            pass
    if os.getpgrp() == os.getpid() or os.getpgrp() == os.getppid():
        os.kill(0, signal.SIGKILL)
    os._exit(0)


def start_guard() -> None:
    """A second process that waits for the end of the gateway.

    The host can't see it by itself while a script holds the interpreter, or while the host is stopped. It is forked
    before there are threads and before much is imported, and never runs anything else.
    """
    group = os.getpgrp()
    if group != os.getpid() or os.fork() != 0:
        return
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(silence, stream)
        poll = select.poll()
        # No event is asked for: the end of the connection is always told, and what is sent is for the host.
        poll.register(CONTROL, 0)
        poll.poll()
        os.killpg(group, signal.SIGKILL)
    finally:
        os._exit(0)
