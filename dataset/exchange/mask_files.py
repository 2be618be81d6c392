"""Folders of masks in any colours, beside images: CVAT's export "Segmentation mask 1.1", and those of other programs.

CVAT writes labelmap.txt with the colour of each category, SegmentationClass/ with masks of the frames where something
is annotated, ImageSets/ with the names of all frames, and JPEGImages/ if it was told to save images. Elsewhere the
command line gives the colours, or they are recognised.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from dataset.archives import DatasetError, Source, walk
from dataset.exchange.categories import class_of_category, is_colour
from dataset.exchange.frames import ExchangedFrame
from dataset.images import decode_image
from dataset.masks.colours import UNREADABLE, MaskColours, recognise, why_unreadable
from dataset.masks.stored import StoredMask, decode_mask
from dataset.names import find_partners
from dataset.recordings.layout import RecordingError
from dataset.schema import BACKGROUND, CLASSES

LABELMAP, CVAT_MASKS, CVAT_IMAGES, CVAT_LISTS = "labelmap.txt", "SegmentationClass", "JPEGImages", "ImageSets"
SUFFIXES = {".png", ".jpg", ".jpeg"}
EXAMPLE = "--class '#ff00ff=people'"

Files = dict[PurePosixPath, dict[str, Source]]  # by folder, relative to the one that holds all, and name


@dataclass(frozen=True)
class MaskFiles:
    """Images with their masks, what the masks' colours mean, and what was left out."""

    # Image and mask, by the image's path. Without a mask are images that are listed, but not annotated.
    pairs: Mapping[PurePosixPath, tuple[Source, Source | None]]
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
    labelmaps = [files[LABELMAP] for files in folders.values() if LABELMAP in files]
    masks = _images(folders, CVAT_MASKS if labelmaps else None)
    found = _images(dict(walk(images)), None) if images is not None else _images(folders, CVAT_IMAGES)
    if not found:
        raise RecordingError(f"{source} has no images: name their folder, --images DIR, or export with images")
    pairs = _pair(found, masks)
    image_count, mask_count = (sum(map(len, files.values())) for files in (found, masks))
    if not pairs:
        raise RecordingError(f"of {image_count} images and {mask_count} masks in {source}, no names belong together")
    colours, listed = _colours(labelmaps, names, [mask for _, mask in pairs.values()]), _listed(folders)
    empty = {
        folder / name: (image, None)
        for folder, files in found.items()
        for name, image in files.items()
        if folder / name not in pairs and str((folder / name).with_suffix("")) in listed
    }
    return MaskFiles({**pairs, **empty}, colours, image_count + mask_count - 2 * len(pairs) - len(empty))


def mask_frames(files: MaskFiles) -> Iterator[ExchangedFrame]:
    """Yield the frames. Raises RecordingError for pixels of no class, DatasetError, OSError."""
    for path in sorted(files.pairs):
        image, file = files.pairs[path]
        data = image.read()
        if file is None:
            labels = np.full(decode_image(data, image).shape[:2], BACKGROUND, np.uint8)
        else:
            mask = decode_mask(file.read(), file)
            labels = files.colours.labels(mask)
            if (labels == UNREADABLE).any():
                raise RecordingError(f"{file}: {why_unreadable([mask], files.colours)}; name the others: {EXAMPLE}")
        yield ExchangedFrame(str(path), data, labels)


def _colours(labelmaps: list[Source], names: Mapping[str, str], masks: list[Source]) -> MaskColours:
    given = {int(name[1:], 16): CLASSES.index(label) for name, label in names.items() if is_colour(name)}
    mapped: dict[int, int] = {}  # by all that lie there
    for labelmap in labelmaps:
        for code, label in _read_labelmap(labelmap, names):
            if mapped.setdefault(code, label) != label and code not in given:
                both = " and ".join(CLASSES[each] for each in (mapped[code], label))
                raise RecordingError(
                    f"{labelmap}: expected one class for each colour, but #{code:06x} is {both}: import exports one by"
                    f" one, or say which it is, --class '#{code:06x}={CLASSES[label]}'"
                )
    given = mapped | given
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


def _read_labelmap(file: Source, names: Mapping[str, str]) -> list[tuple[int, int]]:
    """Return colours and their classes of lines `name:red,green,blue:parts:actions`. Raises RecordingError."""
    classes = []
    for line in file.read().decode("utf-8", errors="replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, colour, *_ = line.split(":")
            red, green, blue = (int(part) for part in colour.split(","))
            code = int.from_bytes(bytes((red, green, blue)))
        except ValueError as error:
            raise RecordingError(f"{file}: expected a line such as person:255,0,0::, got {line[:60]!r}") from error
        classes.append((code, class_of_category(name, names)))
    if not classes:
        raise DatasetError(f"{file} names no colour")
    return classes


def _images(folders: Mapping[PurePosixPath, Mapping[str, Source]], name: str | None) -> Files:
    """Return the images in all folders below one of this name (None: in all), which the paths leave out."""
    found: Files = {}
    for folder, files in folders.items():
        images = {file: source for file, source in files.items() if _is_image(file)}
        if images and (name is None or name in folder.parts):
            found[_without(name, folder)] = images
    return found


def _without(name: str | None, folder: PurePosixPath) -> PurePosixPath:
    """Return a folder's path without the first part of this name: images and masks of several exports stay apart."""
    parts = list(folder.parts)
    if name in parts:
        parts.remove(name)
    return PurePosixPath(*parts)


def _pair(images: Files, masks: Files) -> dict[PurePosixPath, tuple[Source, Source]]:
    """Return image and mask by the image's path: in folders of the same name, or else wherever they lie.

    Raises RecordingError for files of the same name in several folders, if nothing else tells them apart.
    """
    if not images.keys() & masks.keys():
        images, masks = _flat(images), _flat(masks)
    pairs = {}
    for folder in images.keys() & masks.keys():
        for image, mask in find_partners(images[folder], masks[folder]).items():
            pairs[folder / image] = (images[folder][image], masks[folder][mask])
    return pairs


def _flat(files: Files) -> Files:
    flat: dict[str, Source] = {}
    for folder in files.values():
        if twice := flat.keys() & folder.keys():
            name = min(twice)
            raise RecordingError(
                f"{flat[name]} and {folder[name]} have the same name: give the folders of masks the names of those of"
                " their images"
            )
        flat |= folder
    return {PurePosixPath(): flat}


def _listed(folders: Mapping[PurePosixPath, Mapping[str, Source]]) -> set[str]:
    """Return the paths, without suffix, in CVAT's lists of all frames."""
    listed = set()
    for folder, files in folders.items():
        if CVAT_LISTS in folder.parts:
            root = PurePosixPath(*folder.parts[: folder.parts.index(CVAT_LISTS)])
            texts = [file.read().decode("utf-8", errors="replace") for file in files.values()]
            listed |= {str(root / line.strip()) for text in texts for line in text.splitlines()}
    return listed


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not name.startswith(".")
