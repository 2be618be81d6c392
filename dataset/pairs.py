"""Labelled frames: images and masks in folders or zip archives, paired by name and read.

A dataset is any tree with `images/` and `masks/` side by side, at any depth: an official archive as downloaded (zipped
or unpacked), a collection of recordings, or one recording.
"""

import difflib
import itertools
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

import numpy as np

from dataset.archives import DatasetError, Source, member_path
from dataset.folders import Group, find_groups, place_of_role
from dataset.images import decode_image
from dataset.layouts import kitti_road
from dataset.layouts.kitti_road import Split
from dataset.masks.colours import OWN, RECOGNISED_BY, RECORDED, UNREADABLE, MaskColours, recognise, why_unreadable
from dataset.masks.ignored import IgnoredBox, ignore
from dataset.masks.stored import StoredMask, decode_mask
from dataset.names import find_partners, frame_key
from dataset.problems import Problem
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RECORDINGS
from dataset.schema import DEFAULT_CLASSES, GROUND_TRUTH, Classes

DESCRIBED_MASKS = 200  # whose colours are listed where they cannot be read
MOST_SHARED = 0.9  # different first words for each image, up to which they are taken for names of runs


@dataclass(frozen=True)
class Pair:
    """One labelled frame."""

    name: str
    image: Source
    mask: Source
    recording: str  # a group of frames that resemble each other: a flight, or one of the runs of the official data
    pseudo_labelled: bool = False  # the mask is no ground truth, but may have errors, according to `frames.jsonl`
    corrected: bool = False  # a person made the mask, or accepted it, according to `frames.jsonl`
    colours: MaskColours = OWN  # of the mask
    split: Split | None = None  # that the dataset itself says the frame is for
    ignored: tuple[IgnoredBox, ...] = ()  # where the labels are known to be wrong
    record: FrameRecord | None = None  # the line of `frames.jsonl`, if the frame belongs to a recording


class MaskError(DatasetError):
    """A mask has pixels that show no class."""


def find_pairs(source: str | Path, colours: MaskColours | None = None) -> tuple[list[Pair], list[Problem]]:
    """Return the pairs below a folder or inside a zip, sorted by name, and a problem for each file without a partner.

    `dataset.folders` says which folders, `dataset.names` which names belong together. Frames that a recording's
    `hidden.txt` names are left out. `colours` are those of masks whose meaning neither a `classes.toml` nor a recording
    says. Raises DatasetError if nothing there could be a dataset.
    """
    source = Path(source)
    if not source.exists():
        text = f"expected a folder or a .zip with images/ and masks/, but {source} does not exist"
        raise DatasetError(text + _suggestion(source))
    groups, problems = find_groups(source)
    pairs: list[Pair] = []
    for group in groups:
        problems += _match(source, group, pairs, colours)
    return pairs, problems


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return the image, (height, width, 3) uint8 RGB, and the labels, (height, width) uint8 class indices.

    They may differ in size. Raises DatasetError, MaskError, OSError.
    """
    return decode_image(pair.image.read(), pair.image), read_labels(pair)


def read_labels(pair: Pair) -> np.ndarray:
    """Return the class of each pixel, (height, width) uint8. Raises DatasetError, MaskError, OSError."""
    return decode_labels_of(pair, pair.mask.read())


def decode_labels_of(pair: Pair, data: bytes) -> np.ndarray:
    """Return the same of a mask file that is read already. Raises DatasetError, MaskError."""
    mask = decode_mask(data, pair.mask)
    labels = pair.colours.labels(mask)
    if (labels == UNREADABLE).any():
        raise MaskError(why_unreadable([mask], pair.colours))
    return ignore(labels, pair.ignored) if pair.ignored else labels


def frame_id(image: bytes, mask: bytes) -> str:
    """Return what names a labelled frame wherever it lies: digests of its two files."""
    return f"{sha256(image).hexdigest()[:16]}-{sha256(mask).hexdigest()[:16]}"


def classes_of(pairs: Sequence[Pair]) -> Classes:
    """Return the classes that pairs have in common; without pairs the default. Raises DatasetError if they differ."""
    if not pairs:
        return DEFAULT_CLASSES
    classes = pairs[0].colours.classes
    check_classes(pairs, classes, pairs[0].mask.folder)
    return classes


def check_classes(pairs: Iterable[Pair], expected: Classes, whose: object) -> None:
    """Raise DatasetError for the first pair of other classes; `whose` says in the message who has the expected ones."""
    for pair in pairs:
        if (found := pair.colours.classes) != expected:
            raise DatasetError(
                f"expected the classes of {whose}, {expected}, but {pair.mask.folder} has {found}: name the same"
                " classes in the same order, with the same target, in a classes.toml, or leave one of the two out"
            )


def describe_colours(pairs: Iterable[Pair]) -> list[str]:
    """Return a sentence for each meaning of masks that was found or given instead of this project's own."""
    counts = Counter(pair.colours for pair in pairs if pair.colours.values != OWN.values or pair.colours.ignored)
    return [
        f"{count} masks are read as {colours}"
        + ("" if colours.certain else "; if that is wrong, name them in classes.toml")
        for colours, count in counts.items()
    ]


