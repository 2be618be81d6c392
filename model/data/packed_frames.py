"""Training sets as memory-mapped arrays: every frame decoded and checked once, its people located.

A set is packed into a cache folder that is named by the set's content. Worker processes share one copy, and the next
training on the same frames starts at once.
"""

import errno
import json
import os
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from dataset.archives import DatasetError
from dataset.checks import inspect_pair
from dataset.masks import labels_of_mask
from dataset.pairs import Pair, Problem
from dataset.resize import resize_bilinear
from dataset.schema import CLASSES, FAR_PIXELS, HERO, PEOPLE, at_reference_size

FORMAT = 4  # of a cache folder
FILES = ("images.npy", "labels.npy", "areas.npy", "people.npy", "checked.json")  # the last one makes it complete
MIN_PERSON_PIXELS, MAX_PERSON_PIXELS = 12, 6000  # of a connected region that counts as one person
MIN_DONOR_PIXELS = 40
ABANDONED_SECONDS = 24 * 3600  # age of an unfinished folder whose process is surely gone


class FrameCategory(IntEnum):
    """What a frame shows; the strata of stratified sampling."""

    FAR_HERO = 0
    NEAR_HERO = 1
    PEOPLE = 2  # and no hero
    BACKGROUND = 3


class Person(NamedTuple):
    """A connected region of one class, and its bounding box in pixels; `bottom` and `right` are exclusive."""

    frame: int
    label: int
    top: int
    left: int
    bottom: int
    right: int
    area: int

    @property
    def height(self) -> int:
        """Height of the box, pixels."""
        return self.bottom - self.top

    @property
    def box(self) -> tuple[slice, slice]:
        """Index of the box in an image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class PackedFrames:
    """A packed set of labelled frames.

    Attributes:
        folder: where the arrays are.
        weights: how often each frame is drawn, and donates people, relative to the others.
        excluded: frames that must not be used: they are neither drawn nor measured, and donate no people.
    """

    folder: Path
    weights: tuple[float, ...]
    excluded: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def images(self) -> np.ndarray:
        """(n, height, width, 3) uint8 RGB, memory-mapped."""
        return _load(self.folder / "images.npy", "r")

    @cached_property
    def labels(self) -> np.ndarray:
        """(n, height, width) uint8 class indices, memory-mapped."""
        return _load(self.folder / "labels.npy", "r")

    @cached_property
    def areas(self) -> np.ndarray:
        """(n, classes) pixels of each class in each frame."""
        return _load(self.folder / "areas.npy")

    @cached_property
    def people(self) -> np.ndarray:
        """(m, 7) the fields of a `Person`, sorted by frame."""
        return _load(self.folder / "people.npy")

    @cached_property
    def _checked(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "checked.json").read_text(encoding="utf-8"))
        return content

    @property
    def hashes(self) -> tuple[str, ...]:
        """The SHA-256 of each image file, "" if it could not be read."""
        return tuple(self._checked["hashes"])

    @property
    def digests(self) -> np.ndarray:
        """(m,) uint64: the first 16 hexadecimal digits of the usable frames' hashes, enough to recognise them."""
        hashes = self.hashes
        return np.array([int(hashes[row][:16], 16) for row in self.usable], np.uint64)

    @property
    def problems(self) -> dict[int, Problem]:
        """What is wrong with the files of single frames, by frame."""
        return {int(row): Problem(*fields) for row, fields in self._checked["problems"].items()}

    @cached_property
    def usable(self) -> np.ndarray:
        """(m,) the frames that are not excluded, ascending."""
        return np.array([row for row in range(len(self)) if row not in self.excluded], int)

    def people_in(self, frame: int) -> list[Person]:
        """Return the people in one frame."""
        first, last = np.searchsorted(self.people[:, 0], [frame, frame + 1])
        return [Person(*row) for row in self.people[first:last].tolist()]

    @cached_property
    def donors(self) -> dict[int, "Donors"]:
        """People who can be pasted into other frames, by class: upright and not cut off by the frame's edge."""
        frame, label, top, left, bottom, right, area = self.people.T
        height, size = bottom - top, self.labels.shape[1]
        inside = (top > 0) & (left > 0) & (bottom < size) & (right < size)
        upright = height > 1.3 * (right - left)
        suitable = inside & upright & (area >= MIN_DONOR_PIXELS) & np.isin(frame, self.usable)
        weights = np.asarray(self.weights)[frame]
        donors = {}
        for each in (PEOPLE, HERO):
            rows = np.flatnonzero((label == each) & suitable)
            rows = rows[np.argsort(height[rows], kind="stable")]
            donors[each] = Donors(rows, height[rows], np.cumsum(weights[rows]))
        return donors

    @cached_property
    def categories(self) -> np.ndarray:
        """(n,) the `FrameCategory` of each frame."""
        hero, people = self.areas[:, HERO], self.areas[:, PEOPLE]
        far = (hero > 0) & (at_reference_size(hero, self.labels.shape[1:]) < FAR_PIXELS)
        shown = [far, hero > 0, people > 0]
        return np.select(shown, list(FrameCategory)[: len(shown)], default=FrameCategory.BACKGROUND)


@dataclass(frozen=True)
class Donors:
    """Rows of `PackedFrames.people` that can be pasted, by height in pixels, with running totals of their weights."""

    rows: np.ndarray
    heights: np.ndarray
    totals: np.ndarray

    def draw(self, min_height: float, max_height: float, random: np.random.Generator) -> int | None:
        """Return a row with a height in min_height <= height < max_height, as often as its weight says, or None."""
        first, last = np.searchsorted(self.heights, [min_height, max_height])
        if first == last:
            return None
        before = self.totals[first - 1] if first else 0.0
        point = random.uniform(before, self.totals[last - 1])
        return int(self.rows[min(np.searchsorted(self.totals, point, side="right"), last - 1)])


