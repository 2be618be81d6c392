"""Augmentations of people: clothes of other colours, pasted people, identity swaps.

Identity is what networks get wrong in this task: dark, distant targets are taken for other people, and people in red or
brown for the target. Distant targets are also rare, so networks memorise their places and their light. People are
therefore pasted into other frames at all scales (Ghiasi et al. 2021, "Simple Copy-Paste is a Strong Data Augmentation
Method"), and swapped with others at the same place and in the same light.
"""

import cv2
import numpy as np

from dataset.schema import BACKGROUND, HERO, PEOPLE
from model.data.packed_frames import PackedFrames, Person

MAX_SWAP_HEIGHT = 90  # pixels; of larger people the build shows, too, and so does the inpainted hole
MAX_GAIN = 1.6  # of a swapped person's brightness; more would destroy the colours that identify it
MAX_UPSCALING = 1.15

CutOut = tuple[np.ndarray, np.ndarray]  # (h, w, 3) float RGB pixels, and (h, w) bool: which of them are the person


def recolour(image: np.ndarray, labels: np.ndarray, person: Person, random: np.random.Generator) -> None:
    """Change the colour of a person's upper half, lower half or all, in place: channels are permuted and scaled."""
    middle = person.top + int(person.height * random.uniform(0.35, 0.6))
    parts = [(person.top, middle), (middle, person.bottom), (person.top, person.bottom)]
    first, last = parts[random.choice(3, p=[0.4, 0.4, 0.2])]
    region = image[first:last, person.left : person.right]
    mask = labels[first:last, person.left : person.right] == person.label
    colours = region[mask][:, random.permutation(3)].astype(np.float32)
    gains = random.uniform(0.6, 1.4, 3) * random.uniform(0.7, 1.3)
    region[mask] = np.clip(colours * gains, 0, 255).astype(np.uint8)


def swap_identity(
    frames: PackedFrames,
    image: np.ndarray,
    labels: np.ndarray,
    person: Person,
    hero_brightness: float,  # of heroes relative to other people in the same light
    random: np.random.Generator,
) -> None:
    """Replace a person, in place, by another one of the same height in the same light: location reveals no identity.

    People who are too large or touch others stay.
    """
    mask = labels[person.box] == person.label
    surroundings = np.s_[max(person.top - 6, 0) : person.bottom + 6, max(person.left - 6, 0) : person.right + 6]
    is_alone = np.count_nonzero(labels[surroundings]) <= np.count_nonzero(mask)
    if person.height > MAX_SWAP_HEIGHT or not is_alone:  # inpainting would fill the hole with the neighbour
        return
    other_hero = (labels == HERO).any() and person.label != HERO
    new_label = HERO if not other_hero and random.random() < 0.3 else PEOPLE
    brightness = max(image[person.box][mask].mean(), 1)
    ratios = {(PEOPLE, HERO): hero_brightness, (HERO, PEOPLE): 1 / hero_brightness}
    brightness *= ratios.get((person.label, new_label), 1)
    for _ in range(4):
        cut_out = _draw_cut_out(frames, new_label, round(person.height * np.exp(random.normal(0, 0.1))), random)
        if cut_out is None:
            continue
        pixels, inside = cut_out
        gain = brightness / max(pixels[inside].mean(), 1) * np.exp(random.normal(0, 0.2))
        if max(gain, 1 / gain) < MAX_GAIN:
            _erase(image, labels, person, surroundings)
            rows, columns = inside.shape
            top = np.clip(person.bottom - rows, 0, labels.shape[0] - rows)
            left = np.clip((person.left + person.right - columns) // 2, 0, labels.shape[1] - columns)
            _insert(image, labels, (pixels * gain, inside), new_label, top, left)
            return


def paste(frames: PackedFrames, image: np.ndarray, labels: np.ndarray, label: int, random: np.random.Generator) -> None:
    """Paste a person of class `label` from another frame at a random place."""
    cut_out = _draw_cut_out(frames, label, round(np.exp(random.uniform(np.log(6), np.log(70)))), random)
    if cut_out is None:
        return
    pixels, inside = cut_out
    top, left = (random.integers(0, whole - part) for whole, part in zip(labels.shape, inside.shape, strict=True))
    gain = np.exp(random.uniform(np.log(0.75), np.log(1.25)))
    _insert(image, labels, (pixels * gain, inside), label, top, left)


def _erase(image: np.ndarray, labels: np.ndarray, person: Person, surroundings: tuple[slice, slice]) -> None:
    """Replace a person by inpainted surroundings."""
    hole = np.zeros(labels.shape, np.uint8)
    hole[person.box] = labels[person.box] == person.label
    dilated = cv2.dilate(hole[surroundings], np.ones((5, 5), np.uint8))  # JPEG spreads colours beyond the edge
    image[surroundings] = cv2.inpaint(np.ascontiguousarray(image[surroundings]), dilated, 2, cv2.INPAINT_TELEA)
    labels[hole > 0] = BACKGROUND


def _insert(image: np.ndarray, labels: np.ndarray, cut_out: CutOut, label: int, top: int, left: int) -> None:
    pixels, inside = cut_out
    rows, columns = inside.shape
    box = np.s_[top : top + rows, left : left + columns]
    image[box][inside] = np.clip(pixels[inside], 0, 255)
    labels[box][inside] = label


def _draw_cut_out(frames: PackedFrames, label: int, height: int, random: np.random.Generator) -> CutOut | None:
    """Return a random person of class `label`, scaled to `height` pixels but hardly enlarged, or None if none fits."""
    donors, row = frames.donors[label], None
    if random.random() < 0.7:
        row = donors.draw(1.5 * height, 4 * height, random)  # downscaling removes the artefacts of its own JPEG
    if row is None:
        row = donors.draw(0, np.inf, random)
    if row is None:
        return None
    donor = Person(*frames.people[row].tolist())
    rows, columns = donor.box
    alpha = (frames.labels[donor.frame, rows, columns] == label).astype(np.float32)
    pixels = np.array(frames.images[donor.frame, rows, columns]) * alpha[..., None]
    scale = min(height / donor.height, MAX_UPSCALING)
    size = max(round((donor.right - donor.left) * scale), 2), max(round(donor.height * scale), 4)
    if max(size) >= min(frames.labels.shape[1:]):
        return None
    # Game engines sample single texels, so mostly that.
    interpolation = cv2.INTER_NEAREST_EXACT if random.random() < 0.75 else cv2.INTER_AREA
    # The weighted mean keeps the background out of the edge's colours.
    weight = cv2.resize(alpha, size, interpolation=interpolation)
    pixels = cv2.resize(pixels, size, interpolation=interpolation) / np.maximum(weight, 1e-3)[..., None]
    if random.random() < 0.5:
        pixels, weight = pixels[:, ::-1], weight[:, ::-1]
    inside = weight > 0.5
    return (pixels, inside) if inside.any() else None
