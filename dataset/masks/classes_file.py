"""Read `classes.toml`, which people write: the colours or numbers that stand for the classes in the masks beside it."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import StringConstraints

from config.reader import ConfigError, build, parse_toml
from dataset.archives import DatasetError
from dataset.masks.colours import MaskColours

CLASSES_FILE = "classes.toml"

_EXPECTED = 'a colour such as "#00ff00", a number, or a list of either'
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
        values = [value for values in self.by_class for value in values]
        if self.background == ():
            raise ValueError(f"background: expected {_EXPECTED}, got []")
        if len({type(value) for value in values}) > 1:
            raise ValueError(f"background, people, hero: expected either colours or numbers, got both: {values}")
        if len(set(map(_code, values))) < len(values):
            raise ValueError(f"background, people, hero: expected different values, got one twice: {values}")

    @property
    def by_class(self) -> list[tuple[str | int, ...]]:
        """The values of each class."""
        return [each if isinstance(each, tuple) else (each,) for each in (self.background, self.people, self.hero)]


@dataclass(frozen=True)
class ClassesFile:
    """The contents of the file."""

    colours: Colours


def parse_classes_file(data: bytes, origin: object) -> MaskColours:
    """Return what the masks' pixels mean. Raises DatasetError that names `origin`."""
    try:
        by_class = build(ClassesFile, parse_toml(data, origin)).colours.by_class
    except ConfigError as error:
        raise DatasetError(str(error) if str(origin) in str(error) else f"{origin}: {error}") from error
    codes = tuple(tuple(map(_code, values)) for values in by_class)
    return MaskColours(codes, are_numbers=isinstance(by_class[0][0], int), certain=True)


def _code(value: str | int) -> int:
    return value if isinstance(value, int) else int(value.removeprefix("#"), 16)
