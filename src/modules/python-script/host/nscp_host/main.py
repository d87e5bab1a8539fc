"""Puts the host together."""

import faulthandler
import signal
import threading

from .guard import CONTROL
from .host import Host
from .message_finder import find_messages_in

#: The host of this process: what ``NSCP`` talks to.
host: Host


def main(own_folder: str, scripts_folder: str) -> None:
    global host
    # A crash says where it happened; the gateway reads standard error. The signal asks for the stacks of all threads,
    # which works even while a library holds the interpreter.
    faulthandler.enable(all_threads=False)
    if hasattr(signal, "SIGUSR2"):
        faulthandler.register(signal.SIGUSR2, all_threads=True)
    find_messages_in(own_folder)
    host = Host(CONTROL, own_folder, scripts_folder)
    host.start()
    # Callbacks run in other threads; this one is for signals.
    forever = threading.Event()
    while True:
        try:
            forever.wait()
        except KeyboardInterrupt:
            # It is not for a script to end the others.
            pass
