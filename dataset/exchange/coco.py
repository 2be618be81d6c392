"""COCO: images/ and annotations.json, with an RLE mask for each region of people or hero. Polygons are read, too.

The key `attributes` of an image has its line of frames.jsonl, if there is one: poses survive.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, MinLen
from pycocotools import mask as rle
from pydantic import TypeAdapter, ValidationError

from config.paths import printable
from config.version import VERSION
from dataset.exchange.categories import class_of_category
from dataset.exchange.frames import (
    LABELLED,
    ExchangedFrame,
    ImageFolder,
    frame_of_regions,
    read_json,
    regions,
    write_file,
)
from dataset.recordings.layout import RecordingError
from dataset.schema import CLASSES

ANNOTATIONS, IMAGES = "annotations.json", "images"

Id = int | str


@dataclass(frozen=True)
class Image:
    """A line of `images`."""

    id: Id
    file_name: Annotated[str, MinLen(1)]
    height: Annotated[int, Ge(1)]
    width: Annotated[int, Ge(1)]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Category:
    """A line of `categories`."""

    id: Id
    name: str


@dataclass(frozen=True)
class Annotation:
    """A line of `annotations`: one object in one image."""

    id: Id
    image_id: Id
    category_id: Id
    segmentation: dict[str, Any] | list[list[float]]  # RLE, compressed or not, or polygons: x, y, x, y, ...


@dataclass(frozen=True)
class CocoFile:
    """What is read of a file in COCO's format; other keys are ignored."""

    images: list[Image]
    categories: list[Category]
    annotations: list[Annotation]


def write_coco(frames: Iterable[ExchangedFrame], out: Path) -> None:
    """Write frames into a folder. Raises OSError."""
    images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
    for frame in frames:
        name = printable(frame.name).replace("\\", "-")  # a backslash would be read as the end of a folder's name
        write_file(out / IMAGES / name, frame.image)
        height, width = frame.labels.shape
        image = {"id": len(images) + 1, "file_name": name, "height": height, "width": width}
        images.append(image | {"attributes": dict(frame.attributes)})
        for label, mask in regions(frame.labels):
            encoded = rle.encode(np.asfortranarray(mask, np.uint8))
            annotation = {"id": len(annotations) + 1, "image_id": image["id"], "category_id": label, "iscrowd": 0}
            annotation["segmentation"] = encoded | {"counts": encoded["counts"].decode("ascii")}
            annotations.append(annotation | {"area": int(rle.area(encoded)), "bbox": rle.toBbox(encoded).tolist()})
    content = {
        "info": {"description": f"Follow me {VERSION}"},
        "categories": [{"id": label, "name": CLASSES[label]} for label in LABELLED],
        "images": images,
        "annotations": annotations,
    }
    (out / ANNOTATIONS).write_text(json.dumps(content), encoding="utf-8")


def read_coco_file(file: Path) -> CocoFile:
    """Read annotations. Raises RecordingError if they are not in COCO's format, and OSError."""
    try:
        content = _ADAPTER.validate_json(read_json(file))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise RecordingError(f"{file} is not in COCO's format: {key}: {first['msg']}") from error
    _refuse_twice(file, "images", "file_name", (image.file_name for image in content.images))
    _refuse_twice(file, "images", "id", (image.id for image in content.images))
    _refuse_twice(file, "categories", "id", (category.id for category in content.categories))
    images = {image.id for image in content.images}
    for annotation in content.annotations:
        if annotation.image_id not in images:
            raise RecordingError(
                f"{file}: annotation {annotation.id} is of image {annotation.image_id}, not in the file"
            )
    return content


def _refuse_twice(file: Path, what: str, key: str, values: Iterable[Id]) -> None:
    """Raise RecordingError if a value comes more than once: labels of one line would be those of another, too."""
    for value, count in Counter(values).items():
        if count > 1:
            raise RecordingError(
                f"{file}: expected {what} that differ in their {key}, but {count} have {value!r}: if files were joined,"
                " import each by itself"
            )


def category_classes(content: CocoFile, names: Mapping[str, str]) -> dict[Id, int]:
    """Return the class of each category, as `class_of_category` does."""
    return {category.id: class_of_category(category.name, names) for category in content.categories}


def coco_frames(content: CocoFile, classes: Mapping[Id, int], images: ImageFolder) -> Iterator[ExchangedFrame]:
    """Yield the frames, whose image files are in the folder `images` or below it.

    Raises RecordingError for what does not fit, OSError.
    """
    objects = defaultdict[Id, list[Annotation]](list)
    for annotation in content.annotations:
        objects[annotation.image_id].append(annotation)
    for image in content.images:
        drawn = ((_class_of(each, classes), _mask(each, image)) for each in objects[image.id])
        data, size = images.find(image.file_name).read_bytes(), (image.height, image.width)
        yield frame_of_regions(image.file_name, data, size, drawn, image.attributes)


def _class_of(annotation: Annotation, classes: Mapping[Id, int]) -> int:
    label = classes.get(annotation.category_id)
    if label is None:
        raise RecordingError(f"annotation {annotation.id} is of category {annotation.category_id}, not in the file")
    return label


def _mask(annotation: Annotation, image: Image) -> np.ndarray:
    """Return the pixels of an object, (height, width) bool. Raises RecordingError."""
    size, found = [image.height, image.width], annotation.segmentation
    if not found:
        raise RecordingError(f"annotation {annotation.id} has no mask, only a box: export masks")
    if isinstance(found, dict) and found.get("size") != size:
        raise RecordingError(f"annotation {annotation.id} has the size {found.get('size')}, its image {size}")
    try:
        if isinstance(found, dict):
            encoded = rle.frPyObjects(found, *size) if isinstance(found["counts"], list) else found
            if sum(_run_lengths(encoded["counts"])) != image.height * image.width:
                raise ValueError("its runs do not cover the image")  # the rest would be whatever was in memory
        else:
            encoded = rle.merge(rle.frPyObjects(found, *size))
        return np.asarray(rle.decode(encoded), bool)
    except Exception as error:  # pycocotools raises plain ones, too
        raise RecordingError(f"annotation {annotation.id} has a segmentation that cannot be read: {error}") from error


def _run_lengths(code: str | bytes) -> list[int]:
    """Return the lengths in COCO's compressed RLE: numbers of 5 bits a character, from the third on differences."""
    lengths: list[int] = []
    value = place = 0
    for character in code.encode() if isinstance(code, str) else code:
        part = character - 48
        value |= (part & 31) << place
        place += 5
        if part & 32:  # it goes on
            continue
        if part & 16:  # negative
            value -= 1 << place
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = place = 0
    return lengths


_ADAPTER = TypeAdapter(CocoFile)
