"""A training set in memory-mapped arrays: every frame decoded once, and where in it heroes and people are.

Frames of a set are checked and packed into `images.npy` and `labels.npy` below a cache folder named by the content of
the set, so that worker processes share one copy and a second training starts at once.
"""

import errno
import json
import os
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from dataset.archives import DatasetError
from dataset.checks import inspect_pair
from dataset.masks import labels_of_mask
from dataset.pairs import Pair, Problem
from dataset.resize import resize_bilinear
from dataset.schema import HERO, PEOPLE

SMALL_HERO = 50  # pixels: below it a hero counts as far away
LEAST_INSTANCE, MOST_INSTANCE = 12, 6000  # pixels of a person that is worth copying


@dataclass(frozen=True)
class Frames:
    """A packed training set.

    Attributes:
        folder: where the arrays lie.
        runs: the run of each frame.
        weights: how often each frame is drawn, and copied from, relative to others.
        left_out: frames that are not to be used; nothing of them is drawn, copied or measured.
    """

    folder: Path
    runs: tuple[str, ...]
    weights: tuple[float, ...]
    left_out: frozenset[int] = frozenset()

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
    def _checked(self) -> dict:
        return json.loads((self.folder / "checked.json").read_text(encoding="utf-8"))

    @property
    def hashes(self) -> list[str]:
        """The SHA-256 of each image file, "" where it could not be read."""
        return self._checked["hashes"]

    @property
    def digests(self) -> np.ndarray:
        """(m,) uint64: what the hashes of the frames that are used begin with, enough to know them again."""
        return np.array([int(self.hashes[row][:16], 16) for row in self.used], np.uint64)

    @property
    def problems(self) -> dict[int, Problem]:
        """What is wrong with the files of single frames, by frame."""
        return {int(index): Problem(*fields) for index, fields in self._checked["problems"].items()}

    @cached_property
    def used(self) -> np.ndarray:
        """(m,) the frames that are not left out, ascending."""
        return np.array([index for index in range(len(self)) if index not in self.left_out], int)

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
        return self.instances[self._firsts[frame] : self._firsts[frame + 1]]

    @cached_property
    def _firsts(self) -> np.ndarray:
        """(n + 1,) the row of `instances` that each frame begins at."""
        return np.searchsorted(self.instances[:, 0], np.arange(len(self) + 1))

    @cached_property
    def copyable(self) -> dict[int, "Bodies"]:
        """Per class, who can be copied into other frames: whole upright people of at least 40 pixels."""
        frame, label, top, left, bottom, right, area = self.instances.T
        size = self.labels.shape[1]
        whole = (top > 0) & (left > 0) & (bottom < size) & (right < size)
        upright = (bottom - top) > 1.3 * (right - left)
        fit = whole & upright & (area >= 40) & np.isin(frame, self.used)
        weights = np.asarray(self.weights)[frame]
        bodies = {}
        for kind in (PEOPLE, HERO):
            rows = np.flatnonzero((label == kind) & fit)
            rows = rows[np.argsort((bottom - top)[rows], kind="stable")]
            bodies[kind] = Bodies(rows, (bottom - top)[rows], np.cumsum(weights[rows]))
        return bodies

    @cached_property
    def kind(self) -> np.ndarray:
        """(n,) what a frame shows: 0 a far hero, 1 a near hero, 2 people but no hero, 3 nobody."""
        hero, people = self.areas[:, HERO], self.areas[:, PEOPLE]
        return np.select([(hero > 0) & (hero < SMALL_HERO), hero > 0, people > 0], [0, 1, 2], default=3)


@dataclass(frozen=True)
class Bodies:
    """People to copy, by height: rows of `instances`, pixels of height, and running totals of their frames' weights."""

    rows: np.ndarray
    heights: np.ndarray
    totals: np.ndarray

    def draw(self, least: float, most: float, random: np.random.Generator) -> int | None:
        """A row of somebody whose height is in least .. most, as often as the weights say; None where nobody is."""
        first, last = np.searchsorted(self.heights, [least, most])
        if first == last:
            return None
        before = self.totals[first - 1] if first else 0.0
        point = random.uniform(before, self.totals[last - 1])
        return self.rows[min(np.searchsorted(self.totals, point, side="right"), last - 1)]


