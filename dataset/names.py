"""Find the mask of each image by name, where the names leave one way to pair them."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

_ROLE = re.compile(r"_*(?:cam1(?!\d)|mask)_*")
_NUMBERED_ROLE = re.compile(r"(?P<run>.*?)_*(?:cam1(?!\d)|mask)_*(?P<frame>.+)")
_PART = re.compile(r"[a-z]+|[0-9]+|[^\W\d_a-z]+")
_IMAGE_WORDS = {"image", "images", "img", "frame", "rgb", "photo", "picture", "pic", "color", "colour", "cam", "camera"}
_MASK_WORDS = {"mask", "masks", "label", "labels", "seg", "segmentation", "annotation", "gt", "truth", "groundtruth"}


Key = str | tuple[str, ...]


def frame_key(name: str) -> str:
    """Return what the names of an image and its mask have in common: the stem without role.

    Official names carry their role: `0_run1_cam1_00005.jpeg` with `0_run1_mask_00005.png`.
    """
    stem = PurePosixPath(name).stem
    return _ROLE.sub("_", stem).strip("_") or stem


def find_partners(images: Iterable[str], masks: Iterable[str]) -> dict[str, str]:
    """Return the mask of each image that has one, by file name. Of a step's names, only unique ones are paired.

    First equal keys; then masks that have lost their run (`4__mask_00005.png` of `4_run_99cam1_00005.jpeg`: the
    original preprocessing leaves out the folder); then names that differ in words for image and mask and in zeros
    before numbers (`image_007`, `mask_7`); then those where in addition one side has a word in all names that the other
    side has in none (`um_000007`, `um_road_000007`).
    """
    partners: dict[str, str] = {}
    images, masks = sorted(images), sorted(masks)
    for step in (_equal_keys, _without_run, _without_roles, _without_extra_words):
        found = step(images, masks)
        partners |= found
        images = [name for name in images if name not in found]
        masks = sorted(set(masks) - set(found.values()))
    return partners


def _equal_keys(images: list[str], masks: list[str]) -> dict[str, str]:
    return _unique_pairs(images, masks, frame_key)


def _without_run(images: list[str], masks: list[str]) -> dict[str, str]:
    """Pair masks whose name before the role is only the beginning of the image's, or nothing."""
    by_frame: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in images:
        if found := _NUMBERED_ROLE.fullmatch(PurePosixPath(name).stem):
            by_frame[found["frame"]].append((found["run"], name))
    claims: dict[str, list[str]] = defaultdict(list)
    for name in masks:
        if found := _NUMBERED_ROLE.fullmatch(PurePosixPath(name).stem):
            beginning = f"{found['run']}_".lstrip("_")
            fitting = [image for run, image in by_frame[found["frame"]] if f"{run}_".startswith(beginning)]
            if len(fitting) == 1:
                claims[fitting[0]].append(name)
    return {image: names[0] for image, names in claims.items() if len(names) == 1}


def _without_roles(images: list[str], masks: list[str]) -> dict[str, str]:
    return _unique_pairs(images, masks, _parts)


def _without_extra_words(images: list[str], masks: list[str]) -> dict[str, str]:
    sides = [[set(_parts(name)) for name in names] for names in (images, masks)]
    if not all(sides):
        return {}
    in_all, in_some = ([operation(*side) for side in sides] for operation in (set.intersection, set.union))
    extra = {part for here, there in ((0, 1), (1, 0)) for part in in_all[here] - in_some[there] if part.isalpha()}
    if extra & in_some[0] and extra & in_some[1]:
        return {}  # other names on either side: perhaps masks of other images
    return _unique_pairs(images, masks, lambda name: tuple(part for part in _parts(name) if part not in extra))


def _unique_pairs(images: list[str], masks: list[str], key: Callable[[str], Key]) -> dict[str, str]:
    first, second = _by_key(images, key), _by_key(masks, key)
    shared = first.keys() & second.keys()
    return {first[each][0]: second[each][0] for each in shared if each and len(first[each]) == len(second[each]) == 1}


def _by_key(names: list[str], key: Callable[[str], Key]) -> Mapping[Key, list[str]]:
    found: dict[Key, list[str]] = defaultdict(list)
    for name in names:
        found[key(name)].append(name)
    return found


def _parts(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name in order, without words for image and mask and zeros before numbers."""
    parts = _PART.findall(frame_key(name).lower())
    return tuple(
        part.lstrip("0") or "0" if part.isdecimal() else part
        for part in parts
        if part not in _IMAGE_WORDS | _MASK_WORDS
    )
