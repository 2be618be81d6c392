"""Read configuration into dataclasses from TOML files, command lines and HTTP bodies.

A field declares its constraints in its type; a string there states in words what is expected:

    threshold: Annotated[float, Gt(0), Lt(1), "a number between 0 and 1"] = 0.5

Values are checked at the edges, by `build` and `override`, not when code makes a dataclass itself.
"""

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from config.text import decode_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")


class ConfigError(ValueError):
    """A setting does not exist or its value is invalid; the message states what was expected and what was received."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the contents of a TOML file. Raises ConfigError."""
    try:
        return parse_toml(path.read_bytes(), path)
    except OSError as error:
        beside = path.with_name(f"{path.name}.txt")  # some editors add a suffix, and some systems hide it
        hint = f"; there is {beside.name} beside it: rename it" if beside.is_file() and not path.exists() else ""
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}{hint}") from error


def parse_toml(data: bytes, origin: object) -> dict[str, Any]:
    """Return what TOML holds, in any encoding that an editor saves. Raises ConfigError that names `origin`."""
    try:
        text = decode_text(data)
    except ValueError as error:
        raise ConfigError(f"{origin} is not a TOML file: {error}") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not a TOML file: {error}{_mistake(text, str(error))}") from error


def _mistake(text: str, error: str) -> str:
    """Return the end of a sentence about what editors and pasted paths do to TOML; empty if it is none of these."""
    if text.startswith("{\\rtf"):
        return "; it is rich text (RTF): save it as plain text"
    named = re.search(r"at line (\d+)", error)
    line = text.splitlines()[int(named[1]) - 1] if named and int(named[1]) <= len(text.splitlines()) else ""
    if re.search("[\u2018-\u201f]", line):
        return "; it has typographic quotes: TOML takes \" and ' only"
    if "\\" in line:
        return "; in \"...\" a backslash begins a special character: write paths with / or in '...'"
    return ""


def build(kind: type[Config], values: Mapping[str, Any], noun: str = "setting") -> Config:
    """Return the dataclass `kind` with these values, as TOML or JSON has them; missing fields keep their defaults.

    Fields that are dataclasses take nested mappings. Raises ConfigError for a field (error messages call it `noun`)
    that is unknown, naming the nearest valid one, missing, or of an invalid value.
    """
    return _apply(kind, None, values, "", noun)


def check(hint: Any, value: object, name: str) -> Any:
    """Return a value as one of the type `hint`, a dataclass from a mapping. Raises ConfigError that names it `name`.

    Only lists become tuples, and whole numbers floats: "1" is not a number, 1 is not a bool, NaN is not a number.
    """
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name} must be a section, [{name}], got {value!r:.80}")
        return _apply(hint, None, value, f"{name}.")  # type: ignore[arg-type]  # `is_dataclass` narrows no type hints
    try:
        return _adapter(hint).validate_python(_as_tuples(value))
    except ValidationError as error:
        choices = [choice for choice in _choices(hint) if isinstance(choice, str)]
        meant = nearest(value, choices, only_close=True) if isinstance(value, str) and value not in choices else ""
        raise ConfigError(f"{name}: expected {expectation(hint, error)}, got {value!r:.80}{meant}") from None


def update(config: Config, values: Mapping[str, Any]) -> Config:
    """Return a copy with some settings changed; `values` are nested as for `build`. Raises ConfigError."""
    return _apply(type(config), config, values, "")


def override(config: Config, name: str, value: object) -> Config:
    """Return a copy with one setting changed, such as "agent.threshold". Raises ConfigError."""
    names = list(setting_names(type(config)))
    if name not in names:
        raise ConfigError(f"there is no setting {name}{nearest(name, names)}")
    *sections, key = name.split(".")
    values = {key: value}
    for section in reversed(sections):
        values = {section: values}
    return update(config, values)


