"""Folders of trainings: their names, how far each has come, what it shows. Reads them; `model.train` writes them."""

import contextlib
import csv
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

PICTURES = ("examples.png", "retrain.png", "retrain-gained.png", "retrain-lost.png")
MODELS = ("best.h5", "last.h5")
ARGUMENTS, RESULTS, CHECKPOINT, VERDICT = "arguments.json", "results.csv", "checkpoint.npz", "retrain.md"


@dataclass(frozen=True)
class Training:
    """What a folder tells of a training."""

    path: Path

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.path.name

    @property
    def version(self) -> str:
        """Changes when there are new figures, pictures or a verdict."""
        return "-".join(str(_modified(self.path / name)) for name in (RESULTS, VERDICT, *PICTURES))

    def rows(self) -> list[dict[str, float | None]]:
        """A row for each epoch: numbers by column, None where nothing was measured."""
        try:
            with (self.path / RESULTS).open(newline="", encoding="utf-8") as stream:
                return [{key: _number(value) for key, value in row.items() if key} for row in csv.DictReader(stream)]
        except (OSError, ValueError, csv.Error):
            return []

    def arguments(self) -> dict:
        """The command line that it was started with; empty where it cannot be read."""
        try:
            arguments = json.loads((self.path / ARGUMENTS).read_bytes())
        except (OSError, ValueError):
            return {}
        return arguments if isinstance(arguments, dict) else {}

    def summary(self) -> dict:
        """A line of a list."""
        rows, asked = self.rows(), self.arguments()
        minutes, target = _last(rows, "minutes") or 0.0, _number(asked.get("minutes"))
        scores = [row["score"] for row in rows if row.get("score") is not None]
        return {
            "name": self.name,
            "init": Path(str(asked.get("init") or "")).name,
            "epochs": len(rows),
            "minutes": minutes,
            "target": target,
            "score": max(scores, default=None),
            "changed": _modified(self.path / RESULTS) / 1e9 or _modified(self.path / ARGUMENTS) / 1e9,
            "resumable": (self.path / CHECKPOINT).exists() and target is not None and minutes < target,
        }

    def progress(self, began: float | None) -> dict:
        """How it goes: the summary, images a second and, if it runs since `began`, the seconds left of learning."""
        summary, left = self.summary(), None
        if began is not None and summary["target"] is not None:
            learnt = summary["changed"] if summary["epochs"] else time.time()  # before that it gets ready
            since = time.time() - max(learnt, began)
            left = max((summary["target"] - summary["minutes"]) * 60 - since, 0.0)
        return summary | {"images_per_second": _last(self.rows(), "images_per_second"), "left": left}

    def pictures(self) -> dict[str, int]:
        """The pictures that there are, with when each was made (nanoseconds)."""
        return {name: made for name in PICTURES if (made := _modified(self.path / name))}

    def verdict(self) -> str | None:
        """What became of a retraining, in a sentence; None before the end, or where nothing was to be replaced."""
        try:
            lines = (self.path / VERDICT).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return None
        return next((line.replace("**", "") for line in lines if line.startswith("**")), None)


def find_trainings(folder: Path) -> list[Training]:
    """All trainings in a folder, the newest first."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = [Training(folder / name) for name in names if name.isprintable() and (folder / name / ARGUMENTS).is_file()]
    return sorted(found, key=lambda each: _modified(each.path / ARGUMENTS), reverse=True)


def find_training(folder: Path, name: str) -> Training:
    """The training of that name. Raises LookupError."""
    for training in find_trainings(folder):
        if training.name == name:
            return training
    raise LookupError(f"there is no training {name[:100]!r}")


def _modified(path: Path) -> int:
    """Nanoseconds; 0 where there is no such file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _number(value: object) -> float | None:
    with contextlib.suppress(TypeError, ValueError):
        number = float(value)
        if math.isfinite(number):
            return number
    return None


def _last(rows: list[dict], key: str) -> float | None:
    return rows[-1].get(key) if rows else None
