"""Run a module of this project as a child process that ends with this process, however that ends."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Interrupts itself when its standard input is closed: by `stop`, and also when this process is killed.
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

    On a thread of this object `on_line` is called with each line of its output, and `on_end` with its exit status.
    With `low_priority` it only takes what others leave. The variables of `environment` are added to ours.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        on_line: Callable[[str], object],
        on_end: Callable[[int], object],
        low_priority: bool = False,
        environment: Mapping[str, str] | None = None,
    ):
        self._on_line, self._on_end = on_line, on_end
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        flags = 0
        if sys.platform == "win32":
            priority = subprocess.IDLE_PRIORITY_CLASS if low_priority else subprocess.NORMAL_PRIORITY_CLASS
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | priority
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _LAUNCH, module, *arguments],  # -P: no module of the working folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"} | dict(environment or {}),
            process_group=None if os.name == "nt" else 0,  # a Ctrl-C at our terminal is ours to pass on, once
            creationflags=flags,
        )
        if low_priority:
            _lower_priority(self._process.pid)
        self._reader = threading.Thread(target=self._read, name=module, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.poll()

    @property
    def ended(self) -> bool:
        """Whether it has ended and `on_line` has received all of its output."""
        return not self._reader.is_alive()

    def interrupt(self) -> None:
        """Interrupt it, as Ctrl-C does; return at once. Only the first call has an effect."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def stop(self, timeout: float) -> None:
        """Interrupt it, and kill it if it has not ended after `timeout` seconds."""
        self.interrupt()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as lines:
                for line in lines:
                    with contextlib.suppress(OSError):  # its disk is full, say: the process must run on all the same
                        self._on_line(line.rstrip())
        finally:
            self._on_end(self._process.wait())


def _lower_priority(pid: int) -> None:
    """Let a process that has just started, and all its children, run only when the processor is otherwise idle."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, pid, 19)  # the lowest
    if hasattr(os, "SCHED_IDLE"):  # Linux: any other task preempts it at once
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
