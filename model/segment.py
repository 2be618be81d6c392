"""Show what a model sees in a film, or in a folder of images, such as a dashboard camera's.

    python -m model.segment runs/20261121-101500/best.h5 drive.mp4 --out overlays
    python -m model.segment runs/20261121-101500/best.h5 photos --out overlays --fps 10

Fills the folder of --out with a picture per frame, in which each class but the first has its colour (of roads: green),
and with all of them in one film, film.mp4.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from config.commands import command_parser, run_command
from config.numbers import real_number, whole_number
from config.outputs import require_empty
from config.paths import path_of
from dataset.archives import DatasetError
from dataset.folders import IMAGE_SUFFIXES
from dataset.images import decode_image
from dataset.previews.film import write_video
from model.console import console, print_plain
from model.inference.choices import RUNTIMES

FILM = "film.mp4"
FPS = 10.0  # of a film of single images


@dataclass(frozen=True)
class Footage:
    """Images in their order, with a name for each: (height, width, 3) uint8 RGB."""

    images: Iterator[tuple[str, np.ndarray]]
    count: int  # of them, roughly
    fps: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for unusable input, 130 after Ctrl-C."""
    parser = command_parser("model.segment", __doc__)
    parser.add_argument("weights", metavar="MODEL", help="a file, or a name in model/weights/")
    parser.add_argument("footage", type=path_of, metavar="VIDEO|DIR", help="a film, or a folder of JPEGs and PNGs")
    text = "a folder to write into, new or empty"
    parser.add_argument("--out", type=path_of, required=True, metavar="DIR", help=text)
    parser.add_argument("--stride", type=whole_number(1), default=1, metavar="N", help="only each N-th frame")
    text = f"frames per second of film.mp4 (default: the film's, or {FPS:g} for images)"
    parser.add_argument("--fps", type=real_number(0.1, 240), help=text)
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="inference runtime (default: auto)")
    options = parser.parse_args(arguments)
    return run_command("segment", lambda: segment(options))


def segment(options: argparse.Namespace) -> None:
    """Draw all frames and the film."""
    from model.evaluation.overlays import overlay, write_overlay
    from model.inference.load import load_segmenter

    require_empty(options.out, "--out")
    footage = read_images(options.footage) if options.footage.is_dir() else read_film(options.footage)
    with console.status("loading"):
        segmenter = load_segmenter(options.weights, options.runtime)
    print_plain(segmenter.describe())
    count, first = 0, None

    def drawn() -> Iterator[np.ndarray]:
        nonlocal count, first
        chosen = itertools.islice(footage.images, 0, None, options.stride)
        for name, image in track(chosen, "drawing", -(-footage.count // options.stride), console=console):
            picture = overlay(image, segmenter.predict(image[None])[0], segmenter.classes)
            write_overlay(options.out / f"{name}.jpeg", picture)
            count, first = count + 1, first or picture.shape[1::-1]
            yield picture if picture.shape[1::-1] == first else cv2.resize(picture, first)  # of a film all have one

    options.out.mkdir(parents=True, exist_ok=True)
    write_video(options.out / FILM, drawn(), options.fps or max(footage.fps / options.stride, 1.0))
    print_plain(f"{count} pictures and {FILM} are in {options.out}")


def read_images(folder: Path) -> Footage:
    """Return the images of a folder, by name. Raises ValueError if there are none."""
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    paths = sorted(path for path in files if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        inside = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir())[:3])
        hint = f"; in it are the folders {inside}: give one of them" if inside else ""
        raise ValueError(f"expected JPEGs or PNGs in the folder {folder}, found none{hint}")
    names_repeat = len({path.stem for path in paths}) < len(paths)

    def images() -> Iterator[tuple[str, np.ndarray]]:
        for path in paths:
            try:
                image = decode_image(path.read_bytes(), path)
            except (DatasetError, OSError) as error:
                print_plain(f"left out: {error}", style="yellow")
                continue
            yield path.name if names_repeat else path.stem, image

    return Footage(images(), len(paths), FPS)


def read_film(path: Path) -> Footage:
    """Return the frames of a film, by number. Raises ValueError if it cannot be read."""
    if not path.exists():
        raise ValueError(f"expected a film or a folder of images, but {path} does not exist")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened() or not (frame := capture.read())[0]:
        raise ValueError(f"{path} is not a film that OpenCV can read; expected such as .mp4, or a folder of images")
    fps = capture.get(cv2.CAP_PROP_FPS)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def images() -> Iterator[tuple[str, np.ndarray]]:
        done, image = frame
        for number in itertools.count():
            if not done:
                capture.release()
                return
            yield f"{number:06d}", np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            done, image = capture.read()

    return Footage(images(), max(count, 1), fps if 1 <= fps <= 240 else FPS)


if __name__ == "__main__":
    sys.exit(main())
