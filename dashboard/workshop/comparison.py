"""The latest comparison of two models: its process, and the folder that `model.compare` fills."""

import json
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard.jobs import BackgroundJob
from dashboard.workshop.workspace import read_json
from model.evaluation.comparison_files import ABOUT, FRAMES


class Comparison(BackgroundJob):
    """One comparison at a time. Each has a number, from 1; its files are removed by the next one, or at the end."""

    def __init__(self, threads: int):
        super().__init__("model.compare", threads)
        self.number = 0
        self._folder = Path(tempfile.gettempdir()) / f"follow-me-{secrets.token_hex(16)}"  # of all comparisons
        self._path = self._folder / "0"  # of the latest comparison

    def start(self, arguments: Sequence[str]) -> None:
        """Start a comparison with these arguments of `model.compare` and an --out. Raises JobRunning."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        previous, path = self._path, self._folder / str(self.number + 1)
        super().start([*arguments, "--out", str(path)])
        self._path, self.number = path, self.number + 1  # in this order: no reader takes previous rows for new ones
        shutil.rmtree(previous, ignore_errors=True)

    def close(self) -> None:
        """End it and remove its files."""
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def status(self) -> dict[str, Any]:
        """Return the state of the process, see `BackgroundJob.status`, and the number."""
        return super().status() | {"number": self.number}

    def about(self) -> dict[str, Any]:
        """Return models, data, number of frames, and at the end the tables; empty before the first frame."""
        return read_json(self._path / ABOUT)

    def rows(self, start: int) -> list[dict[str, Any]]:
        """Return the results of the frames compared so far, from the `start`-th on."""
        try:
            lines = (self._path / FRAMES).read_bytes().splitlines(keepends=True)
        except OSError:
            return []
        return [json.loads(line) for line in lines[start:] if line.endswith(b"\n")]

    def picture(self, part: str, name: str) -> Path:
        """Return the path of a picture. Raises LookupError."""
        folder = self._path / part
        if not folder.is_dir() or name not in {file.name for file in folder.iterdir()}:
            raise LookupError(f"there is no picture {part}/{name[:100]}")
        return folder / name
