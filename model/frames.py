"""A training set in memory-mapped arrays: every frame decoded once, and where in it heroes and people are.

Frames of a set are packed into `images.npy` and `labels.npy` below a cache folder named by the content of the set, so
that worker processes share one copy and a second training starts at once.
"""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from model.dataset import DatasetError, Pair, labels_of, read_pair

HERO, PEOPLE = 2, 1
SMALL_HERO = 50  # pixels: below it a hero counts as far away
LEAST_INSTANCE, MOST_INSTANCE = 12, 6000  # pixels of a person that is worth copying


@dataclass(frozen=True)
class Frames:
    """A packed training set.

    Attributes:
        folder: where the arrays lie.
        runs: the run of each frame.
    """

    folder: Path
    runs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.runs)

    @cached_property
    def images(self) -> np.ndarray:
        """(n, height, width, 3) uint8 RGB, memory-mapped."""
        return np.load(self.folder / "images.npy", mmap_mode="r")

    @cached_property
    def labels(self) -> np.ndarray:
        """(n, height, width) uint8 class index, memory-mapped."""
        return np.load(self.folder / "labels.npy", mmap_mode="r")

    @cached_property
    def areas(self) -> np.ndarray:
        """(n, 3) pixels of each class in each frame."""
        return np.load(self.folder / "areas.npy")

    @cached_property
    def instances(self) -> np.ndarray:
        """(m, 7) connected people: frame, class, top, left, bottom, right, area; sorted by frame."""
        return np.load(self.folder / "instances.npy")

    def instances_of(self, frame: int) -> np.ndarray:
        """The rows of `instances` that lie in one frame."""
        first, last = np.searchsorted(self.instances[:, 0], [frame, frame + 1])
        return self.instances[first:last]

    @cached_property
    def copyable(self) -> dict[int, np.ndarray]:
        """Per class, the rows of `instances` that show a whole upright person of at least 40 pixels."""
        _, label, top, left, bottom, right, area = self.instances.T
        size = self.labels.shape[1]
        whole = (top > 0) & (left > 0) & (bottom < size) & (right < size)
        upright = (bottom - top) > 1.3 * (right - left)
        return {kind: np.flatnonzero((label == kind) & whole & upright & (area >= 40)) for kind in (PEOPLE, HERO)}

    @cached_property
    def kind(self) -> np.ndarray:
        """(n,) what a frame shows: 0 a far hero, 1 a near hero, 2 people but no hero, 3 nobody."""
        hero, people = self.areas[:, HERO], self.areas[:, PEOPLE]
        return np.select([(hero > 0) & (hero < SMALL_HERO), hero > 0, people > 0], [0, 1, 2], default=3)


def pack(
    pairs: Sequence[Pair], cache: Path, size: int = 256, progress: Callable[[Sequence[Pair]], Sequence[Pair]] = iter
) -> Frames:
    """The frames of `pairs`, packed below `cache` unless they already are.

    Args:
        pairs: what to pack, in this order.
        cache: folder that holds packed sets; made when missing.
        size: pixels, square, to which frames of another size are scaled; all must be square and of one size.
        progress: wraps the iteration, to show it.

    Raises DatasetError when a frame is not of the first one's size or cannot be read, naming it.
    """
    if not pairs:
        raise DatasetError("expected at least one labelled frame, got none")
    fingerprint = sha256(f"{size}\n".encode())
    for pair in pairs:
        source = pair.image.path.stat()
        fingerprint.update(f"{pair.image}|{pair.mask}|{source.st_size}|{source.st_mtime_ns}\n".encode())
    folder = cache / fingerprint.hexdigest()[:16]
    runs = tuple(pair.run for pair in pairs)
    if not (folder / "instances.npy").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="packing-") as partial:
            _write(Path(partial), pairs, size, progress)
            folder.mkdir(exist_ok=True)
            for name in ("images.npy", "labels.npy", "areas.npy", "source.json", "instances.npy"):
                os.replace(Path(partial) / name, folder / name)
    return Frames(folder, runs)


def _write(folder: Path, pairs: Sequence[Pair], size: int, progress) -> None:
    count = len(pairs)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, size, size, 3))
    labels = np.lib.format.open_memmap(folder / "labels.npy", "w+", np.uint8, (count, size, size))
    instances, expected = [], None
    for index, pair in enumerate(progress(pairs)):
        image, mask = read_pair(pair)
        expected = expected or image.shape[0]
        if not image.shape == mask.shape == (expected, expected, 3):
            raise DatasetError(
                f"{pair.image}: expected {expected}x{expected} pixels for image and mask, got"
                f" {image.shape[1]}x{image.shape[0]} and {mask.shape[1]}x{mask.shape[0]}"
            )
        label = labels_of(mask)
        if expected != size:
            image = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)  # as for inference
            label = cv2.resize(label, (size, size), interpolation=cv2.INTER_NEAREST)
        images[index], labels[index] = image, label
        instances += _people(index, labels[index])
    areas = np.stack([(labels[index][..., None] == np.arange(3)).sum(axis=(0, 1)) for index in range(count)])
    np.save(folder / "areas.npy", areas.astype(np.int32))
    np.save(folder / "instances.npy", np.array(instances, np.int32).reshape(-1, 7))
    (folder / "source.json").write_text(json.dumps([pair.name for pair in pairs]))
    images.flush()
    labels.flush()


def _people(index: int, labels: np.ndarray) -> list[tuple[int, ...]]:
    """The connected regions of hero and of people in one frame."""
    found = []
    for label in (PEOPLE, HERO):
        count, _, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=8)
        for left, top, width, height, area in stats[1:count]:
            if LEAST_INSTANCE <= area <= MOST_INSTANCE:
                found.append((index, label, top, left, top + height, left + width, area))
    return found
