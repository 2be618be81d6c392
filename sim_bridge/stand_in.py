"""Starts the stand-in simulator beside the bridge, as a process of its own; it talks over the wire like any other."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 5.0  # for its summary at the end

# Ends with a Ctrl-C of its own when its standard input is closed: so it does when we ask, and also when we are killed.
_LAUNCH = """
import _thread, os, runpy, threading
def end_with_parent():
    while os.read(0, 1024):
        pass
    _thread.interrupt_main()
threading.Thread(target=end_with_parent, daemon=True).start()
runpy.run_module("simulator", run_name="__main__", alter_sys=True)
"""


class StandIn:
    """The simulator as a child process. Its lines are printed with ours; `on_end` is called when it is gone."""

    def __init__(self, host: str, port: int, options: Sequence[str], console: Console, on_end: Callable[[], None]):
        own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else {"process_group": 0}
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self._console = console
        self._on_end = on_end
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, "--host", host, "--port", str(port), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()]), "PYTHONIOENCODING": "utf-8"},
            **own_group,  # Ctrl-C is ours to pass on, once
        )
        self._reader = threading.Thread(target=self._relay, name="stand-in", daemon=True)
        self._reader.start()

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *exception: object) -> None:
        """Ask it to end, wait for its summary, and make sure."""
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)

    @property
    def exit_status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def _relay(self) -> None:
        for line in self._process.stdout:
            self._console.print(Text(f"stand-in: {line.rstrip()}", style="dim"), soft_wrap=True)
        self._on_end()


def _python_path() -> list[str]:
    return [path] if (path := os.environ.get("PYTHONPATH")) else []
