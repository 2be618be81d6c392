"""Starts the stand-in simulator beside the bridge, as a process of its own; it talks over the wire like any other."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from sim_bridge.child_process import ChildProcess

PATIENCE_SECONDS = 5.0  # for its summary at the end


class StandIn:
    """The simulator as a child process. Its lines are printed with ours; `on_end` is called when it is gone."""

    def __init__(self, host: str, port: int, options: Sequence[str], console: Console, on_end: Callable[[], None]):
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)

        def show(line: str) -> None:
            console.print(Text(f"stand-in: {line}", style="dim"), soft_wrap=True)

        arguments = ["--host", host, "--port", str(port), *options]
        self._process = ChildProcess("simulator", arguments, show, lambda status: on_end())

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *exception: object) -> None:
        """Ask it to end, wait for its summary, and make sure."""
        self._process.stop(PATIENCE_SECONDS)

    @property
    def exit_status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.exit_status
