"""Pack labelled frames: decode, check and scale each one once, find its people, and store all in memory-mapped arrays.

A set is packed into a cache folder that is named by the set's content, so that the next training starts at once.
"""

import errno
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.checks import inspect_pair
from dataset.files import sync
from dataset.images import resize_bilinear
from dataset.masks.labels import class_areas
from dataset.pairs import Pair, classes_of
from dataset.problems import Problem
from dataset.schema import DEFAULT_CLASSES, HERO, PEOPLE
from model.data.packed_frames import AREAS, CHECKS, IMAGES, LABELS, PERSONS, PackedFrames, Person
from model.data.prefetch import prefetch
from model.data.sources import SourceFrame
from model.settings import Size, shape_of

FORMAT = 8  # of a cache folder
FILES = (IMAGES, LABELS, AREAS, PERSONS, CHECKS)  # the last one makes it complete
MIN_PERSON_PIXELS, MAX_PERSON_PIXELS = 12, 6000  # of a connected region that counts as one person
ABANDONED_SECONDS = 24 * 3600  # age of an unfinished folder whose process is surely gone
AHEAD = 32  # pairs
SIZE_TOLERANCE = 0.05  # by which the height or width of a frame may differ from that of most


def pack(
    sources: Sequence[SourceFrame],
    cache: Path,
    size: Size = 256,
    progress: Callable[[Sequence[Pair]], Iterable[Pair]] = iter,
) -> PackedFrames:
    """Decode and check the frames, and pack them into a folder below `cache`, unless it is there already.

    Frames are scaled to `size`. One with a problem keeps its row, which stays empty, and is excluded; those that could
    not be read are tried again the next time. `progress` wraps the iteration over pairs, to show a bar. Raises
    DatasetError if their classes differ, OSError if the disk is full.
    """
    pairs = [each.pair for each in sources]
    folder = cache / _fingerprint(pairs, shape_of(size))
    if not _is_packed(folder, sources):
        cache.mkdir(parents=True, exist_ok=True)
        for unfinished in cache.glob("packing-*"):  # younger ones may belong to another process
            with suppress(FileNotFoundError):  # finished in this moment
                if time.time() - unfinished.stat().st_mtime > ABANDONED_SECONDS:
                    shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="packing-") as temporary:
            _write(Path(temporary), pairs, shape_of(size), progress)
            folder.mkdir(exist_ok=True)
            for name in FILES:
                sync(Path(temporary) / name)
                os.replace(Path(temporary) / name, folder / name)
    frames = PackedFrames(folder, tuple(sources))
    return frames.exclude(frames.problems)


def _is_packed(folder: Path, sources: Sequence[SourceFrame]) -> bool:
    """Return whether a folder has all the frames. A file that could not be read may be repaired and keep its stamp."""
    if not (folder / CHECKS).exists():
        return False
    problems = PackedFrames(folder, tuple(sources)).problems
    unreadable = [sources[row].pair for row, problem in problems.items() if problem.kind == "unreadable"]
    return all(inspect_pair(pair)[-1] is not None for pair in unreadable)


def _fingerprint(pairs: Sequence[Pair], size: tuple[int, int]) -> str:
    digest = sha256(f"{FORMAT} {'x'.join(map(str, dict.fromkeys(size)))}\n".encode())
    for pair in pairs:
        for source in (pair.image, pair.mask):
            try:
                digest.update(f"{source.stamp()}\n".encode(errors="surrogateescape"))
            except OSError:  # a broken link: a problem that is found when it is read
                continue
        meaning, classes = pair.colours, pair.colours.classes
        parts = classes.names, classes.target, meaning.values, meaning.ignored, meaning.are_numbers, meaning.any_shade
        digest.update(f"{parts}\n".encode())
    return digest.hexdigest()[:16]


def _write(
    folder: Path, pairs: Sequence[Pair], size: tuple[int, int], progress: Callable[[Sequence[Pair]], Iterable[Pair]]
) -> None:
    count, classes = len(pairs), classes_of(pairs)
    images = _reserve(folder / IMAGES, (count, *size, 3))
    labels = _reserve(folder / LABELS, (count, *size))
    areas = np.zeros((count, len(classes)), np.int32)
    hashes: list[str] = []
    names: list[str] = []
    problems: dict[int, Problem] = {}
    shapes: list[tuple[int, ...] | None] = []
    people: list[Person] = []
    with ThreadPoolExecutor(2) as pool:  # decoding and hashing release the lock
        inspected = prefetch(pool, inspect_pair, progress(pairs), AHEAD)
        for row, (digest, name, image, label, problem) in enumerate(inspected):
            hashes.append(digest)
            names.append(name)
            shapes.append(None if image is None else image.shape[:2])
            if problem is not None:
                problems[row] = problem
                continue
            assert image is not None  # as long as there is no problem
            assert label is not None
            if label.shape != size:
                image = resize_bilinear(image, size)
                label = cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
            images[row], labels[row] = image, label
            areas[row] = class_areas(label, classes)
            if classes == DEFAULT_CLASSES:
                people += _find_people(row, label)
    images.flush()
    labels.flush()
    np.save(folder / AREAS, areas)
    np.save(folder / PERSONS, np.array(people, np.int32).reshape(-1, len(Person._fields)))
    problems = _unusual_sizes(pairs, shapes) | problems
    found = {row: (each.kind, each.file, each.reason) for row, each in sorted(problems.items())}
    (folder / CHECKS).write_text(json.dumps({"hashes": hashes, "frames": names, "problems": found}), encoding="utf-8")


def _reserve(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Make an array on disk. Its space is allocated at once: a full disk would kill the process later."""
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


def _unusual_sizes(pairs: Sequence[Pair], shapes: Sequence[tuple[int, ...] | None]) -> dict[int, Problem]:
    """Return a problem for each frame that differs in size from most, usually not one of this dataset.

    Frames of cameras that are rectified differ by a few pixels, such as KITTI's.
    """
    usual = Counter(shape for shape in shapes if shape).most_common(1)
    if not usual:
        return {}
    rows, columns = usual[0][0]
    return {
        row: Problem("size", str(pairs[row].image), f"{shape[1]}x{shape[0]}; most frames are {columns}x{rows}")
        for row, shape in enumerate(shapes)
        if shape and max(abs(shape[0] / rows - 1), abs(shape[1] / columns - 1)) > SIZE_TOLERANCE
    }


def _find_people(frame: int, labels: np.ndarray) -> list[Person]:
    people = []
    for label in (PEOPLE, HERO):
        _, _, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=8)
        for left, top, width, height, area in stats[1:].tolist():
            if MIN_PERSON_PIXELS <= area <= MAX_PERSON_PIXELS:
                people.append(Person(frame, label, top, left, top + height, left + width, area))
    return people
