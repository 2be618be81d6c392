"""Make a training sample from a packed frame: other people, another crop, scale and light.

QuadSim sends JPEGs of quality 75 with chroma at half the resolution: what that leaves of a distant target is one colour
for two by two pixels on a grid of blocks. A person who is pasted or downscaled would keep more detail. Changed regions
are therefore compressed again, and crops stay on the grid.
"""

import cv2
import numpy as np

from dataset.jpeg import decode_jpeg
from dataset.schema import BACKGROUND, HERO, PEOPLE
from model.data.copy_paste import paste, recolour, swap_identity
from model.data.packed_frames import PackedFrames
from model.settings import AugmentationSettings

Sample = tuple[np.ndarray, np.ndarray]  # (rows, columns, 3) uint8 RGB, (rows, columns) uint8 class indices
Pixel = tuple[int, int]  # row, column

BLOCK = 16  # pixels; JPEG's coding unit with chroma subsampling
RECOLOURED_PEOPLE = 0.7  # probability of each, in a frame that is changed so


def augment(
    frames: PackedFrames,
    row: int,
    settings: AugmentationSettings,
    random: np.random.Generator,
    focus: Pixel | None = None,
) -> Sample:
    """Return a square sample of `settings.crop` pixels; if it is a focused crop, with the pixel `focus` in it."""
    original = frames.images[row]
    image, labels = np.array(original), np.array(frames.labels[row])
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
        compress_changes(original, image, settings.jpeg_quality)
    image, labels = _crop(image, labels, settings, random, focus)
    if random.random() < settings.flip_probability:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return _change_light(np.ascontiguousarray(image), settings, random), np.ascontiguousarray(labels)


def _crop(
    image: np.ndarray,
    labels: np.ndarray,
    settings: AugmentationSettings,
    random: np.random.Generator,
    focus: Pixel | None,
) -> Sample:
    """Return a square of the frame, often with `focus` or else a person in it, resized to `settings.crop`."""
    height, width = labels.shape
    size = settings.crop
    if random.random() < settings.zoom_probability:
        size = round(size * np.exp(random.uniform(*np.log(settings.zoom_range))))
    size = min(size, height, width)
    top, left = random.integers(0, height - size + 1), random.integers(0, width - size + 1)
    if random.random() < settings.focus_probability:
        focus = focus or _random_person_pixel(labels, random)
        if focus is not None:
            margin = size // 10
            top = np.clip(focus[0] - random.integers(margin, size - margin), 0, height - size)
            left = np.clip(focus[1] - random.integers(margin, size - margin), 0, width - size)
    if settings.jpeg_quality and size == settings.crop:
        top, left = top // BLOCK * BLOCK, left // BLOCK * BLOCK
    image, labels = image[top : top + size, left : left + size], labels[top : top + size, left : left + size]
    if size == settings.crop:
        return image, labels
    image, labels = _resize(image, labels, settings.crop, random)
    if settings.jpeg_quality:
        image = compress(image, settings.jpeg_quality)
    return image, labels


def _resize(image: np.ndarray, labels: np.ndarray, size: int, random: np.random.Generator) -> Sample:
    """Return a sample of another scale. Smaller ones are averaged, or sampled as by a game engine."""
    shape = (size, size)
    if size > labels.shape[0]:
        image = cv2.resize(image, shape, interpolation=cv2.INTER_LINEAR)
    elif random.random() < 0.25:
        coverage = np.stack([labels == each for each in (BACKGROUND, PEOPLE, HERO)], axis=-1).astype(np.float32)
        image = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
        return image, cv2.resize(coverage, shape, interpolation=cv2.INTER_AREA).argmax(axis=-1).astype(np.uint8)
    else:
        image = cv2.resize(image, shape, interpolation=cv2.INTER_NEAREST_EXACT)
    return image, cv2.resize(labels, shape, interpolation=cv2.INTER_NEAREST_EXACT)


def _random_person_pixel(labels: np.ndarray, random: np.random.Generator) -> Pixel | None:
    """Return a pixel of the hero, or else of other people, or None."""
    for label in (HERO, PEOPLE):
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
    changed = (image != original).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if rows.size:
        region = tuple(slice(ends[0] // BLOCK * BLOCK, (ends[-1] // BLOCK + 1) * BLOCK) for ends in (rows, columns))
        image[region] = compress(image[region], quality)
