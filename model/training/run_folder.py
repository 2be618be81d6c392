"""The folder of one training: configuration, manifest, results, checkpoint. Files are replaced atomically."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock, Timeout

from config.version import software_versions
from dataset.files import replacing, write_atomically
from dataset.problems import Problem
from dataset.schema import DEFAULT_CLASSES
from model import run_files
from model.data.packed_frames import PackedFrames
from model.settings import TrainSettings
from model.training.arguments import Arguments

LEFT_OUT = {"excluded": "frames", "ignored": "parts of frames"}  # by what names it in the manifest


class RunFolder:
    """Files of one training; the folder is made if missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.checkpoint = path / run_files.CHECKPOINT
        self.last, self.best = path / run_files.LAST, path / run_files.BEST
        self._results = path / run_files.RESULTS
        self._tensorboard: Any = None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out of the folder. Raises ValueError if one is in it."""
        try:
            with FileLock(self.path / run_files.LOCK, blocking=False):
                yield
        except Timeout as error:
            raise ValueError(f"another process trains in {self.path}: wait for its end, or stop it") from error

    def remove_partial_files(self) -> None:
        """Remove the temporary files of models and checkpoints that a killed process was writing."""
        for file in (self.last, self.best, self.checkpoint):
            for partial in self.path.glob(f".{file.stem}-*"):
                partial.unlink(missing_ok=True)

    def write_configuration(self, arguments: Arguments, settings: TrainSettings) -> None:
        """Write settings and command line, from which the training can be resumed."""
        self._write_json(run_files.SETTINGS, asdict(settings))
        self._write_json(run_files.ARGUMENTS, asdict(arguments.to_keep()))

    def settings(self) -> dict[str, Any]:
        """Return the stored settings, nested. Raises OSError."""
        return self._read_json(run_files.SETTINGS)

    def write_problems(self, problems: Sequence[Problem]) -> Path:
        """Write a line for each problem of the data, and return the file."""
        path = self.path / run_files.PROBLEMS
        write_atomically(path, "".join(f"{each.kind}: {each}\n" for each in problems))
        return path

    def write_manifest(self, parts: Mapping[str, PackedFrames | None]) -> None:
        """Write which frames each part ("train", "validation") has, and the versions of all software.

        Raises ValueError if the training is resumed and these are not the frames that it began with.
        """
        self._write_json(run_files.VERSIONS, software_versions())
        manifest = {part: _describe(frames) for part, frames in parts.items() if frames is not None}
        if self.checkpoint.exists() and (changes := _changes(self._read_json(run_files.MANIFEST), manifest)):
            raise ValueError(
                f"the frames are not those that this training began with: {changes}. Restore them, or start another"
                f" training from this one's model: --init {self.last}"
            )
        self._write_json(run_files.MANIFEST, manifest)

    def append_results(self, row: Mapping[str, float]) -> None:
        """Append an epoch to the results. Later epochs, which a resumed training repeats, are removed."""
        rows = [old for old in self.results() if float(old["epoch"]) < row["epoch"]]
        rows.append({key: f"{value:.5g}" if isinstance(value, float) else str(value) for key, value in row.items()})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(dict.fromkeys(key for line in rows for key in line)))
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self._results, text.getvalue())
        if self._tensorboard is not None:
            for key, value in row.items():
                self._tensorboard.add_scalar(key.replace(" ", "_"), float(value), int(row["epoch"]))
            self._tensorboard.flush()

    def results(self) -> list[dict[str, str]]:
        """Return the rows of the results, one for each epoch."""
        return run_files.read_results(self.path)

    def log_to_tensorboard(self) -> None:
        """Write results for TensorBoard from now on, too. Raises ValueError if it is not installed."""
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise ValueError(
                f"--tensorboard needs a package that is not installed ({error.name}): pip install tensorboard"
            ) from error
        self._tensorboard = Writer(str(self.path / run_files.TENSORBOARD))

    def save_checkpoint(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the state that `load_checkpoint` returns."""
        with replacing(self.checkpoint) as temporary, temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    def load_checkpoint(self) -> dict[str, np.ndarray]:
        """Return the newest state. Raises FileNotFoundError if there is none, ValueError if it is damaged."""
        try:
            with self.checkpoint.open("rb") as stream, np.load(stream) as arrays:
                return dict(arrays)
        except (EOFError, ValueError, BadZipFile) as error:
            raise ValueError(f"{self.checkpoint} is damaged ({error}): {run_files.REMEDY}") from error

    def _write_json(self, name: str, content: object) -> None:
        write_atomically(self.path / name, json.dumps(content, indent=2))

    def _read_json(self, name: str) -> dict[str, Any]:
        return run_files.read_object(self.path / name)


def _describe(frames: PackedFrames) -> dict[str, Any]:
    """Return the frames of one part: how many of each recording, which are excluded, and what tells each apart.

    That is the SHA-256 of each image by name, for messages, and a list of all ids, which depend on the masks, too. Of
    ignored parts of frames it is the row, the box and the label.
    """
    pairs = [each.pair for each in frames.sources]
    names = [f"{pair.recording}/{pair.name}" for pair in pairs]
    return {
        "recordings": Counter(pairs[row].recording for row in frames.usable),
        "excluded": [names[row] for row in sorted(frames.excluded)],
        "images": dict(zip(names, frames.hashes, strict=True)),
        "frames": frames.names,
        "ignored": [[row, *each.box, each.label] for row, boxes in sorted(frames.ignored.items()) for each in boxes],
        **({} if frames.classes == DEFAULT_CLASSES else {"classes": str(frames.classes)}),
    }


def _changes(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return how the frames of two manifests differ, for a message; empty if they do not."""
    found = []
    for part in sorted(before.keys() | after.keys()):
        was, now = before.get(part, {}), after.get(part, {})
        differ = {key for key in was.keys() & now.keys() if was[key] != now[key]}  # earlier versions stored fewer
        classes = [each.get("classes", str(DEFAULT_CLASSES)) for each in (was, now)]
        if classes[0] != classes[1]:
            found.append(f"{part}: the classes are {classes[1]}, and were {classes[0]}")
        old, new = was.get("images", {}), now.get("images", {})
        changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
        differences = (new.keys() - old.keys(), "new"), (old.keys() - new.keys(), "gone"), (changed, "changed")
        found += [f"{part}: {len(names)} {how}, e.g. {min(names)}" for names, how in differences if names]
        if old != new:
            continue
        if "frames" in differ:
            count = sum(one != other for one, other in zip_longest(was["frames"], now["frames"]))
            found.append(f"{part}: {count} with another mask, or another image of the same name")
        else:
            found += [f"{part}: other {what} are left out" for key, what in LEFT_OUT.items() if key in differ]
    return "; ".join(found)
