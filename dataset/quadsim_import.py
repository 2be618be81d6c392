"""Make a recording of what QuadSim's own recording (training mode, key "r") has written.

    python -m dataset.quadsim_import IMG_DIR recordings/RUN

The colour images are copied as they are: they are PNGs, and a JPEG would lose what the masks were drawn from. QuadSim
writes neither poses nor depth of the colour camera, so the result trains and is looked at, but cannot be replayed.
"""

import argparse
import contextlib
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from dataset.integrity import png_defect
from dataset.masks import encode_labels
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError, is_recording_name
from dataset.recordings.writer import RecordingWriter
from dataset.schema import HERO, PEOPLE

COLOUR, PEOPLE_CAMERA, HERO_CAMERA, ENVIRONMENT = 1, 2, 3, 4
CAMERAS = (COLOUR, PEOPLE_CAMERA, HERO_CAMERA, ENVIRONMENT)
RED = 2  # OpenCV's channels are blue, green, red
SHOWN = 20  # problems

_FILE = re.compile(r"cam([1-4])_(\d+)\.png", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """A frame that is left out, and why."""

    frame: str
    reason: str

    def __str__(self) -> str:
        return f"frame {self.frame}: {self.reason}"


def find_frames(folder: Path) -> dict[str, dict[int, Path]]:
    """The camera files by frame number (as written) and camera. Raises RecordingError where there are none.

    `folder` is what QuadSim writes to, or the one that has it inside as IMG.
    """
    for place in (folder, folder / "IMG"):
        if not place.is_dir():
            continue
        frames: dict[str, dict[int, Path]] = {}
        for file in place.iterdir():
            if named := _FILE.fullmatch(file.name):
                frames.setdefault(named[2], {})[int(named[1])] = file
        if frames:
            return dict(sorted(frames.items()))
    raise RecordingError(f"expected files such as cam1_00000.png in {folder} (or {folder / 'IMG'}), found none")


def labels_of_depths(people: np.ndarray, hero: np.ndarray, environment: np.ndarray) -> np.ndarray:
    """The class of each pixel: whose mask camera saw something nearest.

    Args: (height, width) uint8 depths of the three mask cameras.

    Returns: (height, width) uint8: 0 background, 1 people, 2 hero. Equal to the original's preprocessing: one is taken
    off the environment in 8 bits, so that it wins ties, and so that its 0 becomes 255, farther than anything.
    """
    return np.asarray(np.argmin(np.stack([environment - np.uint8(1), people, hero]), axis=0), np.uint8)


def read_frame(files: dict[int, Path]) -> tuple[bytes, np.ndarray]:
    """The colour image's bytes and the classes of its pixels. Raises RecordingError."""
    missing = [f"cam{camera}" for camera in CAMERAS if camera not in files]
    if missing:
        raise RecordingError(f"no file of {', '.join(missing)}")
    data = {camera: _read(files[camera]) for camera in CAMERAS}
    planes = {camera: _decode(files[camera], data[camera]) for camera in CAMERAS}
    sizes = {camera: plane.shape for camera, plane in planes.items()}
    if len(set(sizes.values())) > 1:
        raise RecordingError("sizes differ: " + ", ".join(f"cam{c} {w}x{h}" for c, (h, w) in sizes.items()))
    labels = labels_of_depths(planes[PEOPLE_CAMERA], planes[HERO_CAMERA], planes[ENVIRONMENT])
    return data[COLOUR], labels


def import_recording(
    folder: Path, recording: Path, frames: Iterable[tuple[str, dict[int, Path]]]
) -> tuple[int, list[Problem]]:
    """Write frames (of `find_frames`) to a new recording; how many there are, and what was left out.

    Raises RecordingError and OSError. What it had begun when something ended it, Ctrl-C for instance, is removed again.
    """
    if recording.exists():
        raise RecordingError(f"{recording} exists already; choose another name")
    if not is_recording_name(recording.name):
        raise RecordingError(f"a recording's name has letters, digits, '_', '-' and '.', got {recording.name!r}")
    writer, problems = None, []
    try:
        for number, files in frames:
            try:
                image, labels = read_frame(files)
            except RecordingError as error:
                problems.append(Problem(number, str(error)))
                continue
            if writer is None:
                meta = {"simulator": {"name": "QuadSim", "imported_from": folder.name}, "frame_size": labels.shape}
                writer = RecordingWriter(recording.parent, recording.name, meta)
            counts = np.bincount(labels.ravel(), minlength=3)
            people, hero = int(counts[PEOPLE]), int(counts[HERO])
            record = FrameRecord(number, f"{number}.png", "simulator", hero, people, depth=False)
            writer.add(record, image, encode_labels(labels), None)
    except BaseException:
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.close("interrupted")
            shutil.rmtree(writer.path, ignore_errors=True)
        raise
    if writer is None:
        return 0, problems
    writer.close("imported", {"left_out": [str(problem) for problem in problems]})
    return writer.frames, problems


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit status 0, 2 with a sentence when nothing could be imported, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.quadsim_import",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("images", type=Path, metavar="IMG_DIR", help="the folder with cam1_00000.png and so on")
    parser.add_argument("run", type=Path, metavar="RUN", help="the recording to make, such as recordings/quadsim1")
    options = parser.parse_args(arguments)
    console = Console()
    try:
        found = find_frames(options.images)
        frames = track(found.items(), "importing", total=len(found), console=console, transient=True)
        count, problems = import_recording(options.images, options.run, frames)
    except (RecordingError, OSError) as error:
        print(f"quadsim_import: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("quadsim_import: interrupted; what was begun is removed", file=sys.stderr)
        return 130
    for problem in problems[:SHOWN]:
        console.print(f"  left out: {problem}", highlight=False, markup=False, soft_wrap=True)
    if len(problems) > SHOWN:
        console.print(f"  and {len(problems) - SHOWN} more")
    if not count:
        print(f"quadsim_import: none of the {len(found)} frames is complete", file=sys.stderr)
        return 2
    left_out = f", {len(problems)} left out" if problems else ""
    console.print(f"{options.run}: {count} frames{left_out}", highlight=False, soft_wrap=True)
    return 0


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path.name} cannot be read: {error.strerror or error}") from error
    if defect := png_defect(data):
        raise RecordingError(f"{path.name} {defect}")
    return data


def _decode(path: Path, data: bytes) -> np.ndarray:
    """The red channel, (height, width) uint8: the one that the original's preprocessing took. Mostly all are equal."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint8:
        raise RecordingError(f"{path.name} is not an image of 8 bits a channel")
    return pixels if pixels.ndim == 2 else pixels[..., RED]


if __name__ == "__main__":
    sys.exit(main())
