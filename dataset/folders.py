"""Find the folders of images and of masks that belong together in a folder or zip, and what lies beside them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dataset.archives import DatasetError, Source, walk
from dataset.layouts import kitti_road
from dataset.masks.classes_file import CLASSES_FILE, parse_classes_file
from dataset.masks.colours import MaskColours
from dataset.names import frame_key
from dataset.problems import Problem
from dataset.recordings.frame_record import FrameRecord, parse_frame_records
from dataset.recordings.layout import FRAMES, HIDDEN, IMAGES, MASKS, parse_hidden

IMAGE_SUFFIXES = {".jpeg", ".jpg", ".png"}
UNREAD_SUFFIXES = {".bmp", ".gif", ".heic", ".jfif", ".npy", ".npz", ".ppm", ".pgm", ".tif", ".tiff", ".tga", ".webp"}
# Names that other tools use. They count if there is one of them, and images/ or masks/ is missing.
OTHER_NAMES = {
    IMAGES: {"image", "img", "imgs", "frames", "rgb", "photos", "pictures", kitti_road.IMAGES},
    MASKS: {
        *("mask", "label", "labels", "annotations", "segmentation", "segmentations", "gt", "ground_truth"),
        kitti_road.MASKS,
    },
}
RAW_FILE = re.compile(r"cam([1-4])_(\d+)\.png", re.IGNORECASE)  # of QuadSim's own recorder
ABOUT = {FRAMES, HIDDEN, CLASSES_FILE}  # files that say something of those beside and below them
SHOWN_NAMES = 3


@dataclass
class Group:
    """Images and masks that lie side by side, by file name, and what their folder says about them."""

    folder: PurePosixPath  # relative to the source
    images: dict[str, Source]
    masks: dict[str, Source]
    hidden: frozenset[str]
    records: list[FrameRecord] | None  # of a recording
    colours: MaskColours | None  # of the masks, where `classes.toml` says
    is_kitti_road: bool  # whether it has that layout


@dataclass
class _Tree:
    """Files of a source: of folders for images or masks by their common parent and own name, and of all others."""

    roles: dict[PurePosixPath, dict[str, dict[str, Source]]] = field(default_factory=lambda: defaultdict(dict))
    places: dict[tuple[PurePosixPath, str], PurePosixPath] = field(default_factory=dict)  # where each of these lies
    others: dict[PurePosixPath, dict[str, Source]] = field(default_factory=dict)
    about: dict[PurePosixPath, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))


def find_groups(source: Path) -> tuple[list[Group], list[Problem]]:
    """Return the groups below a folder or inside a zip, and what is wrong with folders. Raises DatasetError for none.

    Images and masks lie in `images/` and `masks/` side by side, or in folders of the same name inside both.
    """
    tree = _read_tree(source)
    groups, problems = list[Group](), list[Problem]()
    for folder, by_name in sorted(tree.roles.items()):
        found = {role: _candidates(role, by_name) for role in (IMAGES, MASKS)}
        if not all(found.values()) and {IMAGES, MASKS}.isdisjoint(map(str.lower, by_name)):
            continue  # labels or frames of something else
        if problem := _incomplete(folder, found, tree, source):
            problems.append(problem)
            continue
        images, masks = (
            _collect(by_name[names[0]], source / tree.places[folder, names[0]], problems) for names in found.values()
        )
        about = tree.about[folder]
        records, broken = parse_frame_records(about[FRAMES]) if FRAMES in about else (None, [])
        if lines := sum(line.endswith(b"\n") for line in broken):  # without an end, it is being written
            reason = f"{lines} lines cannot be read: labels of their frames count as a network's"
            problems.append(Problem("frames.jsonl", str(source / folder / FRAMES), reason))
        hidden = parse_hidden(about.get(HIDDEN, b""))
        colours = _colours_of(tree, tree.places[folder, found[MASKS][0]], source)
        if is_kitti_road := found[MASKS][0].lower() == kitti_road.MASKS:
            masks = kitti_road.road_masks(masks)
        groups.append(Group(folder, images, masks, hidden, records, colours, is_kitti_road))
    if not groups and not problems:
        raise DatasetError(_why_empty(source, tree))
    return groups, problems


def _read_tree(source: Path) -> _Tree:
    tree, folders = _Tree(), dict[PurePosixPath, dict[str, Source]]()
    for folder, files in walk(source):
        if not any(part.startswith(".") for part in folder.parts):
            folders[folder] = files
            for name in ABOUT & files.keys():  # now: the recording may be growing
                tree.about[folder][name] = files[name].read()
    with_subfolders = {parent for folder in folders for parent in folder.parents}
    for folder, files in folders.items():
        parts = folder.parts
        if (place := place_of_role(folder)) is None:
            tree.others[folder] = files
        elif files.keys() - ABOUT or folder not in with_subfolders:
            parent = PurePosixPath(*parts[:place], *parts[place + 1 :])
            tree.roles[parent][parts[place]] = files
            tree.places[parent, parts[place]] = folder
    return tree


def place_of_role(folder: PurePosixPath) -> int | None:
    """Return which part of a path stands for images or masks: the last one of these names, else of other names."""
    parts = [part.lower() for part in folder.parts]
    for names in (OTHER_NAMES.keys(), set().union(*OTHER_NAMES.values())):
        if places := [place for place, part in enumerate(parts) if part in names]:
            return places[-1]
    return None


def _candidates(role: str, by_name: Mapping[str, Mapping[str, Source]]) -> list[str]:
    """Return the names of folders that may hold the images or masks: of this name, else others with pictures."""
    if own := [name for name in by_name if name.lower() == role]:
        return own
    return [name for name, files in by_name.items() if name.lower() in OTHER_NAMES[role] and any(map(_is_image, files))]


def _incomplete(folder: PurePosixPath, found: Mapping[str, Sequence[str]], tree: _Tree, source: Path) -> Problem | None:
    """Return what keeps images and masks from being paired: a folder is missing, or several may be meant."""
    for role, other, kind in ((IMAGES, MASKS, "no image"), (MASKS, IMAGES, "no mask")):
        if len(found[role]) > 1:
            several = " and ".join(f"{name}/" for name in sorted(found[role]))
            return Problem(
                "ambiguous", str(source / folder), f"{several} may hold the {role}: name one of them {role}/"
            )
        if not found[role]:
            name, by_name = found[other][0], tree.roles[folder]
            beside = {each: files for each, files in by_name.items() if each != name}
            beside |= {each.name: files for each, files in tree.others.items() if each.parent == folder != each}
            listed = _some(f"{each}/ with {_contents(files)}" for each, files in sorted(beside.items()))
            hint = f"; beside it is {listed}" if beside else ""
            kind = kind if any(map(_is_image, by_name[name])) else "empty"
            return Problem(kind, str(source / tree.places[folder, name]), f"there is no folder {role}/ beside it{hint}")
    return None


def _collect(files: Mapping[str, Source], folder: Path, problems: list[Problem]) -> dict[str, Source]:
    """Return the image files, of each frame one, and report what else there is."""
    kept: dict[str, Source] = {}
    by_key: dict[str, Source] = {}
    for name, file in sorted(files.items()):
        if not _is_image(name):
            continue
        if (same := by_key.setdefault(frame_key(name), file)) is file:
            kept[name] = file
        else:
            problems.append(Problem("duplicate", str(file), f"same frame as {same}; remove one of them"))
    unread = sorted(name for name in files if PurePosixPath(name).suffix.lower() in UNREAD_SUFFIXES)
    if unread:
        text = f"{len(unread)} files such as {unread[0]} are not read; save them as PNG or JPEG"
        problems.append(Problem("suffix", str(folder), text))
    elif not kept:
        holds = f"; it holds {_contents(files)}, expected .jpeg, .jpg or .png" if files else ""
        text = f"a folder without any image{holds}"
        problems.append(Problem("empty", str(folder), text))
    return kept


def _contents(files: Iterable[str]) -> str:
    """Return how many files of which kinds there are: "60 .txt"; "nothing"."""
    suffixes = Counter(PurePosixPath(name).suffix.lower() or "files without suffix" for name in files)
    return ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common(SHOWN_NAMES)) or "nothing"


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")


def _colours_of(tree: _Tree, masks: PurePosixPath, source: Path) -> MaskColours | None:
    """Return what the nearest `classes.toml` says, in the folder of masks or one above it."""
    for place in (masks, *masks.parents):
        if data := tree.about.get(place, {}).get(CLASSES_FILE):
            return parse_classes_file(data, source / place / CLASSES_FILE)
    return None


def _why_empty(source: Path, tree: _Tree) -> str:
    """Return what was expected of a source without any images and masks, what is there, and what to do."""
    files = {folder: list(names) for folder, names in tree.others.items()}
    files |= {folder / name: list(found) for folder, by_name in tree.roles.items() for name, found in by_name.items()}
    if raw := sorted(str(folder) for folder, names in files.items() if any(map(RAW_FILE.fullmatch, names))):
        what = f"{source} holds raw recordings of QuadSim ({_some(raw)})"
        unpack = "" if source.is_dir() else "unpack it and "
        return (
            f"{what}, which have no masks yet; {unpack}convert them: python -m dataset import {source} recordings/NAME"
        )
    count = sum(map(len, files.values()))
    text = f"expected images/ and masks/ somewhere in {source}, found neither among {count} files"
    if source.name.lower() in {IMAGES, MASKS}:
        return f"{text}: give the folder that holds both, {source.parent}"
    if archives := sorted(name for names in files.values() for name in names if name.lower().endswith(".zip")):
        return f"{text}: give {_some(archives)} itself, one after another"
    return f"{text}: an image is, for example, images/000017.jpeg, and its mask masks/000017.png"


def _some(names: Iterable[str]) -> str:
    shown = [*names]
    return ", ".join([*shown[:SHOWN_NAMES], "..."] if len(shown) > SHOWN_NAMES else shown)
