"""Started by the gateway as ``python <this folder> <scripts folder>``: the process that runs Python scripts.

This file must be readable by interpreters that are too old, so that they can say so.
"""
import sys

if sys.version_info < (3, 9):
    # The first words are those of the interpreter itself when it can't go on: the gateway looks for them.
    sys.stderr.write(
        "Fatal Python error: Python scripts need Python 3.9 or newer; %s is %d.%d. Set [/settings/python] python executable.\n"
        % ((sys.executable or "python",) + sys.version_info[:2])
    )
    sys.exit(1)

from nscp_host.guard import start_guard  # noqa: E402

# Before anything else is imported: what the second process shares with this one it need not have twice.
start_guard()

from nscp_host.main import main  # noqa: E402

main(sys.path[0], sys.argv[1] if len(sys.argv) > 1 else "")
