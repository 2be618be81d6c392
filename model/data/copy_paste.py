"""Who is in a frame: people change places with others, come from other frames, and get other clothes.

Identity is what networks get wrong in this task: dark, far heroes are taken for other people, and people in red or
brown for the hero. And there are few far heroes, whose places and light are learnt by heart. So heroes are copied into
other frames at every scale (Ghiasi et al. 2021, "Simple Copy-Paste is a Strong Data Augmentation Method"), and into the
very place and light of other people, and other people into hers.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from dataset.schema import HERO, PEOPLE
from model.data.packed_frames import Frames

MOST_SWAPPED = 90  # pixels of height: who is taller is known by more than colours, and a hole that large shows
MOST_GAIN = 1.6  # of a body that comes into another light: darker still, and the colours that tell who it is are gone


def recolour(image: np.ndarray, labels: np.ndarray, row: np.ndarray, random: np.random.Generator) -> None:
    """Other clothes for one person: the colour channels of the upper or the lower half change places and strength."""
    _, label, top, left, bottom, right, _ = row
    middle = top + int((bottom - top) * random.uniform(0.35, 0.6))
    first, last = [(top, middle), (middle, bottom), (top, bottom)][random.choice(3, p=[0.4, 0.4, 0.2])]
    region = image[first:last, left:right]
    inside = labels[first:last, left:right] == label
    colours = region[inside][:, random.permutation(3)].astype(np.float32)
    gains = random.uniform(0.6, 1.4, 3) * random.uniform(0.7, 1.3)
    region[inside] = np.clip(colours * gains, 0, 255).astype(np.uint8)


def swap(
    frames: Frames,
    image: np.ndarray,
    labels: np.ndarray,
    row: np.ndarray,
    hero_brightness: float,
    random: np.random.Generator,
) -> None:
    """Somebody else stands where a person stood, as tall and in the same light: the place does not tell who it is.

    Hero brightness: how bright she is, relative to others in the same light.
    """
    _, label, top, left, bottom, right, _ = row
    person = labels[top:bottom, left:right] == label
    around = np.s_[max(top - 6, 0) : bottom + 6, max(left - 6, 0) : right + 6]
    if bottom - top > MOST_SWAPPED or np.count_nonzero(labels[around]) > np.count_nonzero(person):
        return  # too large, or the hole would be filled with somebody near
    others = (labels == HERO).any() and label != HERO
    wanted = HERO if not others and random.random() < 0.3 else PEOPLE
    light = max(image[top:bottom, left:right][person].mean(), 1)
    light *= {(PEOPLE, HERO): hero_brightness, (HERO, PEOPLE): 1 / hero_brightness}.get((label, wanted), 1)
    for _ in range(4):
        body = _body(frames, wanted, round((bottom - top) * np.exp(random.normal(0, 0.1))), random)
        if body is None:
            continue
        patch, inside = body
        gain = light / max(patch[inside].mean(), 1) * np.exp(random.normal(0, 0.2))
        if max(gain, 1 / gain) < MOST_GAIN:
            _erase(image, labels, row, around)
            rows, columns = inside.shape
            first = np.clip(bottom - rows, 0, labels.shape[0] - rows)
            start = np.clip((left + right - columns) // 2, 0, labels.shape[1] - columns)
            _put(image, labels, patch * gain, inside, wanted, (first, start))
            return


def _erase(image: np.ndarray, labels: np.ndarray, row: np.ndarray, around: tuple[slice, slice]) -> None:
    """Takes a person out of the frame, and fills the hole with what is around it."""
    _, label, top, left, bottom, right, _ = row
    hole = np.zeros(labels.shape, np.uint8)
    hole[top:bottom, left:right] = labels[top:bottom, left:right] == label
    filled = cv2.dilate(hole[around], np.ones((5, 5), np.uint8))  # JPEG carries colours past the edge
    image[around] = cv2.inpaint(np.ascontiguousarray(image[around]), filled, 2, cv2.INPAINT_TELEA)
    labels[hole > 0] = 0


def paste(frames: Frames, image: np.ndarray, labels: np.ndarray, label: int, random: np.random.Generator) -> None:
    """Copies a person of another frame to a random place."""
    body = _body(frames, label, round(np.exp(random.uniform(np.log(6), np.log(70)))), random)
    if body is None:
        return
    patch, inside = body
    corner = [random.integers(0, whole - part) for whole, part in zip(labels.shape, inside.shape, strict=True)]
    _put(image, labels, patch * np.exp(random.uniform(np.log(0.75), np.log(1.25))), inside, label, corner)


def _put(
    image: np.ndarray,
    labels: np.ndarray,
    patch: np.ndarray,
    inside: np.ndarray,
    label: int,
    corner: Sequence[int],
) -> None:
    """Writes a body into a frame, its upper left corner at (row, column)."""
    (row, column), (rows, columns) = corner, inside.shape
    image[row : row + rows, column : column + columns][inside] = np.clip(patch[inside], 0, 255)
    labels[row : row + rows, column : column + columns][inside] = label


def _body(frames: Frames, label: int, height: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """A person of some frame, `height` pixels tall but rarely taller than it was: float32 RGB, and where it is."""
    bodies, row = frames.copyable[label], None
    if random.random() < 0.7:
        row = bodies.draw(1.5 * height, 4 * height, random)  # what is made smaller shows less of its own JPEG
    if row is None:
        row = bodies.draw(0, np.inf, random)
    if row is None:
        return None
    index, _, top, left, bottom, right, _ = frames.instances[row]
    alpha = (frames.labels[index, top:bottom, left:right] == label).astype(np.float32)
    patch = np.array(frames.images[index, top:bottom, left:right]) * alpha[..., None]
    scale = min(height / (bottom - top), 1.15)
    size = max(round((right - left) * scale), 2), max(round((bottom - top) * scale), 4)
    if max(size) >= min(frames.labels.shape[1:]):
        return None
    method = cv2.INTER_NEAREST_EXACT if random.random() < 0.75 else cv2.INTER_AREA  # a game engine takes single pixels
    # Colours bleed at the edge of a resized patch: take the background out of the average first.
    weight = cv2.resize(alpha, size, interpolation=method)
    patch = cv2.resize(patch, size, interpolation=method) / np.maximum(weight, 1e-3)[..., None]
    if random.random() < 0.5:
        patch, weight = patch[:, ::-1], weight[:, ::-1]
    inside = weight > 0.5
    return (patch, inside) if inside.any() else None
