"""Mask files of any maker as they are stored: colours or numbers. `dataset.masks.colours` says what these mean."""

import io
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from PIL import Image

from dataset.archives import DatasetError
from dataset.images import PNG_SIGNATURE, decode_with_opencv, png_defect, why_unreadable

_PNG_DEPTH, _PNG_COLOUR_TYPE = 24, 25  # bytes of a PNG's header
_GREY, _PALETTE = 0, 3  # colour types
_NAMES = {
    0x000000: "black",
    0xFFFFFF: "white",
    0xFF0000: "red",
    0x00FF00: "green",
    0x0000FF: "blue",
    0xFFFF00: "yellow",
    0xFF00FF: "magenta",
    0x00FFFF: "cyan",
}
SHOWN_VALUES = 5


@dataclass(frozen=True, eq=False)
class StoredMask:
    """The pixels of a mask file."""

    pixels: np.ndarray  # (height, width) or, in colour, (height, width, 3) RGB; uint8 or uint16
    indices: np.ndarray | None = None  # (height, width): into a palette, or grey values before they were stretched
    lossy: bool = False  # a JPEG

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.pixels.shape[:2]
        return height, width

    @cached_property
    def colours(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB; the upper 8 bits if more than 8 are used."""
        pixels = self.pixels >> 8 if self.pixels.dtype == np.uint16 and self.pixels.max() > 255 else self.pixels
        pixels = pixels.astype(np.uint8, copy=False)
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels

    @cached_property
    def codes(self) -> np.ndarray:
        """(height, width) uint32: `colours` as 0xRRGGBB."""
        return codes_of(self.colours)

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """(height, width): indices into the palette, or grey values; None if the pixels are colours only."""
        if self.indices is not None or self.pixels.ndim == 2:
            return self.pixels if self.indices is None else self.indices
        first, second, third = (self.pixels[..., channel] for channel in range(3))
        return first if np.array_equal(first, second) and np.array_equal(second, third) else None


def decode_mask(data: bytes, origin: object) -> StoredMask:
    """Decode a PNG or JPEG; transparency is ignored. Raises DatasetError that names `origin`."""
    is_png = data.startswith(PNG_SIGNATURE)
    if is_png and (defect := png_defect(data)):
        raise DatasetError(f"{origin} {defect}")
    if is_png and data[_PNG_COLOUR_TYPE] == _PALETTE:
        return _decode_palette(data, origin)
    pixels = decode_with_opencv(data, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{origin} {why_unreadable(data)}")
    if pixels.ndim == 3:
        return StoredMask(np.asarray(cv2.cvtColor(pixels[..., :3], cv2.COLOR_BGR2RGB)), lossy=not is_png)
    if is_png and data[_PNG_COLOUR_TYPE] == _GREY and data[_PNG_DEPTH] < 8:  # OpenCV stretches it to 8 bits
        return StoredMask(pixels, pixels // np.uint8(255 // (2 ** data[_PNG_DEPTH] - 1)))
    return StoredMask(pixels, lossy=not is_png)


def _decode_palette(data: bytes, origin: object) -> StoredMask:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return StoredMask(np.asarray(image.convert("RGB")), np.asarray(image))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow's, for damaged files
        raise DatasetError(f"{origin} {why_unreadable(data)}") from error


def describe(masks: Iterable[StoredMask], where: Callable[[StoredMask], np.ndarray] | None = None) -> str:
    """Return the colours or numbers in masks, the most frequent first: "black (98.3%), green (1.7%)".

    Only those of the pixels that `where` chooses, if it is given; the shares are of all pixels.
    """
    counts, total, parts = Counter[tuple[str, int]](), 0, list[str]()
    for mask in masks:
        kind, values = ("colour", mask.codes) if mask.numbers is None else ("number", mask.numbers)
        total += values.size
        for value, count in zip(*np.unique(values[where(mask)] if where else values, return_counts=True), strict=True):
            counts[kind, int(value)] += int(count)
    for (kind, value), count in counts.most_common(SHOWN_VALUES):
        share = f"{count / total:.1%}" if count >= total / 1000 else "under 0.1%"
        parts.append(f"{colour_name(value) if kind == 'colour' else f'the number {value}'} ({share})")
    more = f" and {len(counts) - SHOWN_VALUES} more" if len(counts) > SHOWN_VALUES else ""
    return ", ".join(parts) + more


def codes_of(colours: np.ndarray) -> np.ndarray:
    """Return (height, width) uint32, 0xRRGGBB, of (height, width, 3) uint8 RGB."""
    red, green, blue = (colours[..., channel].astype(np.uint32) for channel in range(3))
    return np.asarray(red << 16 | green << 8 | blue)


def colour_name(code: int) -> str:
    """Return the name of 0xRRGGBB: "red", or else "#rrggbb"."""
    return _NAMES.get(code, f"#{code:06x}")
