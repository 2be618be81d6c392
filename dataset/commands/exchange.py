"""python -m dataset export, and import of annotations: the commands around `dataset.exchange`."""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from dataset.checks import check_pairs
from dataset.exchange.categories import class_of_category, parse_categories
from dataset.exchange.coco import IMAGES, category_classes, coco_frames, read_coco_file, write_coco
from dataset.exchange.frames import ExchangedFrame, ImageFolder, read_frames, read_json
from dataset.exchange.label_studio import category_names, label_studio_frames, read_label_studio
from dataset.exchange.label_studio_png import (
    find_task_masks,
    holds_label_studio_masks,
    named_by_task,
    read_task_images,
    task_frames,
)
from dataset.exchange.mask_files import find_mask_files, is_mask_folder, mask_frames
from dataset.exchange.plain_formats import write_masks, write_yolo
from dataset.images import JPEG_SIGNATURE, PNG_SIGNATURE, decode_image
from dataset.masks.labels import class_areas, encode_labels
from dataset.pairs import find_pairs
from dataset.problems import summarise_problems
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RECORDINGS, RecordingError, is_recording
from dataset.recordings.writer import new_recording
from dataset.schema import DEFAULT_CLASSES, IGNORED

ANNOTATED = "annotations"  # folder of the file in the layout of COCO, CVAT and Datumaro, with images/ beside it
FORMATS: dict[str, Callable[[Iterable[ExchangedFrame], Path], None]] = {
    "coco": write_coco,
    "masks": write_masks,
    "yolo": write_yolo,
}


def export(options: argparse.Namespace, console: Console) -> None:
    """Write a recording or dataset in the format of other programs, into a new folder.

    coco: images/ and annotations.json with RLE masks (CVAT, FiftyOne, Datumaro); masks: PNGs with class numbers and a
    palette; yolo: polygons. Hidden frames are left out.
    """
    source, out = options.recording, options.out
    if not source.exists() and is_recording(RECORDINGS / source):
        source = RECORDINGS / source
    if os.path.lexists(out):
        raise RecordingError(f"{out} exists already; choose another name")
    pairs, problems = find_pairs(source)
    for pair in pairs:
        if (found := pair.colours.classes) != DEFAULT_CLASSES:
            raise RecordingError(f"{source} has the classes {found}: only those of {DEFAULT_CLASSES} are exported")
    defects = check_pairs(pairs)
    pairs = [pair for index, pair in enumerate(pairs) if index not in defects]
    problems += defects.values()
    if problems:
        console.print(f"left out: {summarise_problems(problems)}", markup=False)
    if not pairs:
        raise RecordingError(f"{source} has no labelled frame")
    shown = track(read_frames(pairs), "exporting", len(pairs), console=console, transient=True)
    ignored = 0

    def frames() -> Iterator[ExchangedFrame]:
        nonlocal ignored
        for frame in shown:
            ignored += bool((frame.labels == IGNORED).any())
            yield frame

    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        FORMATS[options.format](frames(), unfinished)
        unfinished.chmod(0o755)  # as other folders: temporary ones are private
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    console.print(f"{out}: {len(pairs)} frames", markup=False)
    if ignored and options.format != "masks":
        console.print(f"{ignored} of them have ignored pixels, which are background there: --format masks keeps them")


def import_annotations(options: argparse.Namespace, console: Console) -> bool:
    """Make a recording of what another program has annotated; return False if the source is of no such program."""
    source, names = options.images, parse_categories(options.classes)
    folder = options.image_folder or _folder_of_images(source)
    if source.is_dir() or source.suffix.lower() == ".zip":
        if options.tasks or holds_label_studio_masks(source):
            _import_task_masks(options, names, ImageFolder(folder), console)
            return True
        if not is_mask_folder(source, names, options.image_folder):
            return False
        files = find_mask_files(source, names, options.image_folder)
        console.print(f"masks are read as {files.colours}", markup=False)
        if empty := sum(mask is None for _, mask in files.pairs.values()):
            console.print(f"{empty} images have no mask: nothing is annotated there, all is background")
        if files.unpaired:
            console.print(f"left out: {files.unpaired} images and masks without a partner")
        _write(mask_frames(files), len(files.pairs), options, console)
        return True
    data, images = read_json(source), ImageFolder(folder)
    if data.lstrip()[:1] == b"[":
        tasks = read_label_studio(data, source)
        classes = {name: class_of_category(name, names) for name in category_names(tasks)}
        _write(label_studio_frames(tasks, classes, images), len(tasks), options, console)
    else:
        content = read_coco_file(source)
        _write(coco_frames(content, category_classes(content, names), images), len(content.images), options, console)
    return True