def pack(
    pairs: Sequence[Pair], cache: Path, size: int = 256, progress: Callable[[Sequence[Pair]], Iterable[Pair]] = iter
) -> Frames:
    """The frames of `pairs`, packed below `cache` unless they already are, and checked on the way.

    Every file is read and decoded once. A frame with something wrong keeps its place, empty, and is in `problems`: so
    the packed set does not depend on what is done about it.

    Args:
        pairs: what to pack, in this order.
        cache: folder that holds packed sets; made when missing.
        size: pixels, square, to which frames of another size are scaled.
        progress: wraps the iteration, to show it.

    Raises DatasetError when there is nothing to pack.
    """
    if not pairs:
        raise DatasetError("expected at least one labelled frame, got none")
    fingerprint = sha256(f"3 {size}\n".encode())
    for pair in pairs:
        for source in (pair.image, pair.mask):
            stored = source.path.stat()
            fingerprint.update(f"{source}|{stored.st_size}|{stored.st_mtime_ns}\n".encode())
    folder = cache / fingerprint.hexdigest()[:16]
    if not (folder / "checked.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        for leftover in cache.glob("packing-*"):  # of a process that was killed; younger ones may be at work
            if time.time() - leftover.stat().st_mtime > 24 * 3600:
                shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="packing-") as partial:
            _write(Path(partial), pairs, size, progress)
            folder.mkdir(exist_ok=True)
            for name in ("images.npy", "labels.npy", "areas.npy", "instances.npy", "checked.json"):  # the last one last
                os.replace(Path(partial) / name, folder / name)
    return Frames(folder, tuple(pair.recording for pair in pairs), weights=(1.0,) * len(pairs))


def _write(folder: Path, pairs: Sequence[Pair], size: int, progress) -> None:
    count = len(pairs)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, size, size, 3))
    labels = np.lib.format.open_memmap(folder / "labels.npy", "w+", np.uint8, (count, size, size))
    for array in (images, labels):
        _reserve(Path(array.filename))
    areas = np.zeros((count, 3), np.int32)
    hashes, problems, shapes, instances = [], {}, [], []
    for index, (digest, image, mask, problem) in enumerate(_read_ahead(progress(pairs))):
        hashes.append(digest)
        shapes.append(image.shape[:2] if image is not None else None)
        if problem is not None:
            problems[index] = problem
            continue
        label = labels_of_mask(mask)
        if label.shape != (size, size):
            image = resize_bilinear(image, (size, size))
            label = cv2.resize(label, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
        images[index], labels[index] = image, label
        areas[index] = np.bincount(label.reshape(-1), minlength=3)
        instances += _people(index, label)
    problems = _odd_sizes(pairs, shapes) | problems
    np.save(folder / "areas.npy", areas)
    np.save(folder / "instances.npy", np.array(instances, np.int32).reshape(-1, 7))
    found = {index: (each.kind, each.file, each.reason) for index, each in sorted(problems.items())}
    (folder / "checked.json").write_text(json.dumps({"hashes": hashes, "problems": found}), encoding="utf-8")
    images.flush()
    labels.flush()


def _read_ahead(pairs: Iterable[Pair]) -> Iterator[tuple]:
    """`inspect_pair` of each, in order, on two threads: decoding and hashing leave Python's lock."""
    with ThreadPoolExecutor(2) as pool:
        waiting = deque()
        for pair in pairs:
            waiting.append(pool.submit(inspect_pair, pair))
            if len(waiting) > 32:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _odd_sizes(pairs: Sequence[Pair], shapes: Sequence[tuple[int, int] | None]) -> dict[int, Problem]:
    """Frames that are not of the size that most frames have: usually a picture that strayed in."""
    usual = Counter(shape for shape in shapes if shape).most_common(1)
    if not usual:
        return {}
    rows, columns = usual[0][0]
    return {
        index: Problem("size", str(pairs[index].image), f"{shape[1]}x{shape[0]}; most frames are {columns}x{rows}")
        for index, shape in enumerate(shapes)
        if shape and shape != (rows, columns)
    }


def _reserve(file: Path) -> None:
    """Takes the room on the disk. A page of a memory map that finds none later kills the process, without a word."""
    if not hasattr(os, "posix_fallocate"):
        return
    size = file.stat().st_size
    try:
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, size)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # else: a file system that cannot
            raise OSError(
                error.errno,
                f"decoded frames need {size / 1e9:.1f} GB here: make room, or choose another place with --cache",
                str(file.parent.parent),
            ) from error


def _people(index: int, labels: np.ndarray) -> list[tuple[int, ...]]:
    """The connected regions of hero and of people in one frame."""
    found = []
    for label in (PEOPLE, HERO):
        count, _, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=8)
        for left, top, width, height, area in stats[1:count]:
            if LEAST_INSTANCE <= area <= MOST_INSTANCE:
                found.append((index, label, top, left, top + height, left + width, area))
    return found
