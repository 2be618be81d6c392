"""Jobs in the background: a command of this project as a process with few threads and the lowest priority."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sim_bridge.child_process import ChildProcess

MAX_LINES = 300  # of output, the latest ones
STOP_SECONDS = 3.0  # that a job gets to end by itself when the follower ends
LOW_PRIORITY = True  # so that a flight is not slowed down


class JobRunning(RuntimeError):
    """A job has to end before the next one can start."""


class BackgroundJob:
    """A module that is run as by `python -m`, with a given number of threads, at most once at a time.

    `on_end` is called with the exit status, on another thread.
    """

    def __init__(self, module: str, threads: int, on_end: Callable[[int], None] = lambda status: None):
        self._module = module
        self._on_end = on_end
        self._environment = {
            **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(threads)),
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # the active model may be on the same GPU
            "COLUMNS": "120",
        }
        self._starting = threading.Lock()
        self._process: ChildProcess | None = None
        self._lines: deque[str] = deque()
        self._started: float | None = None  # unix seconds
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Process id of the latest run; None before the first."""
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether a run is in progress."""
        return self._process is not None and not self._process.ended

    def start(self, arguments: Sequence[str]) -> None:
        """Run the command. Raises JobRunning."""
        with self._starting:
            if self.running:
                raise JobRunning("it is still running: wait until it ends, or stop it")
            self.close()  # the pipes of the last run
            lines = self._lines = deque(maxlen=MAX_LINES)
            self._stopping, self._started = False, time.time()
            self._process = ChildProcess(
                self._module,
                arguments,
                on_line=lambda line: lines.append(line) if line else None,
                on_end=self._on_end,
                low_priority=LOW_PRIORITY,
                environment=self._environment,
            )

    def stop(self) -> None:
        """Interrupt the command, if it runs; return at once."""
        if self._process is not None and self.running:
            self._stopping = True
            self._process.interrupt()

    def close(self) -> None:
        """End the command and wait until it has ended."""
        if self._process is not None:
            self._process.stop(STOP_SECONDS)

    def status(self) -> dict[str, Any]:
        """Return plain data: `state` is idle, running, stopping or ended."""
        process = self._process
        if process is None:
            state, exit_status = "idle", None
        elif process.ended:
            state, exit_status = "ended", process.exit_status
        else:
            state, exit_status = "stopping" if self._stopping else "running", None
        return {"state": state, "exit_status": exit_status, "lines": list(self._lines), "started": self._started}
