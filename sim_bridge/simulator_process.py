"""Run the built-in simulator beside the bridge as a process of its own; it connects over the wire like any other."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from sim_bridge.child_process import ChildProcess

STOP_SECONDS = 5.0  # that it has to print its summary


class SimulatorProcess:
    """The built-in simulator as a child process: prints its output, and calls `on_end` when it has ended."""

    def __init__(self, host: str, port: int, options: Sequence[str], console: Console, on_end: Callable[[], None]):
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)

        def show(line: str) -> None:
            console.print(Text(f"simulator: {line}", style="dim"), soft_wrap=True)

        arguments = ["--host", host, "--port", str(port), *options]
        self._process = ChildProcess("simulator", arguments, show, lambda status: on_end())

    def __enter__(self) -> "SimulatorProcess":
        return self

    def __exit__(self, *exception: object) -> None:
        """Interrupt it and wait for its summary; kill it after `STOP_SECONDS`."""
        self._process.stop(STOP_SECONDS)

    @property
    def exit_status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.exit_status
