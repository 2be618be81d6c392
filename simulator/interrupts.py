"""Imported by each command before all else, as `config.interrupts` by others: Ctrl-C prints no traceback.

SIGINT is heeded also where a shell has it ignored: in commands that a script starts in the background.
"""

import signal
import sys
import threading
from types import TracebackType


def _end_quietly(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = _end_quietly
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
