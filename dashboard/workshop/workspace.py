"""Trainings and models on disk: read the run folders that `model.train` writes, and find model files by name."""

import contextlib
import csv
import json
import math
import os
import time
from dataclasses import dataclass
from os.path import isdir, isfile  # those of Path raise PermissionError in folders of other users
from pathlib import Path
from typing import Any

from dashboard.pages import Json
from model.run_files import ARGUMENTS, CHECKPOINT, MODELS, PICTURES, PROMOTION_REPORT, RESULTS, SETTINGS, read_results
from model.sweep.files import STATE

Rows = list[dict[str, float | None]]
FileState = tuple[int, ...]


@dataclass(frozen=True)
class WorkspacePaths:
    """Where recordings, trainings and models are."""

    recordings: Path  # folder of all recordings
    runs: Path  # folder of all run folders
    models: tuple[Path, ...]  # files, and folders of .h5 files; the active model first
    train_settings: str = ""  # file with changes to model/train.toml; empty: none


@dataclass(frozen=True)
class Training:
    """A training, as its run folder describes it."""

    path: Path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def version(self) -> str:
        """Text that changes whenever the figures, the pictures or the verdict change."""
        return "-".join(str(_modified(self.path / name)) for name in (RESULTS, PROMOTION_REPORT, *PICTURES))

    @property
    def state(self) -> tuple[FileState, ...]:
        """Value that changes with each file that `rows` and `summary` read."""
        names = RESULTS, ARGUMENTS, SETTINGS, PROMOTION_REPORT, CHECKPOINT
        return tuple(file_state(self.path / name) for name in names)

    def rows(self) -> Rows:
        """Return a row for each epoch: numbers by column, None where nothing was measured."""
        try:
            return [{key: _number(value) for key, value in row.items() if key} for row in read_results(self.path)]
        except (OSError, ValueError, csv.Error):
            return []

    def summary(self) -> Json:
        """Return what a list of trainings shows; `done` is the completed fraction, None where it is unknown."""
        rows, arguments = self.rows(), read_json(self.path / ARGUMENTS)
        last = rows[-1] if rows else {}
        minutes = _number(arguments.get("minutes"))
        target = minutes or _number(read_json(self.path / SETTINGS).get("epochs"))
        done = _number((last.get("minutes" if minutes else "epoch") or 0.0) / target) if target else None
        undecided = bool(arguments.get("promote")) and not (self.path / PROMOTION_REPORT).exists()
        one_worker = arguments.get("strategy") != "multiworker"
        return {
            "name": self.name,
            "init": Path(str(arguments.get("init") or "")).name,
            "epochs": len(rows),
            "minutes": last.get("minutes") or 0.0,
            "done": done,
            "score": max((score for row in rows if (score := row.get("score")) is not None), default=None),
            "changed": _modified(self.path / RESULTS) / 1e9 or _modified(self.path / ARGUMENTS) / 1e9,
            "resumable": done is not None
            and (done < 1 or undecided)
            and one_worker
            and (self.path / CHECKPOINT).exists(),
        }

    def pictures(self) -> dict[str, int]:
        """Return the names of the existing pictures, each with its modification time, nanoseconds."""
        return {name: made for name in PICTURES if (made := _modified(self.path / name))}

    def verdict(self) -> str | None:
        """Return a sentence on whether the new model was promoted; None before the end or without promotion."""
        try:
            lines = (self.path / PROMOTION_REPORT).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return None
        return next((line.replace("**", "") for line in lines if line.startswith("**")), None)


def progress(summary: Json, rows: Rows, started: float | None) -> Json:
    """Return the summary of a training, `images_per_second`, and the seconds `left`; None where unknown.

    `started`: when the latest process of this training started, unix seconds; None if none is running.
    """
    left = None
    if started is not None and summary["done"]:
        since = time.time() - max(summary["changed"], started)
        left = max(60 * summary["minutes"] * (1 / summary["done"] - 1) - since, 0.0)
    return summary | {"images_per_second": rows[-1].get("images_per_second") if rows else None, "left": left}


def find_trainings(folder: Path) -> list[Training]:
    """Return all trainings in a folder, the newest first; without those whose folders may not be entered."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = [Training(folder / name) for name in names if name.isprintable() and isfile(folder / name / ARGUMENTS)]
    return sorted(found, key=lambda each: _modified(each.path / ARGUMENTS), reverse=True)


def find_training(folder: Path, name: str) -> Training:
    """Return the training of that name. Raises LookupError."""
    for training in find_trainings(folder):
        if training.name == name:
            return training
    raise LookupError(f"there is no training {name[:100]!r}")


def find_sweeps(folder: Path) -> list[Json]:
    """Return the state of each sweep in a folder, as `model.sweep` writes it, with its name; the newest first."""
    files = sorted(folder.glob(f"*/{STATE}"), key=_modified, reverse=True) if folder.is_dir() else []
    return [{"name": file.parent.name, **state} for file in files if (state := read_json(file))]


def find_models(paths: WorkspacePaths) -> dict[str, Path]:
    """Return all model files by name: those of `paths.models`, then those of trainings as `<training>/<file>`."""
    found: dict[str, Path] = {}
    for path in paths.models:
        files = sorted(path.glob("*.h5")) if isdir(path) else [path]
        for file in map(Path.resolve, files):
            if isfile(file) and file not in found.values():
                found[file.name if file.name not in found else f"{file.parent.name}/{file.name}"] = file
    for training in find_trainings(paths.runs):
        for name in MODELS:
            if isfile(training.path / name):
                found[f"{training.name}/{name}"] = (training.path / name).resolve()
    return found


def find_model(paths: WorkspacePaths, name: str) -> Path:
    """Return the file of a model. Raises LookupError."""
    models = find_models(paths)
    if name not in models:
        raise LookupError(f"there is no model {name!r:.100}; there are {', '.join(models) or 'none'}")
    return models[name]


def read_json(path: Path) -> Json:
    """Return the object in a JSON file; an empty one if the file cannot be read."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def file_state(path: Path) -> FileState:
    """Return a value that changes with the file; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _modified(path: Path) -> int:
    """Return the modification time, nanoseconds; 0 if there is no such file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _number(value: Any) -> float | None:
    with contextlib.suppress(TypeError, ValueError):
        number = float(value)
        if math.isfinite(number):
            return number
    return None
