"""A command of this project that runs beside the flight: one at a time, at the lowest priority, on few threads."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from sim_bridge.child_process import ChildProcess

LINES = 300  # of what it said last
PATIENCE_SECONDS = 3.0  # at the end of the follower


class JobRunning(RuntimeError):
    """It has to end before another begins."""


class BackgroundJob:
    """What runs, or ran last. `on_end` gets its exit status, on a thread of the process.

    Args:
        module: what is run, as `python -m` would.
        threads: how many its libraries may use.
        low_priority: at the lowest priority, so that a flight is not slowed down.
    """

    def __init__(
        self, module: str, threads: int, low_priority: bool = True, on_end: Callable[[int], None] = lambda status: None
    ):
        self._module = module
        self._low_priority = low_priority
        self._on_end = on_end
        count = str(threads)
        self._environment = {
            **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), count),
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # the flight's network may be on the same GPU
            "COLUMNS": "120",
        }
        self._starting = threading.Lock()
        self._process: ChildProcess | None = None
        self._lines: deque[str] = deque(maxlen=LINES)
        self._began = 0.0
        self._stopping = False

    @property
    def process(self) -> int | None:
        """The number of the process that runs, or ran last."""
        return None if self._process is None else self._process.number

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and not self._process.ended

    def start(self, arguments: Sequence[str]) -> None:
        """Run it. Raises JobRunning."""
        with self._starting:
            if self.running:
                raise JobRunning("it still runs: wait for its end, or stop it")
            lines = self._lines = deque(maxlen=LINES)

            def keep(line: str) -> None:
                if line:
                    lines.append(line)

            self._stopping, self._began = False, time.time()
            self._process = ChildProcess(
                self._module, arguments, keep, self._on_end, self._low_priority, self._environment
            )

    def stop(self) -> None:
        """Give it a Ctrl-C, if it runs; returns at once."""
        if self.running:
            self._stopping = True
            self._process.interrupt()

    def close(self) -> None:
        """End it, and wait for that."""
        if self.running:
            self._process.stop(PATIENCE_SECONDS)

    def status(self) -> dict:
        """Plain data: `state` is idle, running, stopping or ended."""
        process = self._process
        if process is None:
            return {"state": "idle", "exit_status": None, "lines": [], "began": None}
        state = "ended" if process.ended else "stopping" if self._stopping else "running"
        status = process.exit_status if process.ended else None
        return {"state": state, "exit_status": status, "lines": list(self._lines), "began": self._began}
