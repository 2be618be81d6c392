"""Make a training sample from a packed frame: other people, another crop, scale and light.

QuadSim sends JPEGs of quality 75 with chroma at half the resolution: what that leaves of a distant target is one colour
for two by two pixels on a grid of blocks. A person who is pasted or downscaled would keep more detail. Changed regions
are therefore compressed again, and crops stay on the grid.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from dataset.jpeg import decode_jpeg
from dataset.schema import DEFAULT_CLASSES, HERO, PEOPLE
from model.data.copy_paste import paste, recolour, swap_identity
from model.data.packed_frames import PackedFrames
from model.settings import AugmentationSettings, Size, shape_of

Sample = tuple[np.ndarray, np.ndarray]  # (rows, columns, 3) uint8 RGB, (rows, columns) uint8 class indices
Pixel = tuple[int, int]  # row, column

BLOCK = 16  # pixels; JPEG's coding unit with chroma subsampling
RECOLOURED_PEOPLE = 0.7  # probability of each, in a frame that is changed so


def for_full_frames(settings: AugmentationSettings, size: Size) -> AugmentationSettings:
    """Return the settings for samples that are frames of this size as a whole, half as often scaled."""
    return replace(settings, crop=size, zoom_probability=settings.zoom_probability / 2)


def augment(
    frames: PackedFrames,
    row: int,
    settings: AugmentationSettings,
    random: np.random.Generator,
    focus: Pixel | None = None,
) -> Sample:
    """Return a sample of the size `settings.crop`; if it is a focused crop, with the pixel `focus` in it."""
    image, labels = np.array(frames.images[row]), np.array(frames.labels[row])
    if frames.classes == DEFAULT_CLASSES:
        _change_people(frames, row, image, labels, settings, random)
    image, labels = _crop(image, labels, settings, random, focus, frames.focus_labels)
    if random.random() < settings.flip_probability:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return _change_light(np.ascontiguousarray(image), settings, random), np.ascontiguousarray(labels)


def _change_people(
    frames: PackedFrames,
    row: int,
    image: np.ndarray,
    labels: np.ndarray,
    settings: AugmentationSettings,
    random: np.random.Generator,
) -> None:
    """Give people of a frame other clothes, swap them with others, and paste others, in place."""
    people = frames.people_in(row)
    if random.random() < settings.recolour_probability:
        for person in people:
            if person.label == PEOPLE and random.random() < RECOLOURED_PEOPLE:
                recolour(image, labels, person, random)
    if random.random() < settings.identity_swap_probability and people:
        person = people[random.integers(len(people))]
        swap_identity(frames, image, labels, person, settings.hero_brightness, random)
    if random.random() < settings.paste_people_probability:
        for _ in range(random.integers(1, 4)):
            paste(frames, image, labels, PEOPLE, random)
    if not (labels == HERO).any() and random.random() < settings.paste_hero_probability:
        paste(frames, image, labels, HERO, random)
    if settings.jpeg_quality:
        compress_changes(frames.images[row], image, settings.jpeg_quality)


def _crop(
    image: np.ndarray,
    labels: np.ndarray,
    settings: AugmentationSettings,
    random: np.random.Generator,
    focus: Pixel | None,
    focus_labels: Sequence[int],
) -> Sample:
    """Return a part of the frame, often with `focus` or else such a label in it, resized to `settings.crop`."""
    (height, width), (rows, columns) = labels.shape, shape_of(settings.crop)
    zoom = 1.0
    if random.random() < settings.zoom_probability:
        zoom = np.exp(random.uniform(*np.log(settings.zoom_range)))
    zoom = min(zoom, height / rows, width / columns)
    size = round(rows * zoom), round(columns * zoom)
    top, left = random.integers(0, height - size[0] + 1), random.integers(0, width - size[1] + 1)
    if random.random() < settings.focus_probability:
        focus = focus or _random_pixel(labels, focus_labels, random)
        if focus is not None:
            top, left = (
                np.clip(pixel - random.integers(extent // 10, extent - extent // 10), 0, limit - extent)
                for pixel, extent, limit in zip(focus, size, labels.shape, strict=True)
            )
    if settings.jpeg_quality and size == (rows, columns):
        top, left = top // BLOCK * BLOCK, left // BLOCK * BLOCK
    part = np.s_[top : top + size[0], left : left + size[1]]
    image, labels = image[part], labels[part]
    if size == (rows, columns):
        return image, labels
    image, labels = _resize(image, labels, (rows, columns), random)
    if settings.jpeg_quality:
        image = compress(image, settings.jpeg_quality)
    return image, labels


def _resize(image: np.ndarray, labels: np.ndarray, size: tuple[int, int], random: np.random.Generator) -> Sample:
    """Return a sample of another scale. Smaller ones are averaged, or sampled as by a game engine."""
    shape = size[::-1]
    if size[0] > labels.shape[0]:
        image = cv2.resize(image, shape, interpolation=cv2.INTER_LINEAR)
    elif random.random() < 0.25:
        image = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
        return image, _most_of(labels, shape)
    else:
        image = cv2.resize(image, shape, interpolation=cv2.INTER_NEAREST_EXACT)
    return image, cv2.resize(labels, shape, interpolation=cv2.INTER_NEAREST_EXACT)


def _most_of(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return labels at a smaller (width, height): of each pixel's area the most frequent one."""
    present = np.flatnonzero(np.bincount(labels.ravel())).astype(np.uint8)
    parts = []
    for group in np.split(present, range(4, len(present), 4)):  # OpenCV resizes up to four channels
        coverage = np.stack([labels == each for each in group], axis=-1).astype(np.float32)
        parts.append(np.atleast_3d(cv2.resize(coverage, shape, interpolation=cv2.INTER_AREA)))
    small = np.concatenate(parts, axis=-1)
    return np.asarray(present[small.argmax(axis=-1)])


