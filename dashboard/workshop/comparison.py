"""The latest comparison of two models: its process, and the folder that `model.compare` fills."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dashboard.calls import Json
from dashboard.jobs import BackgroundJob, JobRunning
from model.evaluation.comparison_files import ABOUT, FOLDERS, FRAMES


class Comparison:
    """One comparison at a time. Each has a number, from 1, and a folder that goes with the next one or at the end."""

    def __init__(self, threads: int, low_priority: bool = True):
        self.number = 0
        self._job = BackgroundJob("model.compare", threads, low_priority)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self, arguments: Sequence[str]) -> None:
        """Start a comparison with these arguments of `model.compare` and an --out. Raises JobRunning."""
        folder = tempfile.TemporaryDirectory(prefix="follow-me-", ignore_cleanup_errors=True)
        try:
            self._job.start([*arguments, "--out", str(Path(folder.name) / "frames")])
        except JobRunning:
            folder.cleanup()
            raise
        self._folder, last = folder, self._folder
        self.number += 1
        if last is not None:
            last.cleanup()

    def stop(self) -> None:
        """Interrupt it; what was compared by then stays."""
        self._job.stop()

    def close(self) -> None:
        """End it and remove what it wrote."""
        self._job.close()
        if self._folder is not None:
            self._folder.cleanup()

    def status(self) -> Json:
        """Return the state of the process, see `BackgroundJob.status`, and the number."""
        return self._job.status() | {"number": self.number}

    def about(self) -> Json:
        """Return models, data, number of frames, and at the end the tables; empty before the first frame."""
        try:
            return dict(json.loads((self._path / ABOUT).read_bytes()))
        except (OSError, ValueError, LookupError):
            return {}

    def rows(self, start: int) -> list[Json]:
        """Return the results of the frames compared so far, from the `start`-th on."""
        try:
            lines = (self._path / FRAMES).read_bytes().splitlines(keepends=True)
        except (OSError, LookupError):
            return []
        return [json.loads(line) for line in lines[start:] if line.endswith(b"\n")]

    def picture(self, part: str, name: str) -> Path:
        """Return the path of a picture. Raises LookupError."""
        folder = self._path / part
        if part not in FOLDERS or not folder.is_dir() or name not in {file.name for file in folder.iterdir()}:
            raise LookupError(f"there is no picture {part}/{name[:100]}")
        return folder / name

    @property
    def _path(self) -> Path:
        if self._folder is None:
            raise LookupError("nothing has been compared yet")
        return Path(self._folder.name) / "frames"
