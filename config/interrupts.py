"""Imported by each command before all else: Ctrl-C ends it with a word, also during imports, which take seconds.

SIGINT is heeded also where a shell has it ignored: in commands that a script starts in the background. SIGTERM and a
closed terminal (SIGHUP) interrupt as Ctrl-C does, so that files are closed and unfinished ones removed.

An interrupt is not lost when it arrives while Python deletes an object, as TensorFlow's do at any time: exceptions are
ignored there. Libraries in C++ may turn it into an error of another kind: ask `interrupted` before reporting one.
"""

import _thread
import multiprocessing
import signal
import sys
import threading
from types import FrameType, TracebackType

RETRY_SECONDS = 0.1  # after which the deletion is over

_received = False


def interrupted() -> bool:
    """Return whether this process has been interrupted, whatever has become of the KeyboardInterrupt."""
    return _received


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _received
    _received = True
    raise KeyboardInterrupt


def _end_quietly(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def _retry_interrupt(ignored: "sys.UnraisableHookArgs") -> None:
    if ignored.exc_type is KeyboardInterrupt:
        signal.signal(signal.SIGINT, _interrupt)  # a handler of the command's own may heed the first signal only
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
    signal.signal(signal.SIGINT, _interrupt)
    # A worker's parent ends it by SIGTERM. While a worker imports, `multiprocessing.parent_process` is not set yet.
    if multiprocessing.current_process().name == "MainProcess":
        signal.signal(signal.SIGTERM, _interrupt)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as by nohup
            signal.signal(signal.SIGHUP, _interrupt)
