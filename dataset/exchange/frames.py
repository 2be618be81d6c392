"""Labelled frames on their way to the format of another program, or from one."""

import codecs
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from dataset.images import decode_image
from dataset.pairs import Pair, read_labels
from dataset.recordings.layout import RecordingError
from dataset.schema import BACKGROUND, CLASSES

LABELLED = tuple(label for label in range(len(CLASSES)) if label != BACKGROUND)
_UPLOADED = re.compile("^[0-9a-f]{8}-")
_FILES = ("frame", "image", "depth")  # keys of frames.jsonl


@dataclass(frozen=True, eq=False)
class ExchangedFrame:
    """One frame."""

    name: str  # of its image file; a folder may be before it
    image: bytes  # JPEG or PNG
    labels: np.ndarray  # (height, width) uint8, the class of each pixel
    attributes: Mapping[str, Any] = field(default_factory=dict)  # of frames.jsonl, without the names of files
    overlaps: bool = False  # whether regions of different classes covered each other


def read_json(file: Path) -> bytes:
    """Return what a JSON file holds, without the mark that editors of Windows begin files with. Raises OSError."""
    return file.read_bytes().removeprefix(codecs.BOM_UTF8)


class ImageFolder:
    """The images of annotations, in a folder or below it."""

    def __init__(self, folder: Path):
        """List the files. Raises RecordingError if there is no such folder."""
        if not folder.is_dir():
            raise RecordingError(f"expected the folder of the images, but there is no folder {folder}")
        self._folder = folder
        self._files = defaultdict[str, list[Path]](list)
        for path in folder.rglob("*"):
            self._files[path.name].append(path)
        self._names: dict[Path, str] = {}  # of the images that were found, in the annotations

    def find(self, name: str) -> Path:
        """Return an image file by its name in the annotations, which may have other folders before it, or fewer.

        Label Studio puts eight characters before the names of uploaded files. Raises RecordingError, also for a file
        that another name was found to be: one of the two would get the other's labels.
        """
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..")]
        path = self._find(parts, name)
        if (other := self._names.setdefault(path, name)) != name:
            raise RecordingError(
                f"{path} is the only image for both {other} and {name} of the annotations: name a folder that has"
                " both, --images DIR"
            )
        return path

    def _find(self, parts: list[str], name: str) -> Path:
        path = self._folder.joinpath(*parts)
        if path.is_file():
            return path
        if parts and parts[-1] not in self._files:
            parts = [*parts[:-1], _UPLOADED.sub("", parts[-1])]
        found = self._files.get(parts[-1], []) if parts else []
        shared = [_shared_end(path.parts, parts) for path in found]
        found = [path for path, count in zip(found, shared, strict=True) if count == max(shared)]
        if len(found) != 1:
            raise RecordingError(f"expected the image {name} in {self._folder}, found {len(found)} of that name")
        return found[0]

    def read(self, name: str) -> tuple[bytes, tuple[int, int]]:
        """Return an image file's contents, and (height, width). Raises RecordingError, DatasetError, OSError."""
        file = self.find(name)
        data = file.read_bytes()
        height, width = decode_image(data, file).shape[:2]
        return data, (height, width)

    def names(self) -> Iterator[str]:
        """Yield the names of all files."""
        yield from self._files


def frame_of_regions(
    name: str,
    image: bytes,
    size: tuple[int, int],
    regions: Iterable[tuple[int, np.ndarray]],
    attributes: Mapping[str, Any] | None = None,
) -> ExchangedFrame:
    """Return a frame of (height, width) `size` with regions: the class and mask, (height, width) bool, of each.

    Where regions overlap, the higher class stays: the hero.
    """
    labels, overlaps = np.full(size, BACKGROUND, np.uint8), False
    for label, mask in regions:
        below = labels[mask]
        overlaps |= bool(((below != label) & (below != BACKGROUND)).any()) and label != BACKGROUND
        labels[mask] = np.maximum(below, label)
    return ExchangedFrame(name, image, labels, attributes or {}, overlaps)


def read_frames(pairs: Sequence[Pair]) -> Iterator[ExchangedFrame]:
    """Yield the frames of a dataset or recording. Raises DatasetError, MaskError, OSError."""
    counts = Counter(_stem(pair) for pair in pairs)
    folders = _folder_names(pairs)
    for pair in pairs:
        name = pair.image.name
        line = json.loads(pair.record.to_line()) if pair.record else {}
        attributes = {key: value for key, value in line.items() if key not in _FILES}
        folder = f"{folders[_place(pair)]}/" if counts[_stem(pair)] > 1 else ""
        yield ExchangedFrame(folder + name, pair.image.read(), read_labels(pair), attributes)


def regions(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield class and mask, (height, width) bool, of each connected region of people and hero: an object each."""
    for label in LABELLED:
        count, numbers = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=8)
        for number in range(1, count):
            yield label, numbers == number


def write_file(path: Path, data: bytes) -> None:
    """Write a new file, and the folders that it lies in. Raises OSError, also for a file that is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)


def _stem(pair: Pair) -> str:
    """Return what the name of a frame's mask has before its suffix, as file systems compare it."""
    return PurePosixPath(pair.image.name).stem.casefold()


def _place(pair: Pair) -> tuple[str, object]:
    return pair.recording, pair.image.folder


def _folder_names(pairs: Iterable[Pair]) -> dict[tuple[str, object], str]:
    """Return a folder's name for each place that frames are from, no two alike on any file system."""
    names: dict[tuple[str, object], str] = {}
    taken = set[str]()
    for place in dict.fromkeys(map(_place, pairs)):
        plain = name = place[0].replace("/", "-")
        for number in itertools.count(2):
            if name.casefold() not in taken:
                break
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names[place] = name
    return names


def _shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts are the same at the ends of two paths."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