def _random_pixel(labels: np.ndarray, of: Sequence[int], random: np.random.Generator) -> Pixel | None:
    """Return a pixel of the first of these labels that there is, or None."""
    for label in of:
        pixels = np.flatnonzero(labels == label)
        if pixels.size:
            row, column = divmod(int(random.choice(pixels)), labels.shape[1])
            return row, column
    return None


def _change_light(image: np.ndarray, settings: AugmentationSettings, random: np.random.Generator) -> np.ndarray:
    """Return the image with other brightness, contrast, tint and saturation, and sometimes noise."""
    gain = np.exp(random.uniform(-settings.darken, settings.brighten))
    gains = gain * (1 + random.uniform(-settings.tint, settings.tint, 3))
    contrast = 1 + random.uniform(-settings.contrast, settings.contrast)
    levels = np.arange(256, dtype=np.float32)
    table = (levels[:, None] - 110) * contrast * gains + 110 * gains
    image = cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8).reshape(256, 1, 3))
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    keep = 1 + random.uniform(-settings.saturation, settings.saturation)
    image = cv2.addWeighted(image, keep, grey, 1 - keep, 0)
    if random.random() < settings.noise_probability:
        noise = random.normal(0, random.uniform(1, 6), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(image)


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """Return (h, w, 3) uint8 RGB after JPEG compression at `quality`, 0 to 100; coding units begin at (0, 0)."""
    _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return decode_jpeg(jpeg.tobytes())


def compress_changes(original: np.ndarray, image: np.ndarray, quality: int) -> None:
    """Compress, in place, the rectangle of coding units in which `image` differs from `original`, a camera's JPEG."""
    red, green, blue = cv2.split(cv2.absdiff(image, original))
    left, top, width, height = cv2.boundingRect(cv2.bitwise_or(cv2.bitwise_or(red, green), blue))
    if width:
        rows, columns = (
            slice(first // BLOCK * BLOCK, -(-(first + extent) // BLOCK) * BLOCK)
            for first, extent in ((top, height), (left, width))
        )
        image[rows, columns] = compress(image[rows, columns], quality)
