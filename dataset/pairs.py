"""Reads labelled frames: pairs images with masks by name, from folders or zip archives, and says what is wrong.

A dataset is any tree with `images/` and `masks/` side by side, at any depth: an official archive as downloaded (zipped
or unpacked), a collection of runs, or a recording of this program. It reads; it does not augment and does not train.
"""

import contextlib
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
ARCHIVERS_OWN = {"__MACOSX"}  # copies of every name, without pictures
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
        return self.path.name if self.member is None else member_path(self.member).name

    def read(self) -> bytes:
        """Return the file's bytes. Raises OSError, and DatasetError where an archive is damaged."""
        if self.member is None:
            return self.path.read_bytes()
        try:
            return _open_archive(self.path, os.getpid()).read(self.member)
        except (zipfile.BadZipFile, zlib.error) as error:
            raise DatasetError(f"{self} cannot be read: {error}") from error


@dataclass(frozen=True)
class Pair:
    """One labelled frame.

    `recording` is a group of frames that resemble each other: a flight, or one of the runs of the official data.
    `pseudo_labelled`: the mask is a network's output, errors included, according to the recording's `frames.jsonl`.
    """

    name: str
    image: Source
    mask: Source
    recording: str
    pseudo_labelled: bool = False


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
    folders: dict[PurePosixPath, dict[str, dict[str, Source]]] = {}
    hidden: dict[PurePosixPath, set[str]] = {}
    lines: dict[PurePosixPath, list[dict]] = {}
    problems, count = [], 0
    for place, files in _zip_folders(source) if source.is_file() else _folders(source):
        count += len(files)
        if "hidden.txt" in files:
            hidden[place] = set(files["hidden.txt"].read().decode().split())
        if "frames.jsonl" in files:
            lines[place] = _lines(files["frames.jsonl"])
        role = place.name.lower()
        if role not in ("images", "masks"):
            continue
        by_role = folders.setdefault(place.parent, {"images": {}, "masks": {}})
        for name, file in sorted(files.items()):
            if PurePosixPath(name).suffix.lower() not in IMAGE_SUFFIXES or name.startswith("."):
                continue
            key = _key_of(name)
            if key in by_role[role]:
                reason = f"same frame as {by_role[role][key]}; one of them must go"
                problems.append(Problem("duplicate", str(file), reason))
            else:
                by_role[role][key] = file
        if not by_role[role]:
            problems.append(Problem("empty", str(source / place), "a folder without any image"))
    if not folders:
        raise DatasetError(f"expected images/ and masks/ somewhere in {source}, found neither among {count} files")

    pairs = []
    for folder, by_role in sorted(folders.items()):
        written = lines.get(folder, [])
        pseudo_labelled = {line["image"] for line in written if line.get("label_source") == "model"}
        images, masks = by_role["images"], by_role["masks"]
        _adopt_masks_without_run(images, masks)
        alone = images.keys() ^ masks.keys()
        if folder in lines:  # a frame without its line is still being recorded
            alone &= {_key_of(line["image"]) for line in written}
        for key in sorted(alone & images.keys()):
            problems.append(Problem("no mask", str(images[key]), f"no partner in {folder / 'masks'}"))
        for key in sorted(alone & masks.keys()):
            problems.append(Problem("no image", str(masks[key]), f"no partner in {folder / 'images'}"))
        for key in sorted((images.keys() & masks.keys()) - hidden.get(folder, set())):
            recording = _recording_of(source, folder, images[key])
            pairs.append(Pair(key, images[key], masks[key], recording, images[key].name in pseudo_labelled))
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
    except (DatasetError, OSError) as error:
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


def _key_of(name: str) -> str:
    """What an image and its mask have in common: the name of the file without its role and suffix."""
    return _ROLE.sub("_", PurePosixPath(name).stem)


def _adopt_masks_without_run(images: dict[str, Source], masks: dict[str, Source]) -> None:
    """Renames, in `masks`, the keys of masks that miss their run to the key of the one image that they fit."""
    lonely: dict[str, list[str]] = {}
    for key in images.keys() - masks.keys():
        lonely.setdefault(_RUN.sub("", key), []).append(key)
    for key in sorted(masks.keys() - images.keys()):
        candidates = lonely.get(_RUN.sub("", key), [])
        if len(candidates) == 1:
            masks[candidates[0]] = masks.pop(key)


def _lines(file: Source) -> list[dict]:
    """The frames that the `frames.jsonl` of a recording tells of."""
    frames = []
    for line in file.read().splitlines():
        with contextlib.suppress(ValueError, RecursionError):  # cut short by a crash, or not a recording's
            frames.append(json.loads(line))
    return [frame for frame in frames if isinstance(frame, dict) and isinstance(frame.get("image"), str)]


@lru_cache(maxsize=8)
def _open_archive(path: Path, process: int) -> zipfile.ZipFile:
    """Kept open: reading a directory of thousands of members for each of them takes longer than the members.

    By process, because forked processes would share the position in the file.
    """
    return zipfile.ZipFile(path)


def _folders(root: Path) -> Iterator[tuple[PurePosixPath, dict[str, Source]]]:
    """Each folder and its files, by name; links to folders are followed, each folder is met once.

    A folder is listed after the files beside it were handed out: while somebody records, `frames.jsonl` is read first.
    """
    met = set()
    for path, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(path)
        if real in met:
            folders.clear()
            continue
        met.add(real)
        folders[:] = sorted(set(folders) - ARCHIVERS_OWN)
        yield PurePosixPath(Path(path).relative_to(root).as_posix()), {name: Source(Path(path, name)) for name in names}


def _zip_folders(path: Path) -> Iterator[tuple[PurePosixPath, dict[str, Source]]]:
    """The same of an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except zipfile.BadZipFile as error:
        raise DatasetError(f"expected a folder or a .zip archive, but {path} is neither: {error}") from error
    found: dict[PurePosixPath, dict[str, Source]] = {}
    for name in names:
        member = member_path(name)
        if ARCHIVERS_OWN.isdisjoint(member.parts):
            found.setdefault(member.parent, {})[member.name] = Source(path, name)
    yield from sorted(found.items())


def member_path(name: str) -> PurePosixPath:
    """Some programs for Windows write archives with its separators."""
    return PurePosixPath(name.replace("\\", "/"))


def _recording_of(source: Path, folder: PurePosixPath, image: Source) -> str:
    """`train/0_run6` for official names; the folder's own name for a recording, whose frames carry no role."""
    prefix, role, _ = PurePosixPath(image.name).stem.partition("cam1")
    parts = [part for part in (source.stem, *folder.parts) if part != "."]
    parts = [part for index, part in enumerate(parts) if index == 0 or part != parts[index - 1]]
    if role:
        parts.append(prefix.rstrip("_"))
    return "/".join(dict.fromkeys(parts))
