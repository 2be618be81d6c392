"""Runs a module of this project as a child process that ends with us, however we end. Knows no module in particular."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOWEST_PRIORITY = 19  # of `nice`

# Has a Ctrl-C when its standard input is closed: so it does when we ask, and also when we are killed.
_LAUNCH = """
import _thread, os, runpy, signal, sys, threading
def end_with_parent():
    while os.read(0, 1024):
        pass
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have it ignored in the background
threading.Thread(target=end_with_parent, daemon=True).start()
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


class ChildProcess:
    """`python -m module arguments` in a process of its own.

    Args:
        on_line: called with each line that it prints, on a thread of this object.
        on_end: called there with its exit status when it is gone.
        low_priority: at the lowest priority, so that it takes what others leave.
        environment: variables that it has beyond ours.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        on_line: Callable[[str], None],
        on_end: Callable[[int], None],
        low_priority: bool = False,
        environment: Mapping[str, str] | None = None,
    ):
        self._on_line = on_line
        self._on_end = on_end
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONPATH": _python_path(), "PYTHONIOENCODING": "utf-8"} | dict(environment or {}),
            **_own_group(low_priority),
        )
        if low_priority:
            _give_way(self._process.pid)
        self._reader = threading.Thread(target=self._read, name=module, daemon=True)
        self._reader.start()

    @property
    def number(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    @property
    def ended(self) -> bool:
        """Whether it is gone, and `on_line` has had all that it said."""
        return not self._reader.is_alive()

    def interrupt(self) -> None:
        """Give it a Ctrl-C, once; returns at once."""
        self._process.stdin.close()

    def stop(self, patience: float) -> None:
        """Interrupt it, wait for at most `patience` seconds until it has ended by itself, and make sure."""
        self.interrupt()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)

    def _read(self) -> None:
        for line in self._process.stdout:
            self._on_line(line.rstrip())
        self._on_end(self._process.wait())


def _give_way(process: int) -> None:
    """Let a process that has just begun, and all that it starts, have what others leave."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process, LOWEST_PRIORITY)
    if hasattr(os, "SCHED_IDLE"):  # Linux: whoever wakes up takes the processor from it at once
        os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))


def _own_group(low_priority: bool) -> dict:
    """Ctrl-C at our terminal is ours to pass on, once."""
    if os.name != "nt":
        return {"process_group": 0}
    priority = subprocess.IDLE_PRIORITY_CLASS if low_priority else subprocess.NORMAL_PRIORITY_CLASS
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | priority}


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