def _folder_of_images(annotations: Path) -> Path:
    """Return where images of a file with annotations are looked for if nobody has said it."""
    beside = annotations.parent
    if beside.name == ANNOTATED:
        beside = beside.parent
    return beside / IMAGES if (beside / IMAGES).is_dir() else beside


def _import_task_masks(
    options: argparse.Namespace, names: Mapping[str, str], images: ImageFolder, console: Console
) -> None:
    found = find_task_masks(options.images, names)
    by_task = read_task_images(options.tasks) if options.tasks else named_by_task(images)
    if found.earlier:
        console.print(f"left out: {found.earlier} masks of annotations that were not the last of their task")
    if without := by_task.keys() - found.masks.keys():
        console.print(f"left out: {len(without)} tasks without a mask; the JSON export tells which have no target")
    _write(task_frames(found, by_task, images), len(found.masks), options, console)


def _write(frames: Iterable[ExchangedFrame], count: int, options: argparse.Namespace, console: Console) -> None:
    source, recording = options.images, options.recording
    meta = {"simulator": {"imported_from": source.name}}
    overlapping = 0
    with new_recording(recording, meta, "imported") as writer:
        for frame in track(frames, "importing", count, console=console, transient=True):
            pixels = decode_image(frame.image, frame.name)
            size = pixels.shape[:2]
            if size != frame.labels.shape:
                raise RecordingError(f"{frame.name} has the size {size}, annotated is {frame.labels.shape}")
            expected = writer.meta.setdefault("frame_size", frame.labels.shape)
            if expected != frame.labels.shape:
                raise RecordingError(f"expected frames of one size, {expected}, but {frame.name} has {size}")
            overlapping += frame.overlaps
            image, suffix = _as_image_file(frame, pixels)
            writer.add(_record(frame, writer.frames, suffix), image, encode_labels(frame.labels), None)
    if not writer.frames:
        raise RecordingError(f"{source} lists no image that is annotated")
    if overlapping:
        console.print(f"regions of different classes overlap in {overlapping} frames: there the hero is on top")
    console.print(f"{recording}: {writer.frames} frames", markup=False)


def _as_image_file(frame: ExchangedFrame, pixels: np.ndarray) -> tuple[bytes, str]:
    """Return a file that datasets may have, and its suffix: the one given if it is a JPEG or PNG, else a PNG."""
    if frame.image.startswith(JPEG_SIGNATURE):
        return frame.image, ".jpeg"
    if frame.image.startswith(PNG_SIGNATURE):
        return frame.image, ".png"
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes(), ".png"


def _record(frame: ExchangedFrame, index: int, suffix: str) -> FrameRecord:
    """Return the record of an imported frame: what its attributes say, if they are ours, with a name of its own.

    The labels are a person's, unless they cover as many pixels as the attributes say, and so were not changed.
    """
    name = f"{index:06}"
    _, people, hero = class_areas(frame.labels).tolist()
    counts = {"hero_pixels": hero, "people_pixels": people}
    plain = {
        "frame": name,
        "image": name + suffix,
        "depth": False,
        "label_source": "person",
        "labelled_by": "",
        **counts,
    }
    line = dict(frame.attributes) | plain
    if counts.items() <= frame.attributes.items():
        line["label_source"] = frame.attributes.get("label_source")
        line["labelled_by"] = frame.attributes.get("labelled_by", "")
    try:
        return FrameRecord.from_line(json.dumps(line).encode())
    except RecordingError:  # another program's attributes
        return FrameRecord.from_line(json.dumps(plain).encode())
