"""Makes one training sample out of a frame: new people, new clothes, another crop, another light.

Identity is what networks get wrong in this task: dark, far heroes are taken for other people, and people in red or
brown for the hero. So heroes are copied into other frames at every scale (Ghiasi et al. 2021, copy-paste), and other
people change clothes, so that no single colour is a proof.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from model.frames import HERO, PEOPLE, Frames


@dataclass(frozen=True)
class Augmentation:
    """How often and how strongly each change happens. Shares are probabilities per sample."""

    crop: int = 128  # pixels; the frame's own size uses it whole
    focus_share: float = 0.75  # crops that aim at the hero, or at people where there is none
    zoom_share: float = 0.25
    zoom: float = 0.3  # crops are taken 1 - zoom .. 1 + zoom times as large, then resized
    flip_share: float = 0.5
    paste_hero_share: float = 0.15  # of frames without a hero
    paste_people_share: float = 0.15
    recolour_share: float = 0.15
    marker_share: float = 0.05  # a box marker, as the agent has it drawn around the hero
    darken: float = 0.25  # brightness is multiplied by exp(-darken) .. exp(brighten)
    brighten: float = 0.2
    contrast: float = 0.15
    saturation: float = 0.15
    tint: float = 0.01
    jpeg_share: float = 0.05
    noise_share: float = 0.0


def augment(
    frames: Frames,
    index: int,
    settings: Augmentation,
    random: np.random.Generator,
    aim: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One sample: (crop, crop, 3) uint8 RGB and (crop, crop) uint8 class index. Aim: the pixel that crops go for."""
    image, labels = np.array(frames.images[index]), np.array(frames.labels[index])
    people = frames.instances_of(index)
    if random.random() < settings.recolour_share:
        for row in people[people[:, 1] == PEOPLE]:
            if random.random() < 0.7:
                _recolour(image, labels, row, random)
    if random.random() < settings.paste_people_share:
        for _ in range(random.integers(1, 4)):
            _paste(frames, image, labels, PEOPLE, random)
    if not (labels == HERO).any() and random.random() < settings.paste_hero_share:
        _paste(frames, image, labels, HERO, random)
    if random.random() < settings.marker_share:
        _draw_marker(image, labels, random)
    image, labels = _crop(image, labels, settings, random, aim)
    if random.random() < settings.flip_share:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return _light(np.ascontiguousarray(image), settings, random), np.ascontiguousarray(labels)


def _recolour(image: np.ndarray, labels: np.ndarray, row: np.ndarray, random: np.random.Generator) -> None:
    """Other clothes for one person: the colour channels of the upper or the lower half change places and strength."""
    _, label, top, left, bottom, right, _ = row
    middle = top + int((bottom - top) * random.uniform(0.35, 0.6))
    first, last = [(top, middle), (middle, bottom), (top, bottom)][random.choice(3, p=[0.4, 0.4, 0.2])]
    region = image[first:last, left:right]
    inside = labels[first:last, left:right] == label
    colours = region[inside][:, random.permutation(3)].astype(np.float32)
    gains = random.uniform(0.6, 1.4, 3) * random.uniform(0.7, 1.3)
    region[inside] = np.clip(colours * gains, 0, 255).astype(np.uint8)


def _paste(frames: Frames, image: np.ndarray, labels: np.ndarray, label: int, random: np.random.Generator) -> None:
    """Copies a person of another frame to a random place, rarely larger than it was, mostly smaller."""
    table = frames.instances
    rows = frames.copyable[label]
    if not rows.size:
        return
    index, _, top, left, bottom, right, _ = table[random.choice(rows)]
    patch = np.array(frames.images[index, top:bottom, left:right])
    alpha = (frames.labels[index, top:bottom, left:right] == label).astype(np.uint8)
    height = np.exp(random.uniform(np.log(6), np.log(70)))
    scale = min(height / (bottom - top), 1.15)
    rows_out, columns_out = max(round((bottom - top) * scale), 4), max(round((right - left) * scale), 2)
    if rows_out >= image.shape[0] or columns_out >= image.shape[1]:
        return
    method = cv2.INTER_NEAREST if random.random() < 0.4 else cv2.INTER_AREA
    # Colours bleed at the edge of a resized patch: take the background out of the average first.
    weight = cv2.resize(alpha.astype(np.float32), (columns_out, rows_out), interpolation=method)
    patch = cv2.resize(patch * alpha[..., None].astype(np.float32), (columns_out, rows_out), interpolation=method)
    patch = patch / np.maximum(weight, 1e-3)[..., None] * np.exp(random.uniform(np.log(0.75), np.log(1.25)))
    if random.random() < 0.5:
        patch, weight = patch[:, ::-1], weight[:, ::-1]
    row = random.integers(0, image.shape[0] - rows_out)
    column = random.integers(0, image.shape[1] - columns_out)
    inside = weight > 0.5
    image[row : row + rows_out, column : column + columns_out][inside] = np.clip(patch[inside], 0, 255)
    labels[row : row + rows_out, column : column + columns_out][inside] = label


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
        size = round(size * random.uniform(1 - settings.zoom, 1 + settings.zoom))
    size = min(size, height, width)
    top, left = random.integers(0, height - size + 1), random.integers(0, width - size + 1)
    if random.random() < settings.focus_share:
        aim = aim or _somebody(labels, random)
        if aim is not None:
            margin = size // 10
            top = np.clip(aim[0] - random.integers(margin, size - margin), 0, height - size)
            left = np.clip(aim[1] - random.integers(margin, size - margin), 0, width - size)
    image, labels = image[top : top + size, left : left + size], labels[top : top + size, left : left + size]
    if size != settings.crop:
        method = cv2.INTER_AREA if size > settings.crop else cv2.INTER_LINEAR
        image = cv2.resize(image, (settings.crop, settings.crop), interpolation=method)
        labels = cv2.resize(labels, (settings.crop, settings.crop), interpolation=cv2.INTER_NEAREST)
    return image, labels


def _somebody(labels: np.ndarray, random: np.random.Generator) -> tuple[int, int] | None:
    """A pixel of the hero, else of other people."""
    for label in (HERO, PEOPLE):
        pixels = np.flatnonzero(labels == label)
        if pixels.size:
            row, column = divmod(int(random.choice(pixels)), labels.shape[1])
            return row, column
    return None


def _light(image: np.ndarray, settings: Augmentation, random: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, tint and saturation; sometimes noise and a second JPEG generation."""
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
    if random.random() < settings.jpeg_share:
        quality = int(random.integers(50, 96))
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    return np.ascontiguousarray(image)
