"""What the page polls of trainings: cheap during a flight, since files that have not changed are not read again."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dashboard.pages import Json
from dashboard.workshop.workspace import FileState, Rows, Training

Content = TypeVar("Content", Rows, Json)
Known = dict[Path, tuple[tuple[FileState, ...], Content]]


class TrainingCache:
    """Rows and summaries of trainings, see `Training`. Thread-safe."""

    def __init__(self) -> None:
        self._rows: Known[Rows] = {}  # only of trainings that were looked at: those of all would take much memory
        self._summaries: Known[Json] = {}

    def rows(self, training: Training) -> Rows:
        """Return the rows of a training."""
        return _read_changed(self._rows, training, training.rows)

    def summary(self, training: Training) -> Json:
        """Return the summary of a training."""
        return _read_changed(self._summaries, training, training.summary)


def _read_changed(known: Known[Content], training: Training, read: Callable[[], Content]) -> Content:
    state = training.state  # before it is read: what changes meanwhile is read again by the next call
    if training.path not in known or known[training.path][0] != state:
        known[training.path] = state, read()
    return known[training.path][1]
