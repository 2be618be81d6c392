"""The folder of one training: arguments, manifest, results, plots, checkpoint. It can be read at any moment.

Files are written beside their place and moved there: an interruption leaves the old or the new one, never a part.
"""

import csv
import json
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from PIL import Image

from config.version import VERSION
from dataset.files import replacing, write_atomically
from dataset.pairs import Pair
from model.data.packed_frames import Frames
from model.training import run_files
from model.training.validation import SIZE_NAMES

PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python-headless")


class RunFolderError(ValueError):
    """The run folder cannot be written as asked."""


class RunFolder:
    """One training's files below `path`."""

    def __init__(self, path: Path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.checkpoint, self.settings = path / run_files.CHECKPOINT, path / run_files.SETTINGS
        self._tensorboard = None
        self.last, self.best = path / run_files.LAST, path / run_files.BEST

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """For one training alone, while the block lasts, however that ends. RunFolderError while another has it."""
        try:
            with FileLock(self.path / run_files.LOCK, blocking=False):
                yield
        except Timeout as error:
            raise RunFolderError(f"another process trains in {self.path}: wait for its end, or stop it") from error

    def clear_leftovers(self) -> None:
        """Removes models that an interruption left half written beside their place."""
        for leftover in (*self.path.glob(".last-*.h5"), *self.path.glob(".best-*.h5")):
            leftover.unlink(missing_ok=True)

    def write_json(self, name: str, content: object) -> None:
        """One JSON file, indented."""
        write_atomically(self.path / name, json.dumps(content, indent=2, default=str))

    def read_json(self, name: str) -> dict:
        """A file that `write_json` wrote."""
        return json.loads((self.path / name).read_text(encoding="utf-8"))

    def write_text(self, name: str, text: str) -> None:
        """One text file."""
        write_atomically(self.path / name, text)

    def write_picture(self, name: str, rgb: np.ndarray) -> None:
        """One PNG of (height, width, 3) uint8 RGB."""
        with replacing(self.path / name) as temporary:
            Image.fromarray(rgb).save(temporary)

    def write_manifest(self, parts: dict[str, tuple[Sequence[Pair], Frames | None]]) -> None:
        """Which frames each part ("train", "validation") has, with the SHA-256 of each image, and what ran where.

        Raises RunFolderError when a training goes on and these are not the frames that it began with.
        """
        versions = {"follow-me": VERSION, "python": platform.python_version(), "platform": platform.platform()}
        for package in PACKAGES:
            try:
                versions[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
        self.write_json(run_files.VERSIONS, versions)
        manifest = {}
        for part, (pairs, frames) in parts.items():
            if frames is None:
                continue
            names = [f"{pair.recording}/{pair.name}" for pair in pairs]
            images = dict(zip(names, frames.hashes, strict=True))
            left_out = [names[row] for row in sorted(frames.left_out)]
            runs = Counter(pairs[row].recording for row in frames.used)
            manifest[part] = {"runs": runs, "left_out": left_out, "images": images}
        if self.checkpoint.exists() and (changes := _changes(self.read_json(run_files.MANIFEST), manifest)):
            raise RunFolderError(
                f"the frames are not those that this training began with: {changes}. Bring them back, or begin"
                f" another training from where this one is: --init {self.last}"
            )
        self.write_json(run_files.MANIFEST, manifest)

    def append_results(self, row: dict[str, float]) -> None:
        """One more line of results.csv."""
        file = self.path / run_files.RESULTS
        rows = self.results()
        # After a resume the epochs since the checkpoint are done again: their old lines go.
        rows = [old for old in rows if float(old["epoch"]) < row["epoch"]]
        rows.append({key: f"{value:.5g}" if isinstance(value, float) else str(value) for key, value in row.items()})
        columns = list(dict.fromkeys(key for line in rows for key in line))
        with replacing(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(rows)
        if self._tensorboard is not None:
            for key, value in row.items():
                self._tensorboard.add_scalar(key.replace(" ", "_"), float(value), int(row["epoch"]))
            self._tensorboard.flush()

    def log_to_tensorboard(self) -> None:
        """From now on writes the figures for TensorBoard too. RunFolderError when it is not installed."""
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise RunFolderError(
                f"--tensorboard needs a package that is not installed ({error.name}): pip install tensorboard"
            ) from error
        self._tensorboard = Writer(str(self.path / run_files.TENSORBOARD))

    def results(self) -> list[dict[str, str]]:
        """The lines of results.csv so far."""
        file = self.path / run_files.RESULTS
        if not file.exists():
            return []
        with file.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    def save_checkpoint(self, arrays: dict[str, np.ndarray]) -> None:
        """All that `load_checkpoint` gives back."""
        with replacing(self.checkpoint) as temporary:
            np.savez(temporary, **arrays)

    def load_checkpoint(self) -> dict[str, np.ndarray]:
        """The newest state. FileNotFoundError when there is none."""
        with np.load(self.checkpoint) as arrays:
            return dict(arrays)

    def plot(self) -> None:
        """results.png: losses of training and validation, hero IoU of both, by size, recall and false heroes."""
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        rows = self.results()
        if not rows:
            return
        figure, (losses, training, overlap, recall) = plt.subplots(1, 4, figsize=(20, 4.2), layout="constrained")

        def curve(axes, key, label=None, **style):
            points = [(float(row["minutes"]), float(row[key])) for row in rows if row.get(key) not in (None, "", "nan")]
            if points:
                axes.plot(*zip(*points, strict=True), label=label or key, **style)

        curve(losses, "loss", "training: all terms, a sample", color="grey")
        measured = losses.twinx()  # other terms on other frames: the scales have nothing to do with each other
        curve(measured, "cross_entropy", "validation: cross-entropy, a pixel (right)", color="tab:red")
        curve(overlap, "score", color="black", linewidth=2)
        curve(training, "hero_iou_train", "all", color="grey", linestyle="--")
        for name in SIZE_NAMES:
            curve(training, f"hero_iou_train {name}", name)
            curve(overlap, f"iou {name}")
            curve(recall, f"recall {name}")
        curve(recall, "false_heroes", color="red", linestyle="--")
        for axes, title in (
            (losses, "loss"),
            (training, "training: IoU of the hero, by its pixels"),
            (overlap, "validation: IoU of the hero, by its pixels"),
            (recall, "validation: found"),
        ):
            axes.set(title=title, xlabel="minutes", ylim=(0, None))
            axes.grid(alpha=0.3)
            if axes.lines:
                axes.legend(fontsize="small")
        losses.legend(handles=[*losses.lines, *measured.lines], fontsize="small")
        measured.set(ylim=(0, None), visible=bool(measured.lines))
        with replacing(self.path / run_files.CURVES) as temporary:
            figure.savefig(temporary, dpi=110)
        plt.close(figure)


def _changes(before: dict, after: dict) -> str:
    """Which frames are different between two manifests; empty when none is."""
    told = []
    for part in sorted(before.keys() | after.keys()):
        old, new = (manifest.get(part, {}).get("images", {}) for manifest in (before, after))
        changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
        for names, what in ((new.keys() - old.keys(), "new"), (old.keys() - new.keys(), "gone"), (changed, "changed")):
            if names:
                told.append(f"{part}: {len(names)} {what}, e.g. {min(names)}")
    return "; ".join(told)