def assign(config: Config, assignment: str) -> Config:
    """Return a copy with one setting changed by "SECTION.KEY=VALUE" of a command line. Raises ConfigError.

    VALUE is TOML, or else plain text, in a list between commas.
    """
    name, equals, value = map(str.strip, assignment.partition("="))
    if not equals:
        raise ConfigError(f"expected SECTION.KEY=VALUE, such as agent.threshold=0.6, got {assignment!r}")
    errors = []
    for reading in _readings(value):
        try:
            return override(config, name, reading)
        except ConfigError as error:
            errors.append(error)
    raise errors[0]


def known(values: Mapping[str, Any], config: object) -> dict[str, Any]:
    """Return values stored by an older version, without those whose names the dataclass no longer has."""
    return {
        key: known(value, section) if dataclasses.is_dataclass(section) and isinstance(value, Mapping) else value
        for key, value in values.items()
        if (section := getattr(config, key, dataclasses.MISSING)) is not dataclasses.MISSING
    }


def setting_names(kind: type, prefix: str = "") -> Iterable[str]:
    """Yield the full names of all settings of a dataclass, such as "agent.threshold"."""
    for key, hint in get_type_hints(kind, include_extras=True).items():
        if dataclasses.is_dataclass(hint):
            yield from setting_names(hint, f"{prefix}{key}.")  # type: ignore[arg-type]  # as above
        else:
            yield f"{prefix}{key}"


def nearest(name: object, valid: Iterable[str], only_close: bool = False) -> str:
    """Return the end of a sentence that names the nearest valid name, or else (unless `only_close`) all of them."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return "" if only_close else f"; there are {', '.join(valid)}"


def expectation(hint: Any, error: ValidationError | None = None) -> str:
    """Return what a field expects in words: the string in its type, its choices, or the validator's message."""
    if words := _words(hint):
        return words
    if type(None) in get_args(hint):
        return " or ".join(expectation(part, error) for part in get_args(hint) if part is not type(None))
    if choices := _choices(hint):
        *most, last = map(str, choices)
        return f"{', '.join(most)} or {last}" if most else last
    plain = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}
    if hint in plain:
        return plain[hint]
    return "a value" if error is None else error.errors()[0]["msg"].removeprefix("Input should be ")


def _apply(
    kind: type[Config], config: Config | None, values: Mapping[str, Any], prefix: str, noun: str = "setting"
) -> Config:
    """Return `config`, or else a new `kind`, with these values; `prefix` stands before names in error messages."""
    hints = get_type_hints(kind, include_extras=True)
    for key in values:
        if key not in hints:
            raise ConfigError(f"there is no {noun} {prefix}{key}{nearest(key, hints)}")
    fields: dict[str, Any] = {}
    for key, value in values.items():
        if config is not None and dataclasses.is_dataclass(hints[key]) and isinstance(value, Mapping):
            fields[key] = _apply(hints[key], getattr(config, key), value, f"{prefix}{key}.")
        else:
            fields[key] = check(hints[key], value, f"{prefix}{key}")
    for field in dataclasses.fields(kind):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if config is None and required and field.name not in fields:
            raise ConfigError(f"{prefix}{field.name} is missing: expected {expectation(hints[field.name])}")
    try:
        return kind(**fields) if config is None else dataclasses.replace(config, **fields)
    except ValueError as error:  # a constraint between several fields
        raise ConfigError(f"{prefix}{error}") from error


def _readings(text: str) -> Iterator[object]:
    """Yield what the value of an assignment can mean, in the order in which it is tried."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    yield value
    if isinstance(value, str):
        yield [each.strip() for each in value.split(",")]
    else:
        yield text  # a name may be 2024, or a date


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint, config=ConfigDict(strict=True, allow_inf_nan=False))


def _as_tuples(value: object) -> object:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _words(hint: Any) -> str | None:
    words = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, str)]
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        words += filter(None, map(_words, get_args(hint)))
    return words[0] if words else None


def _choices(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(choice for part in get_args(hint) for choice in _choices(part))
