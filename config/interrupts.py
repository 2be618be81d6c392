"""Imported by each command before all else: Ctrl-C ends it with a word, also during imports, which take seconds.

SIGINT is heeded also where a shell has it ignored: in commands that a script starts in the background. And it is not
lost when it arrives while Python deletes an object, as TensorFlow's do at any time: exceptions are ignored there.
"""

import _thread
import signal
import sys
import threading
from types import TracebackType

RETRY_SECONDS = 0.1  # after which the deletion is over


def _end_quietly(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def _retry_interrupt(ignored: "sys.UnraisableHookArgs") -> None:
    if ignored.exc_type is KeyboardInterrupt:
        retry = threading.Timer(RETRY_SECONDS, _interrupt_main_thread)
        retry.daemon = True
        retry.start()
    else:
        _report_ignored(ignored)


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):  # ends its system calls, too
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


sys.excepthook = _end_quietly
_report_ignored = sys.unraisablehook
sys.unraisablehook = _retry_interrupt
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
