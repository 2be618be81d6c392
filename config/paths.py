"""Paths that people give: on command lines, in settings files, on pages. All are read by the rules of `path_of`."""

import os
import sys
import unicodedata
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

from pydantic import PlainValidator

_QUOTES = "\"'\u201c\u201d\u2018\u2019"


def path_of(text: str | Path) -> Path:
    """Return the path that a person means.

    One that exists as it stands is the path, whatever is in its name. Otherwise `~` is the home folder, blanks and
    quotes around it do not count, and letters with accents may be stored as one character or two (macOS). Of a path
    that does not exist yet only `~` is expanded.
    """
    text = os.fspath(text)
    return Path(next((each for each in _readings(text) if os.path.lexists(each)), os.path.expanduser(text)))


def split_path(text: str, separator: str) -> tuple[Path, str]:
    """Return path and rest of `PATH`, or of `PATH:REST` with the separator ":". A path that exists has no rest."""
    if not path_of(text).exists():
        path, found, rest = text.rpartition(separator)
        if found and path and path_of(path).exists():
            return path_of(path), rest
    return path_of(text), ""


def allow_any_name() -> None:
    """Let this process print names of files that are no valid text, or that its terminal cannot show, escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def printable(text: object) -> str:
    """Return text in which bytes of a name that are no valid text are escaped: libraries that draw text refuse them."""
    return str(text).encode(errors="backslashreplace").decode()


def _readings(text: str) -> Iterator[str]:
    """Yield what the text can mean, in the order in which it is tried."""
    bare = text.strip().strip(_QUOTES).strip()
    for each in dict.fromkeys((text, bare) if bare else (text,)):
        yield each
        expanded = os.path.expanduser(each)
        yield expanded
        for form in ("NFC", "NFD"):
            yield unicodedata.normalize(form, expanded)


def _as_path_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a path")
    return str(path_of(value))


# A string of a settings file or an option; also names that are no valid text, which pydantic refuses as strings.
PathText = Annotated[str, PlainValidator(_as_path_text), "a path"]
