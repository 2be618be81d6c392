"""Console output that survives a closed pipe (`| head`) and a full disk."""

import logging
import os
import sys
from typing import IO

from rich.console import Console


class FlightConsole(Console):
    """A console of a command that goes on when its output is closed (`| head`)."""

    def on_broken_pipe(self) -> None:
        """Print nothing from now on; Rich would end the thread that prints."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LogPrinter(logging.StreamHandler[IO[str]]):
    """Prints log messages to the output of a console; silent where that is closed, or its disk full."""

    def __init__(self, console: Console) -> None:
        super().__init__(console.file)
        self._console = console

    def handleError(self, record: logging.LogRecord) -> None:
        """Report defects only, on stderr: there is no other place for what cannot be printed."""
        error = sys.exc_info()[1]
        if isinstance(error, BrokenPipeError):
            self._console.on_broken_pipe()
        elif not isinstance(error, OSError):
            super().handleError(record)
