"""Label Studio's JSON export: brushes in its own run-length code, and polygons, each with its classes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
import numpy as np
from pydantic import TypeAdapter, ValidationError

from dataset.exchange.frames import ExchangedFrame, ImageFolder, frame_of_regions
from dataset.recordings.layout import RecordingError

MAX_PIXELS = 1 << 26  # of an image: a damaged code must not fill the memory
MASKS = ("brushlabels", "polygonlabels")  # types of regions
ANSWERS = ("choices", "textarea", "rating", "number", "taxonomy", "datetime", "pairwise", "ranker")  # about a region
IMAGE_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
SHAPE = {"rle", "points", "vertices", "x", "imageDataURL"}  # values of which one at least says where a region is


@dataclass(frozen=True)
class Result:
    """A region of an annotation."""

    type: str
    value: dict[str, Any]
    original_width: int = 0
    original_height: int = 0


@dataclass(frozen=True)
class Annotation:
    """What one person has drawn in an image; skipped ones are cancelled."""

    result: list[Result]
    was_cancelled: bool = False


@dataclass(frozen=True)
class Task:
    """An image with its annotations."""

    id: int
    data: dict[str, Any]
    annotations: list[Annotation]


def read_label_studio(data: bytes, origin: object) -> list[Task]:
    """Return the tasks of an export. Raises RecordingError that names `origin`."""
    try:
        return _ADAPTER.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        hint = "; export JSON, not JSON-MIN" if key.endswith(("annotations", "data")) else ""
        raise RecordingError(f"{origin} is not Label Studio's JSON export: {key}: {first['msg']}{hint}") from error


def category_names(tasks: Sequence[Task]) -> list[str]:
    """Return the names of all classes that regions have."""
    regions = (result for task in tasks if (counted := _counted(task)) for result in counted.result)
    return sorted({name for result in regions for name in _names(result)})


def label_studio_frames(
    tasks: Sequence[Task], classes: Mapping[str, int], images: ImageFolder
) -> Iterator[ExchangedFrame]:
    """Yield the frames that were annotated.

    Of several people's annotations, the last that was not skipped counts. Raises RecordingError for what does not fit.
    """
    for task in tasks:
        if (counted := _counted(task)) is None:
            continue
        name = image_name(task.id, task.data)
        data, size = images.read(name)
        drawn = (
            (classes[category], _mask(result, size, task)) for result in counted.result for category in _names(result)
        )
        yield frame_of_regions(name, data, size, drawn)


def _counted(task: Task) -> Annotation | None:
    """Return the annotation of a task that counts: of several people's, the last that was not skipped."""
    return next((each for each in reversed(task.annotations) if not each.was_cancelled), None)


def decode_rle(code: Sequence[int]) -> np.ndarray:
    """Return the bytes (n,) uint8 of Label Studio's run-length code, a list of bytes. Raises ValueError.

    A stream of bits: 32 for n, 5 for the size of a word less one, four times 4 for the sizes of lengths less one; then
    runs: 1 bit whether one word is repeated, 2 which size the length has, the length less one, and the word or words.
    """
    bits = "".join(f"{byte:08b}" for byte in np.array(code, np.uint8).tobytes())
    place = 0

    def read(count: int) -> int:
        nonlocal place
        part = bits[place : place + count]
        if len(part) < count:
            raise ValueError("the code ends too early")
        place += count
        return int(part, 2)

    length, word = read(32), read(5) + 1
    sizes = [read(4) + 1 for _ in range(4)]
    if length > 4 * MAX_PIXELS or word != 8:
        raise ValueError(f"it has {length} words of {word} bits")
    values = np.zeros(length, np.uint8)
    start = 0
    while start < length:
        repeated = read(1)
        end = start + 1 + read(sizes[read(2)])
        if end > length:
            raise ValueError("a run is too long")
        if repeated:
            values[start:end] = read(word)
        else:
            values[start:end] = [read(word) for _ in range(end - start)]
        start = end
    return values


def _names(result: Result) -> list[str]:
    if result.type not in MASKS:
        if result.type not in ANSWERS and SHAPE & result.value.keys():
            raise RecordingError(f"expected regions of {' and '.join(MASKS)}, got {result.type}")
        return []
    names = result.value.get(result.type)
    if not isinstance(names, list) or not names:
        raise RecordingError(f"expected a class for each region of {result.type}, but one has none")
    return [str(name) for name in names]


def _mask(result: Result, size: tuple[int, int], task: Task) -> np.ndarray:
    """Return the pixels of a region, (height, width) bool. Raises RecordingError."""
    height, width = size
    if (result.original_height, result.original_width) != size:
        annotated = f"{result.original_height}x{result.original_width}"
        raise RecordingError(
            f"task {task.id} was annotated on an image of {annotated} pixels, its image has {height}x{width}"
        )
    value, mask = result.value, np.zeros(size, np.uint8)
    try:
        if value.get("format") == "rle":
            alpha = decode_rle(value["rle"]).reshape(height, width, 4)[..., 3]
            return np.asarray(alpha > 0)
        corners = np.array(value["points"], float) / 100 * (width, height) - 0.5  # given in percent
        fixed = np.rint(corners * 256).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 1, shift=8)
        return mask.astype(bool)
    except (KeyError, TypeError, ValueError, OverflowError, cv2.error) as error:
        raise RecordingError(
            f"task {task.id} has a region of type {result.type} that cannot be read: {error}"
        ) from error


def image_name(task: int, data: Mapping[str, object]) -> str:
    """Return the name of a task's image file, with its folders, by the task's data. Raises RecordingError."""
    paths = []
    for value in data.values():
        parts = urlsplit(value if isinstance(value, str) else "")
        paths.append(PurePosixPath(parse_qs(parts.query).get("d", [unquote(parts.path)])[0]))  # ?d= of local files
    named = [path for path in paths if path.suffix]
    for path in [path for path in named if path.suffix.lower() in IMAGE_SUFFIXES] + named:
        return str(path).lstrip("/")
    raise RecordingError(f"task {task} names no image file: its data are {json.dumps(data)[:100]}")


_ADAPTER = TypeAdapter(list[Task])
