"""Label Studio's PNG export: a grey mask for each region, whose name says task, annotation, classes, but not the image.

task-7-annotation-12-by-ada@example.org-tag-Hero-0.png: "tag" is the name of the control that has drawn the region.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from dataset.archives import Source, walk
from dataset.exchange.categories import class_of_category
from dataset.exchange.frames import ExchangedFrame, ImageFolder, frame_of_regions, read_json
from dataset.exchange.label_studio import image_name
from dataset.masks.stored import decode_mask
from dataset.recordings.layout import RecordingError

EXAMPLE = "task-7-annotation-12-by-1-tag-Hero-0.png"
_NAME = re.compile(r"task-(\d+)-annotation-(\d+)-by-[^-]*-(.+-.+)-\d+\.png", re.IGNORECASE)
_IMAGE = re.compile(r"task-(\d+)\.(png|jpe?g)", re.IGNORECASE)


@dataclass(frozen=True)
class TaskMasks:
    """The masks of each task: of its last annotation, with the class of each."""

    masks: Mapping[int, list[tuple[int, Source]]]
    earlier: int  # masks of annotations that are not the last of their task


def holds_label_studio_masks(source: Path) -> bool:
    """Return whether a folder or zip has a file that is named as Label Studio does."""
    return any(_NAME.fullmatch(name) for _, files in walk(source) for name in files)


def find_task_masks(source: Path, names: Mapping[str, str]) -> TaskMasks:
    """Find the masks; `names` are classes by category. Raises RecordingError for other names and unknown classes."""
    found = defaultdict[int, dict[int, list[tuple[int, Source]]]](lambda: defaultdict(list))
    for _, files in walk(source):
        if not any(map(_NAME.fullmatch, files)):  # of images, for example
            continue
        for name, file in files.items():
            if _is_mask(name):
                task, annotation, categories = _parts(name, file)
                found[task][annotation].append((_class_of(categories, names, file), file))
    if not found:
        raise RecordingError(f"{source} has no mask named such as {EXAMPLE}: export brush labels to PNG")
    masks = {task: annotations[max(annotations)] for task, annotations in sorted(found.items())}
    total = sum(len(each) for annotations in found.values() for each in annotations.values())
    return TaskMasks(masks, total - sum(map(len, masks.values())))


def read_task_images(file: Path) -> dict[int, str]:
    """Return the names of images by task, of Label Studio's export JSON or JSON-MIN. Raises RecordingError, OSError."""
    try:
        tasks = _ADAPTER.validate_json(read_json(file))
        return {int(task["id"]): image_name(task["id"], task.get("data", task)) for task in tasks}
    except FileNotFoundError as error:
        raise RecordingError(f"expected Label Studio's export, but there is no file {file}") from error
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(
            f"{file}: expected Label Studio's export JSON or JSON-MIN, a list of tasks with id and image"
        ) from error


def named_by_task(images: ImageFolder) -> dict[int, str]:
    """Return the names of images by task, of those that are called such as task-7.jpg. Raises RecordingError."""
    found = {int(match[1]): name for name in images.names() if (match := _IMAGE.fullmatch(name))}
    if not found:
        raise RecordingError(
            "these masks name tasks, not images: give Label Studio's export JSON or JSON-MIN, --tasks FILE,"
            " or call the images such as task-7.jpg"
        )
    return found


def task_frames(found: TaskMasks, names: Mapping[int, str], images: ImageFolder) -> Iterator[ExchangedFrame]:
    """Yield the frame of each task. Raises RecordingError for what does not fit, DatasetError, OSError."""
    for task, masks in found.masks.items():
        if task not in names:
            raise RecordingError(f"{masks[0][1]}: no image is known for task {task}; --tasks FILE names it")
        data, size = images.read(names[task])
        drawn = ((label, _region(file, size, names[task])) for label, file in masks)
        yield frame_of_regions(names[task], data, size, drawn)


def _is_mask(name: str) -> bool:
    """Return whether a file beside masks is to be one, too: images may lie there, and what systems leave in folders."""
    return not name.startswith(".") and Path(name).suffix.lower() in (".png", ".npy") and not _IMAGE.fullmatch(name)


def _parts(name: str, file: Source) -> tuple[int, int, list[str]]:
    """Return task, annotation, and what is between hyphens of control and class. Raises RecordingError."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise RecordingError(f"{file} is named otherwise than the PNG export names masks: {EXAMPLE}")
    return int(match[1]), int(match[2]), match[3].split("-")


def _class_of(parts: list[str], names: Mapping[str, str], file: Source) -> int:
    """Return the class at the end of a control's name and a class, the longest that is known: both may have hyphens.

    Raises RecordingError.
    """
    for start in range(1, len(parts)):
        with suppress(RecordingError):
            return class_of_category("-".join(parts[start:]), names)
    try:
        return class_of_category("-".join(parts[1:]), names)
    except RecordingError as error:
        raise RecordingError(f"{file}: {error}") from error


def _region(file: Source, size: tuple[int, int], image: str) -> np.ndarray:
    """Return the pixels of a region, (height, width) bool. Raises RecordingError, DatasetError, OSError."""
    mask = decode_mask(file.read(), file)
    if mask.numbers is None:
        raise RecordingError(f"{file}: expected a grey mask, got colours")
    if mask.size != size:
        shown = " and ".join(f"{rows}x{columns}" for rows, columns in (mask.size, size))
        raise RecordingError(f"{file} and its image {image} have different sizes, {shown} pixels")
    return np.asarray(mask.numbers > 0)


_ADAPTER = TypeAdapter(list[dict[str, Any]])
