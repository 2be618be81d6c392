"""The comparison of two models that was made last: its sub-process, and the folder that `model.compare` fills."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dashboard.jobs import BackgroundJob, JobRunning
from model.evaluation.comparison_files import ABOUT, FOLDERS, FRAMES


class Comparison:
    """One at a time; each has a number, from 1, and a folder that is gone with the next, or with the follower."""

    def __init__(self, threads: int, low_priority: bool = True):
        self.number = 0
        self._task = BackgroundJob("model.compare", threads, low_priority)
        self._folder: tempfile.TemporaryDirectory | None = None

    def start(self, arguments: Sequence[str]) -> None:
        """Compare, with the arguments of `model.compare` but for --out. Raises JobRunning."""
        folder = tempfile.TemporaryDirectory(prefix="follow-me-", ignore_cleanup_errors=True)
        try:
            self._task.start([*arguments, "--out", str(Path(folder.name) / "frames")])
        except JobRunning:
            folder.cleanup()
            raise
        self._folder, last = folder, self._folder
        self.number += 1
        if last is not None:
            last.cleanup()

    def stop(self) -> None:
        """End it; what was compared by then stays."""
        self._task.stop()

    def close(self) -> None:
        """End it and remove what it wrote."""
        self._task.close()
        if self._folder is not None:
            self._folder.cleanup()

    def status(self) -> dict:
        """How the process does; see `BackgroundJob.status`."""
        return self._task.status() | {"number": self.number}

    def about(self) -> dict:
        """Models, data, number of frames; at the end the tables. Empty before the first frame."""
        try:
            return json.loads((self._path / ABOUT).read_bytes())
        except (OSError, ValueError, LookupError):
            return {}

    def rows(self, start: int) -> list[dict]:
        """What is told of the frames from the `start`-th on, as far as they were compared."""
        try:
            lines = (self._path / FRAMES).read_bytes().splitlines(keepends=True)
        except (OSError, LookupError):
            return []
        return [json.loads(line) for line in lines[start:] if line.endswith(b"\n")]

    def picture(self, part: str, name: str) -> Path:
        """A picture of a frame. Raises LookupError."""
        folder = self._path / part
        if part not in FOLDERS or not folder.is_dir() or name not in {file.name for file in folder.iterdir()}:
            raise LookupError(f"there is no picture {part}/{name[:100]}")
        return folder / name

    @property
    def _path(self) -> Path:
        if self._folder is None:
            raise LookupError("nothing was compared yet")
        return Path(self._folder.name) / "frames"
