"""Folders of masks in any colours, beside images: CVAT's export "Segmentation mask 1.1", and those of other programs.

CVAT writes labelmap.txt with the colour of each category, SegmentationClass/ with the masks, and JPEGImages/ if it was
told to save images. Elsewhere the command line gives the colours, or they are recognised.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dataset.archives import DatasetError, Source, walk
from dataset.exchange.categories import class_of_category, is_colour
from dataset.exchange.frames import ExchangedFrame
from dataset.masks.colours import UNREADABLE, MaskColours, recognise, why_unreadable
from dataset.masks.stored import StoredMask, decode_mask
from dataset.names import find_partners
from dataset.recordings.layout import RecordingError
from dataset.schema import BACKGROUND, CLASSES

LABELMAP, CVAT_MASKS, CVAT_IMAGES = "labelmap.txt", "SegmentationClass", "JPEGImages"
SUFFIXES = {".png", ".jpg", ".jpeg"}
EXAMPLE = "--class '#ff00ff=people'"


@dataclass(frozen=True)
class MaskFiles:
    """Masks by the name of their image, what their colours mean, and images without a mask."""

    pairs: Mapping[str, tuple[Source, Source]]  # image and mask
    colours: MaskColours
    unpaired: int  # masks and images without a partner


def is_mask_folder(source: Path, names: Mapping[str, str], images: Path | None) -> bool:
    """Return whether a folder or zip holds masks for this module: CVAT's, or with colours or images named."""
    if any(map(is_colour, names)) or (images is not None and source.is_dir()):
        return True
    return any(LABELMAP in files for _, files in walk(source))


def find_mask_files(source: Path, names: Mapping[str, str], images: Path | None) -> MaskFiles:
    """Find masks and their images; `names` are classes by category or colour, `images` a folder of the images.

    Raises RecordingError for colours without a class, or no pairs, and DatasetError.
    """
    folders = dict(walk(source))
    labelmap = next((files[LABELMAP] for files in folders.values() if LABELMAP in files), None)
    if labelmap is not None:
        masks = _files(folders, CVAT_MASKS)
    else:
        masks = {name: file for files in folders.values() for name, file in files.items() if _is_image(name)}
    found = _files(dict(walk(images)), None) if images is not None else _files(folders, CVAT_IMAGES)
    if not found:
        raise RecordingError(f"{source} has no images: name their folder, --images DIR, or export with images")
    partners = find_partners(found, masks)
    if not partners:
        raise RecordingError(f"of {len(found)} images and {len(masks)} masks in {source}, no names belong together")
    pairs = {image: (found[image], masks[partners[image]]) for image in sorted(partners)}
    colours = _colours(labelmap, names, [mask for _, mask in pairs.values()])
    return MaskFiles(pairs, colours, len(found) + len(masks) - 2 * len(pairs))


def mask_frames(files: MaskFiles) -> Iterator[ExchangedFrame]:
    """Yield the frames. Raises RecordingError for pixels of no class, DatasetError, OSError."""
    for name, (image, file) in files.pairs.items():
        mask = decode_mask(file.read(), file)
        labels = files.colours.labels(mask)
        if (labels == UNREADABLE).any():
            raise RecordingError(f"{file}: {why_unreadable([mask], files.colours)}; name the others: {EXAMPLE}")
        yield ExchangedFrame(name, image.read(), labels)


def _colours(labelmap: Source | None, names: Mapping[str, str], masks: list[Source]) -> MaskColours:
    given = {int(name[1:], 16): CLASSES.index(label) for name, label in names.items() if is_colour(name)}
    if labelmap is not None:
        given = _read_labelmap(labelmap, names) | given
    if given:
        if BACKGROUND not in given.values():
            given.setdefault(0, BACKGROUND)
        by_class = tuple(tuple(code for code, each in given.items() if each == label) for label in range(len(CLASSES)))
        return MaskColours(by_class, certain=True)
    found = recognise(_decoded(masks))
    if found is None:
        shown = why_unreadable(list(_decoded(masks[:9])), MaskColours(((0,), (0x00FF00,), (0x0000FF,))))
        raise RecordingError(f"{shown}; say which class each colour is: {EXAMPLE}")
    return found


def _decoded(masks: list[Source]) -> Iterator[StoredMask]:
    for file in masks:
        yield decode_mask(file.read(), file)


def _read_labelmap(file: Source, names: Mapping[str, str]) -> dict[int, int]:
    """Return the class by colour of lines `name:red,green,blue:parts:actions`. Raises RecordingError."""
    classes = {}
    for line in file.read().decode("utf-8", errors="replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, colour, *_ = line.split(":")
            red, green, blue = (int(part) for part in colour.split(","))
            code = int.from_bytes(bytes((red, green, blue)))
        except ValueError as error:
            raise RecordingError(f"{file}: expected a line such as person:255,0,0::, got {line[:60]!r}") from error
        classes[code] = class_of_category(name, names)
    if not classes:
        raise DatasetError(f"{file} names no colour")
    return classes


def _files(folders: Mapping[PurePosixPath, Mapping[str, Source]], name: str | None) -> dict[str, Source]:
    """Return the images in all folders below one of this name (None: in all), by name."""
    return {
        file: source
        for folder, files in folders.items()
        if name is None or name in folder.parts
        for file, source in files.items()
        if _is_image(file)
    }


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not name.startswith(".")
