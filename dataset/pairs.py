"""Labelled frames: pair images with masks by name, in folders or zip archives, read and check them.

A dataset is any tree with `images/` and `masks/` side by side, at any depth: an official archive as downloaded (zipped
or unpacked), a collection of recordings, or one recording.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath

import numpy as np

from dataset.archives import DatasetError, Source, walk
from dataset.images import decode_image
from dataset.recordings.frame_record import FrameRecord, parse_frame_records
from dataset.recordings.layout import FRAMES, HIDDEN, IMAGES, MASKS

IMAGE_SUFFIXES = {".jpeg", ".jpg", ".png"}
SHOWN_PROBLEMS = 8
_ROLE = re.compile(r"_*(?:cam1|mask)_*")
_RUN = re.compile(r"_*run\d+")


@dataclass(frozen=True)
class Pair:
    """One labelled frame."""

    name: str
    image: Source
    mask: Source
    recording: str  # a group of frames that resemble each other: a flight, or one of the runs of the official data
    pseudo_labelled: bool = False  # the mask is a network's output, errors included, according to `frames.jsonl`


@dataclass(frozen=True)
class Problem:
    """A defect of a dataset: its kind, which file, and what is wrong with it."""

    kind: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass
class _Group:
    """Contents of one folder with `images/` and `masks/`: image files by the key that partners share, see `_key_of`."""

    images: dict[str, Source] = field(default_factory=dict)
    masks: dict[str, Source] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    records: list[FrameRecord] | None = None  # of a recording


def find_pairs(source: str | Path) -> tuple[list[Pair], list[Problem]]:
    """Return the pairs below a folder or inside a zip, sorted by name, and a problem for each file without a partner.

    Official names carry their role (`0_run1_cam1_00005.jpeg` with `0_run1_mask_00005.png`); without the role, partners
    are equal. Masks of the official evaluation sets have lost their run (`0__mask_00005.png`): what is still without
    a partner is matched without the run, too, if that leaves exactly one candidate. Frames that a recording's
    `hidden.txt` names are left out. Raises DatasetError if nothing there could be a dataset.
    """
    source = Path(source)
    if not source.exists():
        raise DatasetError(f"expected a folder or a .zip with images/ and masks/, but {source} does not exist")
    groups: dict[PurePosixPath, _Group] = defaultdict(_Group)
    found: set[PurePosixPath] = set()  # folders with images/ or masks/
    problems, count = [], 0
    for folder, files in walk(source):
        count += len(files)
        if HIDDEN in files:
            groups[folder].hidden = frozenset(files[HIDDEN].read().decode().split())
        if FRAMES in files:
            groups[folder].records = parse_frame_records(files[FRAMES].read())[0]
        if folder.name.lower() in (IMAGES, MASKS):
            group = groups[folder.parent]
            found.add(folder.parent)
            problems += _collect(files, group.images if folder.name.lower() == IMAGES else group.masks, source / folder)
    if not found:
        raise DatasetError(f"expected images/ and masks/ somewhere in {source}, found neither among {count} files")
    pairs: list[Pair] = []
    for folder in sorted(found):
        problems += _match(source, folder, groups[folder], pairs)
    return pairs, problems


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return the image and its mask as stored, both (height, width, 3) uint8 RGB. Raises DatasetError, OSError."""
    return decode_image(pair.image.read(), pair.image), decode_image(pair.mask.read(), pair.mask)


def check_frame(pair: Pair, image: np.ndarray, mask: np.ndarray) -> Problem | None:
    """Return what is wrong with the pixels of a pair: different sizes, unexpected values, no class or several."""
    if image.shape != mask.shape:
        reason = f"image is {image.shape[1]}x{image.shape[0]} but its mask {mask.shape[1]}x{mask.shape[0]}"
        return Problem("size", str(pair.mask), reason)
    values = np.flatnonzero(np.bincount(mask.reshape(-1), minlength=256))
    if not set(values.tolist()) <= {0, 1, 255}:
        return Problem("values", str(pair.mask), f"expected 0 and 255 (or 0 and 1), found {values[:8].tolist()}")
    classes = np.count_nonzero(mask, axis=2)
    if (classes != 1).any():
        reason = f"{int((classes == 0).sum())} pixels of no class, {int((classes > 1).sum())} of several"
        return Problem("classes", str(pair.mask), reason)
    return None


