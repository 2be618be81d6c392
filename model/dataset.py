"""Reads labelled frames: pairs images with masks by name, from folders or zip archives, and says what is wrong.

A dataset is any tree with `images/` and `masks/` side by side, at any depth: an official archive as downloaded (zipped
or unpacked), a collection of runs, or a recording of this program. It reads; it does not augment and does not train.
"""

import json
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

IMAGE_SUFFIXES = {".jpeg", ".jpg", ".png"}
_ROLE = re.compile(r"_*(?:cam1|mask)_*")
_RUN = re.compile(r"_*run\d+")


class DatasetError(ValueError):
    """A dataset cannot be used as it is; the message names the files."""


@dataclass(frozen=True)
class Source:
    """A file in a folder, or a member of a zip archive."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    @property
    def name(self) -> str:
        """Of the file, without folders."""
        return self.path.name if self.member is None else PurePosixPath(self.member).name

    def read(self) -> bytes:
        """The file's bytes. OSError or BadZipFile when they cannot be read."""
        if self.member is None:
            return self.path.read_bytes()
        return _open_archive(self.path, os.getpid()).read(self.member)


@dataclass(frozen=True)
class Pair:
    """One labelled frame. `run` names the recording it comes from: frames of one run resemble each other.

    `by_model`: the mask is what a network saw, mistakes and all, as the recording's `frames.jsonl` says.
    """

    name: str
    image: Source
    mask: Source
    run: str
    by_model: bool = False


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a dataset: which file, and what about it."""

    kind: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


def find_pairs(source: str | Path) -> tuple[list[Pair], list[Problem]]:
    """Pairs below a folder or inside a zip, sorted by name, and the files that have no partner.

    Official names carry their role (`0_run1_cam1_00005.jpeg` with `0_run1_mask_00005.png`); with the role taken out the
    partners are equal. Masks of the official evaluation sets have lost their run (`0__mask_00005.png`): what is still
    without a partner is paired with the run taken out as well, where that leaves exactly one candidate.
    Frames that a recording's `hidden.txt` lists by name are left out.

    Raises DatasetError when there is nothing that could be a dataset.
    """
    source = Path(source)
    if not source.exists():
        raise DatasetError(f"expected a folder or a .zip with images/ and masks/, but {source} does not exist")
    files = list(_zip_files(source)) if source.is_file() else list(_folder_files(source))
    folders: dict[PurePosixPath, dict[str, dict[str, Source]]] = {}
    problems = []
    for relative, file in files:
        role = relative.parent.name.lower()
        if role not in ("images", "masks") or relative.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        if relative.name.startswith("."):
            continue
        by_role = folders.setdefault(relative.parent.parent, {"images": {}, "masks": {}})
        key = _ROLE.sub("_", relative.stem)
        if key in by_role[role]:
            problems.append(Problem("duplicate", str(file), f"same frame as {by_role[role][key]}; one of them must go"))
        else:
            by_role[role][key] = file
    if source.is_dir():
        for folder in sorted(path for path in source.rglob("*") if path.is_dir() and path.name in ("images", "masks")):
            place = PurePosixPath(folder.relative_to(source).as_posix())
            if not folders.get(place.parent, {}).get(place.name):
                problems.append(Problem("empty", str(folder), "a folder without any image"))
    if not folders and not problems:
        raise DatasetError(f"expected images/ and masks/ somewhere in {source}, found neither among {len(files)} files")

    hidden = {relative.parent: file for relative, file in files if relative.name == "hidden.txt"}
    lines = {relative.parent: file for relative, file in files if relative.name == "frames.jsonl"}
    pairs = []
    for folder, by_role in sorted(folders.items()):
        skip = set(hidden[folder].read().decode().split()) if folder in hidden else set()
        by_model = _labelled_by_model(lines[folder]) if folder in lines else frozenset()
        images, masks = by_role["images"], by_role["masks"]
        _adopt_masks_without_run(images, masks)
        for key in sorted(images.keys() - masks.keys()):
            problems.append(Problem("no mask", str(images[key]), f"no partner in {folder / 'masks'}"))
        for key in sorted(masks.keys() - images.keys()):
            problems.append(Problem("no image", str(masks[key]), f"no partner in {folder / 'images'}"))
        for key in sorted(images.keys() & masks.keys()):
            if key not in skip:
                run = _run_of(source, folder, images[key])
                pairs.append(Pair(key, images[key], masks[key], run, images[key].name in by_model))
    return pairs, problems


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """The image and its mask, both (height, width, 3) uint8 RGB, the mask exactly as stored.

    Raises DatasetError, naming the file, when one of them is not a readable image.
    """
    return decode_image(pair.image.read(), pair.image), decode_image(pair.mask.read(), pair.mask)


def decode_image(data: bytes, origin: object) -> np.ndarray:
    """JPEG or PNG bytes as (height, width, 3) uint8 RGB. Raises DatasetError naming `origin`."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        raise DatasetError(f"{origin}: expected a JPEG or PNG image, got {len(data)} bytes that are neither")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def labels_of(mask: np.ndarray) -> np.ndarray:
    """Class index per pixel, (height, width) uint8: 0 background, 1 people, 2 hero.

    Args: mask: (height, width, 3) uint8, one channel per class, any non-zero value means "is of this class"
    (official masks hold 0 and 255, a few hold 0 and 1).
    """
    return np.argmax(mask > 0, axis=2).astype(np.uint8)


