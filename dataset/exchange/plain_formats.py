"""YOLO segmentation, and PNG masks with a palette, which can be read as any dataset is."""

import io
from collections.abc import Iterable
from pathlib import Path, PurePath

import cv2
import numpy as np
from PIL import Image

from dataset.exchange.frames import LABELLED, ExchangedFrame, regions, write_file
from dataset.masks.classes_file import CLASSES_FILE
from dataset.schema import CLASSES, IGNORED

PALETTE = (0, 0, 0, 0, 255, 0, 0, 0, 255)  # RGB of each class: pixels are numbers, which people see as colours
WITH_IGNORED = (*PALETTE, *(255 for _ in range(3 * 256 - len(PALETTE))))
NUMBERS = f"ignored = {IGNORED}\n\n[colours]\n" + "".join(f"{name} = {n}\n" for n, name in enumerate(CLASSES))


def write_yolo(frames: Iterable[ExchangedFrame], out: Path) -> None:
    """Write images/, labels/ with a polygon for each region, and data.yaml. Holes are lost. Raises OSError."""
    for frame in frames:
        lines = []
        for label, mask in regions(frame.labels):
            corners = " ".join(f"{value:.6f}" for value in _polygon(mask).ravel())
            lines.append(f"{LABELLED.index(label)} {corners}\n")
        write_file(out / "images" / frame.name, frame.image)
        write_file(out / "labels" / PurePath(frame.name).with_suffix(".txt"), "".join(lines).encode())
    names = "".join(f"  {number}: {CLASSES[label]}\n" for number, label in enumerate(LABELLED))
    (out / "data.yaml").write_text(f"path: .\ntrain: images\nval: images\nnames:\n{names}", encoding="utf-8")


def write_masks(frames: Iterable[ExchangedFrame], out: Path) -> None:
    """Write images/ and masks/: PNGs with the number of each pixel's class, and a palette. Raises OSError.

    Where there are ignored pixels, 255, a classes.toml says so.
    """
    for frame in frames:
        ignored = bool((frame.labels == IGNORED).any())
        if ignored and not (out / CLASSES_FILE).exists():
            write_file(out / CLASSES_FILE, NUMBERS.encode())
        mask = Image.fromarray(frame.labels).convert("P")
        mask.putpalette(WITH_IGNORED if ignored else PALETTE)
        data = io.BytesIO()
        mask.save(data, "PNG")
        write_file(out / "images" / frame.name, frame.image)
        write_file(out / "masks" / PurePath(frame.name).with_suffix(".png"), data.getvalue())


def _polygon(mask: np.ndarray) -> np.ndarray:
    """Return the outline of a region, (n, 2) x and y as fractions of width and height.

    Corners are a quarter past the pixels' corners: programs that cut coordinates off and those that round them draw the
    same pixels.
    """
    height, width = mask.shape
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corners = contours[0].reshape(-1, 2)
    if len(corners) < 3:  # one or two pixels: a triangle, so that they have an area
        corners = np.array([corners[0], corners[-1] + (0.2, 0), corners[-1] + (0, 0.2)])
    return np.asarray((corners + 0.25) / (width, height))
