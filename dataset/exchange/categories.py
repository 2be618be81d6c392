"""Which class a category of another program is: by its name, by synonyms, or as the command line says."""

import re
from collections.abc import Iterable, Mapping

from config.reader import nearest
from dataset.recordings.layout import RecordingError
from dataset.schema import CLASSES

SYNONYMS = {"person": "people", "pedestrian": "people", "target": "hero"}
_COLOUR = re.compile("#[0-9a-fA-F]{6}")


def parse_categories(texts: Iterable[str]) -> dict[str, str]:
    """Return the classes by category, or by colour such as #00ff00, of texts CATEGORY=CLASS. Raises RecordingError."""
    names = {}
    for text in texts:
        name, equals, class_name = text.partition("=")
        if not equals or class_name not in CLASSES:
            raise RecordingError(f"expected --class CATEGORY=CLASS with one of {', '.join(CLASSES)}, got {text!r}")
        names[name.lower() if is_colour(name) else name] = class_name
    return names


def is_colour(name: str) -> bool:
    """Return whether a category is a colour of masks."""
    return _COLOUR.fullmatch(name) is not None


def class_of_category(category: str, names: Mapping[str, str]) -> int:
    """Return the class of a category; `names` are further ones, with the class that each is.

    Raises RecordingError for a category that is no class.
    """
    known = {name: name for name in CLASSES} | SYNONYMS | dict(names)
    name = known.get(category.lower(), known.get(category))
    if name is None:
        raise RecordingError(
            f"category {category!r} is no class{nearest(category, CLASSES, only_close=True)}:"
            f" say which one it is, such as --class {category}=people"
        )
    return CLASSES.index(name)