def check_frame(pair: Pair, image: np.ndarray, mask: np.ndarray) -> Problem | None:
    """What is wrong with the pixels of a pair: not the size of its partner, other values, no class, several."""
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
    """Everything about one pair with each file read once: the image's SHA-256, image, mask, and what is wrong.

    Image and mask are None when one of them cannot be read; the hash is "" when the image cannot be.
    """
    digest = ""
    try:
        data = pair.image.read()
        digest = sha256(data).hexdigest()
        image, mask = decode_image(data, pair.image), decode_image(pair.mask.read(), pair.mask)
    except (DatasetError, OSError, zipfile.BadZipFile, zlib.error) as error:
        return digest, None, None, Problem("unreadable", pair.name, str(error))
    return digest, image, mask, check_frame(pair, image, mask)


def check_pairs(pairs: Iterable[Pair]) -> dict[int, Problem]:
    """What is wrong inside the files, by row of `pairs`: unreadable, not its partner's size, values, classes."""
    with ThreadPoolExecutor(2) as pool:  # decoding leaves Python's lock
        found = pool.map(lambda pair: inspect_pair(pair)[3], pairs)
        return {row: problem for row, problem in enumerate(found) if problem}


def summarise(problems: Iterable[Problem], most: int = 8) -> str:
    """Counts by kind and the first few files, for a person."""
    problems = list(problems)
    counts = ", ".join(f"{count} x {kind}" for kind, count in Counter(p.kind for p in problems).most_common())
    lines = [f"  {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  ... and {len(problems) - most} more")
    return "\n".join([counts, *lines])


def _adopt_masks_without_run(images: dict[str, Source], masks: dict[str, Source]) -> None:
    """Renames, in `masks`, the keys of masks that miss their run to the key of the one image that they fit."""
    lonely: dict[str, list[str]] = {}
    for key in images.keys() - masks.keys():
        lonely.setdefault(_RUN.sub("", key), []).append(key)
    for key in sorted(masks.keys() - images.keys()):
        candidates = lonely.get(_RUN.sub("", key), [])
        if len(candidates) == 1:
            masks[candidates[0]] = masks.pop(key)


def _labelled_by_model(lines: Source) -> frozenset[str]:
    """The images whose masks a network made, by the `frames.jsonl` of a recording."""
    names = set()
    for line in lines.read().splitlines():
        try:
            frame = json.loads(line)
            if frame["label_source"] == "model":
                names.add(frame["image"])
        except (ValueError, TypeError, KeyError):
            continue  # a line cut short by a crash, or not a recording's
    return frozenset(names)


@lru_cache(maxsize=8)
def _open_archive(path: Path, process: int) -> zipfile.ZipFile:
    """Kept open: reading a directory of thousands of members for each of them takes longer than the members.

    By process, because forked processes would share the position in the file.
    """
    return zipfile.ZipFile(path)


def _folder_files(root: Path) -> Iterator[tuple[PurePosixPath, Source]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield PurePosixPath(path.relative_to(root).as_posix()), Source(path)


def _zip_files(path: Path) -> Iterator[tuple[PurePosixPath, Source]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    except zipfile.BadZipFile as error:
        raise DatasetError(f"expected a folder or a .zip archive, but {path} is neither: {error}") from error
    for name in names:
        if not name.startswith("__MACOSX/"):
            yield PurePosixPath(name), Source(path, name)


def _run_of(source: Path, folder: PurePosixPath, image: Source) -> str:
    """`train/0_run6` for official names; the folder's own name for a recording, whose frames carry no role."""
    prefix, role, _ = PurePosixPath(image.name).stem.partition("cam1")
    parts = [part for part in (source.stem, *folder.parts) if part != "."]
    parts = [part for index, part in enumerate(parts) if index == 0 or part != parts[index - 1]]
    if role:
        parts.append(prefix.rstrip("_"))
    return "/".join(dict.fromkeys(parts))
