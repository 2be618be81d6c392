"""Makes one training sample out of a frame: other people, another crop, another scale, another light.

What a far hero shows of herself is what the camera's JPEG leaves: one colour for two by two pixels, on a grid of
blocks. So whatever is changed is compressed again, and crops keep to the grid.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.schema import HERO, PEOPLE
from model.data.camera_jpeg import BLOCK, compress, compress_changes
from model.data.copy_paste import paste, recolour, swap
from model.data.packed_frames import Frames


@dataclass(frozen=True)
class Augmentation:
    """How often and how strongly each change happens. Shares are probabilities per sample."""

    crop: int = 128  # pixels; the frame's own size uses it whole
    focus_share: float = 0.75  # crops that aim at the hero, or at people where there is none
    zoom_share: float = 0.5
    zoom_range: tuple[float, float] = (0.65, 2.0)  # crops are taken so many times as large, then resized
    flip_share: float = 0.5
    swap_share: float = 0.35  # somebody becomes somebody else, in the same place and the same light
    hero_brightness: float = 0.55  # relative to others in the same light, for swaps
    paste_hero_share: float = 0.25  # of frames without a hero
    paste_people_share: float = 0.25
    recolour_share: float = 0.25
    marker_share: float = 0.05  # a box marker, as the agent has it drawn around the hero
    darken: float = 0.25  # brightness is multiplied by exp(-darken) .. exp(brighten)
    brighten: float = 0.25
    contrast: float = 0.1
    saturation: float = 0.15
    tint: float = 0.01
    camera_quality: int = 75  # of the camera's JPEG: what is changed or resized goes through it; 0: nothing does
    noise_share: float = 0.0


def augment(
    frames: Frames,
    index: int,
    settings: Augmentation,
    random: np.random.Generator,
    aim: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One sample: (crop, crop, 3) uint8 RGB and (crop, crop) uint8 class index. Aim: the pixel that crops go for."""
    original = frames.images[index]
    image, labels = np.array(original), np.array(frames.labels[index])
    people = frames.instances_of(index)
    if random.random() < settings.recolour_share:
        for row in people[people[:, 1] == PEOPLE]:
            if random.random() < 0.7:
                recolour(image, labels, row, random)
    if random.random() < settings.swap_share and people.size:
        swap(frames, image, labels, people[random.integers(len(people))], settings.hero_brightness, random)
    if random.random() < settings.paste_people_share:
        for _ in range(random.integers(1, 4)):
            paste(frames, image, labels, PEOPLE, random)
    if not (labels == HERO).any() and random.random() < settings.paste_hero_share:
        paste(frames, image, labels, HERO, random)
    if random.random() < settings.marker_share:
        _draw_marker(image, labels, random)
    if settings.camera_quality:
        compress_changes(original, image, settings.camera_quality)
    image, labels = _crop(image, labels, settings, random, aim)
    if random.random() < settings.flip_share:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return _light(np.ascontiguousarray(image), settings, random), np.ascontiguousarray(labels)


def _draw_marker(image: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> None:
    """A translucent blue box around the hero, or around anything: the agent's own marker is in the next frame."""
    rows, columns = np.nonzero(labels == HERO)
    if rows.size and random.random() < 0.7:
        top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    else:
        height = int(np.exp(random.uniform(np.log(12), np.log(160))))
        top, left = random.integers(0, image.shape[0]), random.integers(0, image.shape[1])
        bottom, right = top + height, left + max(height // 2, 4)
    height, width = bottom - top, right - left
    alpha = random.uniform(0.04, 0.2)
    overlay = image.copy()
    for _ in range(2):  # its near and its far side
        jitter = random.uniform(-0.25, 0.35, 4)
        first = np.array([left - jitter[0] * width, top - jitter[1] * height / 2])
        last = np.array([right + jitter[2] * width, bottom + jitter[3] * height / 2])
        lean = random.uniform(-0.15, 0.15) * height
        corners = [first, (last[0], first[1] + lean), (last[0], last[1] + lean), (first[0], last[1])]
        overlay[:] = image
        cv2.fillPoly(overlay, [np.array(corners, np.int32)], (0, 0, int(random.integers(180, 256))))
        cv2.addWeighted(overlay, alpha, image, 1 - alpha, 0, dst=image)


def _crop(
    image: np.ndarray,
    labels: np.ndarray,
    settings: Augmentation,
    random: np.random.Generator,
    aim: tuple[int, int] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """A square of the frame, often around `aim` or else somebody, resized to `settings.crop`."""
    height, width = labels.shape
    size = settings.crop
    if random.random() < settings.zoom_share:
        size = round(size * np.exp(random.uniform(*np.log(settings.zoom_range))))
    size = min(size, height, width)
    top, left = random.integers(0, height - size + 1), random.integers(0, width - size + 1)
    if random.random() < settings.focus_share:
        aim = aim or _somebody(labels, random)
        if aim is not None:
            margin = size // 10
            top = np.clip(aim[0] - random.integers(margin, size - margin), 0, height - size)
            left = np.clip(aim[1] - random.integers(margin, size - margin), 0, width - size)
    if settings.camera_quality and size == settings.crop:
        top, left = top // BLOCK * BLOCK, left // BLOCK * BLOCK
    image, labels = image[top : top + size, left : left + size], labels[top : top + size, left : left + size]
    if size == settings.crop:
        return image, labels
    image, labels = _resize(image, labels, settings.crop, random)
    if settings.camera_quality:
        image = compress(image, settings.camera_quality)
    return image, labels


def _resize(
    image: np.ndarray, labels: np.ndarray, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Another scale. Smaller pictures are made of means, or of single pixels as a game engine makes them."""
    shape = (size, size)
    if size > labels.shape[0]:
        image = cv2.resize(image, shape, interpolation=cv2.INTER_LINEAR)
    elif random.random() < 0.25:
        shares = np.stack([labels == 0, labels == PEOPLE, labels == HERO], axis=-1).astype(np.float32)
        image = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
        return image, cv2.resize(shares, shape, interpolation=cv2.INTER_AREA).argmax(axis=-1).astype(np.uint8)
    else:
        image = cv2.resize(image, shape, interpolation=cv2.INTER_NEAREST_EXACT)
    return image, cv2.resize(labels, shape, interpolation=cv2.INTER_NEAREST_EXACT)


def _somebody(labels: np.ndarray, random: np.random.Generator) -> tuple[int, int] | None:
    """A pixel of the hero, else of other people."""
    for label in (HERO, PEOPLE):
        pixels = np.flatnonzero(labels == label)
        if pixels.size:
            row, column = divmod(int(random.choice(pixels)), labels.shape[1])
            return row, column
    return None


def _light(image: np.ndarray, settings: Augmentation, random: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, tint and saturation; sometimes noise."""
    gain = np.exp(random.uniform(-settings.darken, settings.brighten))
    gain *= 1 + random.uniform(-settings.tint, settings.tint, 3)
    contrast = 1 + random.uniform(-settings.contrast, settings.contrast)
    levels = np.arange(256, dtype=np.float32)
    table = (levels[:, None] - 110) * contrast * gain + 110 * gain
    image = cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8).reshape(256, 1, 3))
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    keep = 1 + random.uniform(-settings.saturation, settings.saturation)
    image = cv2.addWeighted(image, keep, grey, 1 - keep, 0)
    if random.random() < settings.noise_share:
        noise = random.normal(0, random.uniform(1, 6), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(image)
