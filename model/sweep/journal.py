"""The journal of a sweep's state: Optuna's, but a full disk or a killed process leaves no half line in it for good."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

_START = b'{"op_code":'  # of the first entry, of which a killed process may have written less


class Journal(JournalFileBackend):
    """A file with an entry on each line. What follows half a line, Optuna would write behind it, and then read none.

    Raises ValueError for a file that is no journal, and leaves it as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._writing = path, JournalFileOpenLock(str(path))
        super().__init__(str(path), self._writing)
        with self._locked():
            content = path.read_bytes()
            if content[: len(_START)] != _START[: len(content)]:
                raise ValueError(f"{path} is no journal of a sweep: expected a first line {_START.decode()} ...}}")
            if (whole := content.rfind(b"\n") + 1) < len(content):
                os.truncate(path, whole)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write all these entries, or none. Raises OSError."""
        lines = "".join(f"{json.dumps(each)}\n" for each in logs)
        with self._locked():
            length = self._path.stat().st_size
            try:
                with self._path.open("ab") as stream:
                    stream.write(lines.encode())
                    stream.flush()
                    os.fsync(stream.fileno())
            except OSError:
                os.truncate(self._path, length)
                raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._writing.acquire()
        try:
            yield
        finally:
            self._writing.release()
