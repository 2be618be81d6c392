"""The classes of a network in the metadata of its file, where they are not the default ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.reader import ConfigError, build
from dataset.schema import DEFAULT_CLASSES, Classes

KEY = "output_classes"


@dataclass(frozen=True)
class StoredClasses:
    """As in the file: names in the order of the outputs, colours as 0xRRGGBB, and the target's name."""

    names: tuple[str, ...]
    colours: tuple[int, ...]
    target: str | None = None


def classes_as_metadata(classes: Classes) -> dict[str, Any]:
    """Return what to add to a model's metadata; nothing for the default classes."""
    if classes == DEFAULT_CLASSES:
        return {}
    return {KEY: {"names": classes.names, "colours": classes.colours, "target": classes.target_name}}


def read_classes(metadata: Mapping[str, Any]) -> Classes:
    """Return the classes in a model's metadata. Raises ValueError if they cannot be those of a network."""
    if KEY not in metadata:
        return DEFAULT_CLASSES
    try:
        stored = build(StoredClasses, metadata[KEY])
        target = None if stored.target is None else stored.names.index(stored.target)
        return Classes(stored.names, target, stored.colours)
    except (ConfigError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{KEY} of its metadata is unusable ({error})") from error