def pack(
    pairs: Sequence[Pair], cache: Path, size: int = 256, progress: Callable[[Sequence[Pair]], Iterable[Pair]] = iter
) -> PackedFrames:
    """Pack the frames of `pairs` into a folder below `cache`, unless it is there already, and check them.

    Every file is read and decoded once. A frame with a problem keeps its row, which stays empty, and is listed in
    `problems`: what is packed does not depend on whether such frames are accepted.

    Args:
        pairs: the frames, in this order.
        cache: the folder of all packed sets; made if missing.
        size: height and width to which frames of another size are scaled, pixels.
        progress: wraps the iteration over `pairs`, to show a progress bar.

    Raises DatasetError if there is nothing to pack, OSError if the disk is full.
    """
    if not pairs:
        raise DatasetError("expected at least one labelled frame, got none")
    folder = cache / _fingerprint(pairs, size)
    if not (folder / FILES[-1]).exists():
        cache.mkdir(parents=True, exist_ok=True)
        for unfinished in cache.glob("packing-*"):  # younger ones may belong to another process
            if time.time() - unfinished.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="packing-") as temporary:
            _write(Path(temporary), pairs, size, progress)
            folder.mkdir(exist_ok=True)
            for name in FILES:
                os.replace(Path(temporary) / name, folder / name)
    return PackedFrames(folder, weights=(1.0,) * len(pairs))


def _fingerprint(pairs: Sequence[Pair], size: int) -> str:
    digest = sha256(f"{FORMAT} {size}\n".encode())
    for pair in pairs:
        for source in (pair.image, pair.mask):
            stored = source.path.stat()
            digest.update(f"{source}|{stored.st_size}|{stored.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _load(path: Path, mode: Any = None) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode=mode)
    return array


def _write(
    folder: Path, pairs: Sequence[Pair], size: int, progress: Callable[[Sequence[Pair]], Iterable[Pair]]
) -> None:
    count = len(pairs)
    images = _reserve(folder / "images.npy", (count, size, size, 3))
    labels = _reserve(folder / "labels.npy", (count, size, size))
    areas = np.zeros((count, len(CLASSES)), np.int32)
    hashes: list[str] = []
    problems: dict[int, Problem] = {}
    shapes: list[tuple[int, ...] | None] = []
    people: list[Person] = []
    for row, (digest, image, mask, problem) in enumerate(_inspect_ahead(progress(pairs))):
        hashes.append(digest)
        shapes.append(None if image is None else image.shape[:2])
        if problem is not None:
            problems[row] = problem
            continue
        assert image is not None  # as long as there is no problem
        assert mask is not None
        label = labels_of_mask(mask)
        if label.shape != (size, size):
            image = resize_bilinear(image, (size, size))
            label = cv2.resize(label, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
        images[row], labels[row] = image, label
        areas[row] = np.bincount(label.reshape(-1), minlength=len(CLASSES))
        people += _find_people(row, label)
    images.flush()
    labels.flush()
    np.save(folder / "areas.npy", areas)
    np.save(folder / "people.npy", np.array(people, np.int32).reshape(-1, len(Person._fields)))
    problems = _unusual_sizes(pairs, shapes) | problems
    found = {row: (each.kind, each.file, each.reason) for row, each in sorted(problems.items())}
    (folder / "checked.json").write_text(json.dumps({"hashes": hashes, "problems": found}), encoding="utf-8")


def _reserve(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Make an array on the disk. Its space is taken at once: a memory map that finds none later kills the process."""
    array: np.memmap[Any, np.dtype[np.uint8]] = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):
        size = path.stat().st_size
        try:
            with path.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            if error.errno == errno.ENOSPC:  # otherwise the file system does not support it
                raise OSError(
                    error.errno,
                    f"decoded frames need {size / 1e9:.1f} GB here: make room, or choose another place with --cache",
                    str(path.parent.parent),
                ) from error
    return array


Inspected = tuple[str, np.ndarray | None, np.ndarray | None, Problem | None]


def _inspect_ahead(pairs: Iterable[Pair]) -> Iterator[Inspected]:
    """Yield `inspect_pair` of each pair in order, on two threads: decoding and hashing release the lock."""
    with ThreadPoolExecutor(2) as pool:
        pending: deque[Future[Inspected]] = deque()
        for pair in pairs:
            pending.append(pool.submit(inspect_pair, pair))
            if len(pending) > 32:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _unusual_sizes(pairs: Sequence[Pair], shapes: Sequence[tuple[int, ...] | None]) -> dict[int, Problem]:
    """Return a problem for each frame that differs in size from most: usually not one of this dataset."""
    usual = Counter(shape for shape in shapes if shape).most_common(1)
    if not usual:
        return {}
    rows, columns = usual[0][0]
    return {
        row: Problem("size", str(pairs[row].image), f"{shape[1]}x{shape[0]}; most frames are {columns}x{rows}")
        for row, shape in enumerate(shapes)
        if shape and shape != (rows, columns)
    }


def _find_people(frame: int, labels: np.ndarray) -> list[Person]:
    people = []
    for label in (PEOPLE, HERO):
        _, _, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=8)
        for left, top, width, height, area in stats[1:].tolist():
            if MIN_PERSON_PIXELS <= area <= MAX_PERSON_PIXELS:
                people.append(Person(frame, label, top, left, top + height, left + width, area))
    return people