def inspect_pair(pair: Pair) -> tuple[str, np.ndarray | None, np.ndarray | None, Problem | None]:
    """Read each file of a pair once; return the image's SHA-256, image, mask (where readable), and what is wrong."""
    digest = ""
    try:
        data = pair.image.read()
        digest = sha256(data).hexdigest()
        image, mask = decode_image(data, pair.image), decode_image(pair.mask.read(), pair.mask)
    except (DatasetError, OSError) as error:
        return digest, None, None, Problem("unreadable", pair.name, str(error))
    return digest, image, mask, check_frame(pair, image, mask)


def check_pairs(pairs: Iterable[Pair]) -> dict[int, Problem]:
    """Return what is wrong inside the files, by index in `pairs`."""
    with ThreadPoolExecutor(2) as pool:  # decoding releases the interpreter's lock
        problems = pool.map(lambda pair: inspect_pair(pair)[3], pairs)
        return {index: problem for index, problem in enumerate(problems) if problem}


def summarise_problems(problems: Iterable[Problem]) -> str:
    """Return counts by kind and the first few problems, for a message to the user."""
    problems = list(problems)
    counts = ", ".join(f"{count} x {kind}" for kind, count in Counter(p.kind for p in problems).most_common())
    more = [f"... and {len(problems) - SHOWN_PROBLEMS} more"] if len(problems) > SHOWN_PROBLEMS else []
    return "\n  ".join([counts, *map(str, problems[:SHOWN_PROBLEMS]), *more])


def _collect(files: dict[str, Source], by_key: dict[str, Source], folder: Path) -> list[Problem]:
    """Add the image files among those of `images/` or `masks/` to `by_key`; return what is wrong."""
    problems = []
    for name, file in sorted(files.items()):
        if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith("."):
            same = by_key.setdefault(_key_of(name), file)
            if same is not file:
                problems.append(Problem("duplicate", str(file), f"same frame as {same}; remove one of them"))
    if not by_key:
        problems.append(Problem("empty", str(folder), "a folder without any image"))
    return problems


def _match(source: Path, folder: PurePosixPath, group: _Group, pairs: list[Pair]) -> list[Problem]:
    """Add the pairs of a group to `pairs`; return what is wrong."""
    images, masks, records = group.images, group.masks, group.records or []
    _match_without_run(images, masks)
    unpaired = images.keys() ^ masks.keys()
    if group.records is not None:  # a frame without its line is still being recorded
        unpaired &= {_key_of(record.image) for record in records}
    pseudo_labelled = {record.image for record in records if record.label_source == "model"}
    for key in sorted((images.keys() & masks.keys()) - group.hidden):
        image = images[key]
        recording = _recording_of(source, folder, image)
        pairs.append(Pair(key, image, masks[key], recording, image.name in pseudo_labelled))
    missing = [("no mask", images[key], MASKS) for key in sorted(unpaired & images.keys())]
    missing += [("no image", masks[key], IMAGES) for key in sorted(unpaired & masks.keys())]
    return [Problem(kind, str(file), f"no partner in {folder / role}") for kind, file, role in missing]


def _key_of(name: str) -> str:
    """Return the key that an image and its mask share: the file's name without role and suffix."""
    return _ROLE.sub("_", PurePosixPath(name).stem)


def _match_without_run(images: dict[str, Source], masks: dict[str, Source]) -> None:
    """Rename, in `masks`, the keys of masks that have lost their run to that of the only image that fits."""
    unpaired: dict[str, list[str]] = defaultdict(list)
    for key in images.keys() - masks.keys():
        unpaired[_RUN.sub("", key)].append(key)
    for key in sorted(masks.keys() - images.keys()):
        if len(candidates := unpaired[_RUN.sub("", key)]) == 1:
            masks[candidates[0]] = masks.pop(key)


def _recording_of(source: Path, folder: PurePosixPath, image: Source) -> str:
    """Return `train/0_run6` for official names, else the folder's own name: recorded frames carry no role."""
    prefix, role, _ = PurePosixPath(image.name).stem.partition("cam1")
    run = [prefix.rstrip("_")] if role else []
    return "/".join(dict.fromkeys([source.stem, *folder.parts, *run]))
