"""Read `classes.toml`, which people write: the classes that the masks beside it show, and their colours or numbers.

`[colours]` says what stands for background, people and hero; `[classes]` names classes of one's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import StringConstraints

from config.reader import ConfigError, build, check, nearest, parse_toml
from dataset.archives import DatasetError
from dataset.masks.colours import MaskColours
from dataset.schema import DEFAULT_CLASSES, Classes

CLASSES_FILE = "classes.toml"

_EXPECTED = 'a colour such as "#00ff00", a number, or a list of either'
_LONGEST_NAME = 40
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Number = Annotated[int, Ge(0), Le(65535)]
Values = Annotated[Colour | Number | tuple[Colour, ...] | tuple[Number, ...], _EXPECTED]


@dataclass(frozen=True)
class Colours:
    """Colour or number of each class, or several; a class that masks never show may be left out."""

    background: Values
    people: Values = ()
    hero: Values = ()

    def __post_init__(self) -> None:
        if self.background == ():
            raise ValueError(f"background: expected {_EXPECTED}, got []")


@dataclass(frozen=True)
class UsualClasses:
    """The contents of a file for background, people and hero."""

    colours: Colours
    ignored: Values = ()


@dataclass(frozen=True)
class OwnClasses:
    """The contents of a file with classes of one's own."""

    classes: Annotated[dict[str, Any], 'a section [classes] with a line for each class, such as road = "#ff00ff"']
    target: str | None = None
    ignored: Values = ()

    def __post_init__(self) -> None:
        for key in ("target", "ignored"):
            if key in self.classes:
                raise ValueError(f"classes.{key}: {key} = ... stands above the line [classes], not below it")
        for name in self.classes:
            if not name.isprintable() or not 0 < len(name.strip()) == len(name) <= _LONGEST_NAME:
                raise ValueError(f"classes: expected names of 1 to {_LONGEST_NAME} characters, got {name!r}")
        if self.target is not None and self.target not in self.classes:
            raise ValueError(
                f"target: expected one of the classes, got {self.target!r}{nearest(self.target, self.classes)}"
            )


def read_classes_file(path: Path) -> MaskColours:
    """Return what the file at `path` says, as `parse_classes_file` does. Raises DatasetError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error
    return parse_classes_file(data, path)


def parse_classes_file(data: bytes, origin: object) -> MaskColours:
    """Return what the masks' pixels mean. Raises DatasetError that names `origin`."""
    try:
        content = parse_toml(data, origin)
        return _own(content) if "classes" in content else _usual(content)
    except ConfigError as error:
        raise DatasetError(str(error) if str(origin) in str(error) else f"{origin}: {error}") from error


def _usual(content: Mapping[str, Any]) -> MaskColours:
    file = build(UsualClasses, content)
    colours = file.colours
    return _meaning(DEFAULT_CLASSES, (colours.background, colours.people, colours.hero), file.ignored)


def _own(content: Mapping[str, Any]) -> MaskColours:
    file = build(OwnClasses, content)
    names = tuple(file.classes)
    by_class = [check(Values, value, f"classes.{name}") for name, value in file.classes.items()]
    colours = tuple(_shown_colours([_codes(each) if _is_colour(each) else () for each in by_class]))
    try:
        classes = Classes(names, None if file.target is None else names.index(file.target), colours)
    except ValueError as error:
        raise ConfigError(f"classes: {error}") from error
    return _meaning(classes, by_class, file.ignored)


def _meaning(classes: Classes, by_class: Sequence[Any], ignored: Any) -> MaskColours:
    values = [value for each in (*by_class, ignored) for value in _several(each)]
    names = ", ".join(classes.names)
    if not any(map(_several, by_class)):
        raise ConfigError(f"{names}: expected {_EXPECTED} for at least one of them, got none")
    if len({type(value) for value in values}) > 1:
        raise ConfigError(f"{names}: expected either colours or numbers, got both: {values}")
    codes = [_codes(each) for each in by_class]
    if len(set(_codes(tuple(values)))) < len(values):
        raise ConfigError(f"{names}: expected different values, got one twice: {values}")
    are_numbers = isinstance(values[0], int)
    return MaskColours(tuple(codes), are_numbers, certain=True, classes=classes, ignored=_codes(ignored))


def _several(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)


def _codes(values: Any) -> tuple[int, ...]:
    return tuple(each if isinstance(each, int) else int(each.removeprefix("#"), 16) for each in _several(values))


def _is_colour(values: Any) -> bool:
    return any(isinstance(each, str) for each in _several(values))


def _shown_colours(by_class: Sequence[tuple[int, ...]]) -> Iterator[int]:
    """Yield a colour for each class: its first one, or for a class without any, one of a palette that no other has."""
    taken = {codes[0] for codes in by_class if codes}
    free = (colour for number in range(256) if (colour := _palette(number)) not in taken)
    for codes in by_class:
        yield codes[0] if codes else next(free)


def _palette(number: int) -> int:
    """Return 0xRRGGBB of a number from 0 to 255: all different, and neighbours far apart, as in Pascal VOC's masks."""
    colour = 0
    for bit in range(8):
        channel, place = bit % 3, 7 - bit // 3
        colour |= (number >> bit & 1) << place + 8 * (2 - channel)
    return colour
