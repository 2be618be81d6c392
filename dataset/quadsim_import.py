"""Import what QuadSim's own recorder (training mode, key "r") has written as a recording.

The colour images are copied unchanged: they are PNGs, and a JPEG would lose what the masks were drawn from.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePath

import cv2
import numpy as np

from dataset.archives import walk
from dataset.folders import RAW_FILE
from dataset.images import decode_with_opencv, png_defect
from dataset.masks.labels import class_areas, encode_labels
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.writer import new_recording

CAMERAS = 1, 2, 3, 4  # colour; depth of people, of the hero, of the environment
RED = 2  # OpenCV's channels are blue, green, red

_OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9_.-]+")  # not in names of recordings

Frames = dict[str, dict[int, Path]]  # files by number, as written, and camera


def find_raw_recordings(folder: Path) -> dict[PurePath, Frames]:
    """Return the frames of each raw recording in a tree, by its folder relative to `folder`, without IMG.

    The project of 2017 kept them as `raw_sim_data/train/run1/IMG`. Raises RecordingError for none, OSError.
    """
    if not folder.is_dir():
        hint = "; unpack it first" if folder.suffix.lower() == ".zip" else ""
        raise RecordingError(f"expected a folder with QuadSim's files, but {folder} is none{hint}")
    found: dict[PurePath, Frames] = {}
    for path, files in walk(folder):
        frames: Frames = {}
        for name in files:
            if named := RAW_FILE.fullmatch(name):
                frames.setdefault(named[2], {})[int(named[1])] = folder / path / name
        if frames:
            run = path.parent if path.name.upper() == "IMG" else path
            found.setdefault(run, {}).update(sorted(frames.items()))
    if not found:
        text = f"expected files such as IMG/cam1_00000.png somewhere in {folder}, found none"
        raise RecordingError(f"{text}; annotations in a JSON file are imported by its name, from an unpacked archive")
    return dict(sorted(found.items()))


def destinations(runs: Iterable[PurePath], recording: Path) -> dict[PurePath, Path]:
    """Return where raw recordings go: to `recording` if there is one only, else to folders in it of the same names."""
    runs = list(runs)
    if runs == [PurePath()]:
        return {PurePath(): recording}
    found: dict[PurePath, Path] = {}
    for run in runs:
        *parents, name = [_OTHER_CHARACTERS.sub("-", part).strip("-.") or "run" for part in run.parts or ("run",)]
        path = recording.joinpath(*parents, name)
        number = 2
        while path in found.values():  # names that differ in other characters only
            path = path.with_name(f"{name}-{number}")
            number += 1
        found[run] = path
    return found


def labels_of_depths(people: np.ndarray, hero: np.ndarray, environment: np.ndarray) -> np.ndarray:
    """Return the class of each pixel: that of the mask camera that saw the nearest surface; all (height, width) uint8.

    Equal to the preprocessing of the original project: 1 is subtracted from the environment in 8 bits, so that it wins
    ties, and its 0 becomes 255, the farthest.
    """
    return np.asarray(np.argmin(np.stack([environment - np.uint8(1), people, hero]), axis=0), np.uint8)


def read_frame(files: dict[int, Path]) -> tuple[bytes, np.ndarray]:
    """Return the colour image's file and the labels. Raises RecordingError."""
    missing = [f"cam{camera}" for camera in CAMERAS if camera not in files]
    if missing:
        raise RecordingError(f"no file of {', '.join(missing)}")
    contents, planes = zip(*(_read(files[camera]) for camera in CAMERAS), strict=True)
    if len({plane.shape for plane in planes}) > 1:
        sizes = (
            f"cam{camera} {plane.shape[1]}x{plane.shape[0]}" for camera, plane in zip(CAMERAS, planes, strict=True)
        )
        raise RecordingError("sizes differ: " + ", ".join(sizes))
    return contents[0], labels_of_depths(*planes[1:])


def import_recording(
    origin: str, recording: Path, frames: Iterable[tuple[str, dict[int, Path]]]
) -> tuple[int, list[str]]:
    """Write a new recording of frames from `find_raw_recordings`; return their number, and what was left out and why.

    `origin` is named in `meta.json`.

    Raises RecordingError and OSError. After any exception, Ctrl-C included, and without a complete frame, the recording
    is removed.
    """
    problems: list[str] = []
    meta = {"simulator": {"name": "QuadSim", "imported_from": origin}, "left_out": problems}
    with new_recording(recording, meta, "imported") as writer:
        for number, files in frames:
            try:
                image, labels = read_frame(files)
            except RecordingError as error:
                problems.append(f"frame {number}: {error}")
                continue
            writer.meta.setdefault("frame_size", labels.shape)
            _, people, hero = class_areas(labels).tolist()
            record = FrameRecord(number, f"{number}.png", "simulator", hero, people, depth=False)
            writer.add(record, image, encode_labels(labels), None)
    return writer.frames, problems


def _read(path: Path) -> tuple[bytes, np.ndarray]:
    """Return the file and its red channel, (height, width) uint8, as the original did; mostly all are equal."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path.name} cannot be read: {error.strerror or error}") from error
    if defect := png_defect(data):
        raise RecordingError(f"{path.name} {defect}")
    pixels = decode_with_opencv(data, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint8:
        raise RecordingError(f"{path.name} is not an image of 8 bits a channel")
    return data, pixels if pixels.ndim == 2 else pixels[..., RED]