def _suggestion(source: Path) -> str:
    """Return the end of a sentence that names what is there instead; empty if nothing is similar."""
    if (RECORDINGS / source).exists():
        return f"; there is {RECORDINGS / source}"
    names = os.listdir(source.parent) if source.parent.is_dir() else []
    nearest = difflib.get_close_matches(source.name, names, n=1)
    return f"; did you mean {source.with_name(nearest[0])}?" if nearest else ""


def _match(source: Path, group: Group, pairs: list[Pair], given: MaskColours | None) -> list[Problem]:
    """Add the pairs of a group to `pairs`; return what is wrong."""
    partners = find_partners(group.images, group.masks)
    unpaired = [("no mask", file) for name, file in group.images.items() if name not in partners]
    paired_masks = set(partners.values())
    unpaired += [("no image", file) for name, file in group.masks.items() if name not in paired_masks]
    records = group.records or []
    if group.records is not None:  # a frame without its line is still being recorded
        recorded = {frame_key(record.image) for record in records}
        unpaired = [(kind, file) for kind, file in unpaired if frame_key(file.name) in recorded]
    record_of = {record.image: record for record in records}
    unknown = "simulator" if group.records is None else "model"  # of a recording, the network's own labels are no truth
    problems = [Problem(kind, str(file), "no partner of this name") for kind, file in unpaired]
    try:
        colours = _find_colours(group, given, [group.masks[mask] for mask in partners.values()])
    except MaskError as error:
        return [*problems, Problem("colours", str(source / group.folder), str(error))]
    split = kitti_road.split_of(group.folder) if group.is_kitti_road else None
    recorded_as = _without_own_words(partners)
    for image in sorted(partners, key=lambda image: (frame_key(recorded_as[image]), image)):
        if (name := frame_key(image)) not in group.hidden:
            recording = _recording_of(source, group, recorded_as[image])
            file, mask = group.images[image], group.masks[partners[image]]
            record = record_of.get(image)
            label_source = record.label_source if record else unknown
            pseudo_labelled, corrected = label_source not in GROUND_TRUTH, label_source == "person"
            pairs.append(Pair(name, file, mask, recording, pseudo_labelled, corrected, colours, split, record=record))
    return problems


def _find_colours(group: Group, given: MaskColours | None, masks: list[Source]) -> MaskColours:
    """Return what the pixels of a group's masks mean. Raises MaskError if no mask can be read in any known way."""
    if group.colours or group.records is not None:
        return group.colours or RECORDED
    if given or group.is_kitti_road:
        return given or kitti_road.COLOURS
    found = recognise(_sample(masks))
    if found is None and (readable := list(itertools.islice(_sample(masks), DESCRIBED_MASKS))):
        raise MaskError(why_unreadable(readable, OWN))
    return found or OWN


def _sample(files: list[Source]) -> Iterator[StoredMask]:
    """Yield masks: some from everywhere, then all of them. Those that cannot be read are left out."""
    spread = np.linspace(0, len(files) - 1, min(RECOGNISED_BY, len(files))).round().astype(int).tolist()
    for file in [*(files[index] for index in spread), *files]:
        try:
            yield decode_mask(file.read(), file)
        except (DatasetError, OSError):
            continue


def _without_own_words(images: Collection[str]) -> dict[str, str]:
    """Return the images' names without their first words, if hardly two images share one, such as a digest.

    Collections of many people's frames are named so (`1f03ab_0_run6_cam1_00021.jpeg`). Such a word says nothing of the
    recording that a frame belongs to, or of its place in it.
    """
    first_words = {image: image.partition("_")[0] for image in images if "cam1" in image.partition("_")[2]}
    if len(images) < 2 or len(set(first_words.values())) <= MOST_SHARED * len(images):
        return {image: image for image in images}
    return {image: image.partition("_")[2] if image in first_words else image for image in images}


def _recording_of(source: Path, group: Group, image: str) -> str:
    """Return `train/0_run6` for official names, else the folder's own name: recorded frames carry no role."""
    prefix, role, _ = PurePosixPath(image).stem.partition("cam1")
    run = [prefix.rstrip("_")] if role else [kitti_road.scene_of(image)] if group.is_kitti_road else []
    return "/".join(dict.fromkeys([_name_of(source), *group.folder.parts, *run]))


def _name_of(source: Path) -> str:
    """Return an archive's name without its suffix, or a folder's whole name, also of "." and "..": it has no suffix."""
    return source.stem if source.is_file() else os.path.basename(os.path.abspath(source))


def recorded_by(pairs: Sequence[Pair], source: Path) -> list[str]:
    """Return who recorded each frame: the first folder in which the frames of `source` differ; its name if in none."""
    folders = []
    for pair in pairs:
        image = pair.image
        path = member_path(image.member) if image.member else image.path.relative_to(source)
        parts, place = path.parent.parts, place_of_role(PurePosixPath(path.parent))
        folders.append(parts if place is None else parts[:place] + parts[place + 1 :])  # without images/
    shared = 0
    while len({folder[shared : shared + 1] for folder in folders}) == 1 and folders[0][shared:]:
        shared += 1
    return [folder[shared] if len(folder) > shared else _name_of(source) for folder in folders]
