"""Paths as people give them."""

import os
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.paths import PathText, allow_any_name, path_of, printable, split_path
from config.reader import ConfigError, build


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home" / "data").mkdir(parents=True)


NAMES = [
    *("2026-11-26_10:30", "a b", " blank ", "'quoted'", "~", "~nobody"),
    *("größe", "50%", "a=b", "#1", "-x", "a\\b", "日本"),
]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow these names")
@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_exists_as_it_stands_is_the_path(name):
    Path(name).mkdir()
    assert path_of(name) == Path(name)
    assert split_path(name, ":") == (Path(name), "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only names that are text")
def test_names_that_are_no_text_are_kept_and_can_be_printed(capfd):
    os.mkdir(b"caf\xe9")
    name = os.fsdecode(b"caf\xe9")
    assert path_of(name) == Path(name)
    assert build(Settings, {"folder": name}).folder == name
    allow_any_name()
    print(name)
    assert capfd.readouterr().out == "caf\\udce9\n"
    assert printable(name) == "caf\\udce9"


@pytest.mark.parametrize(
    "text", ["~/data", '"~/data"', "  ~/data  ", "'~/data'", "\u201c~/data\u201d", "~/data/", "~/data\n"]
)
def test_home_blanks_and_quotes(text, tmp_path):
    assert path_of(text) == tmp_path / "home" / "data"


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("given", ["NFC", "NFD"])
def test_accents_as_one_character_or_two(stored, given):
    Path(unicodedata.normalize(stored, "Grün")).mkdir()
    assert path_of(unicodedata.normalize(given, "Grün")).is_dir()


def test_what_does_not_exist_is_kept_except_for_the_home_folder(tmp_path):
    assert path_of("new:folder") == Path("new:folder")
    assert path_of("~/new") == tmp_path / "home" / "new"
    assert path_of(Path("new")) == Path("new")
    assert path_of("x" * 5000) == Path("x" * 5000)
    assert path_of("a\0b") == Path("a\0b")


def test_a_rest_is_split_off_only_what_does_not_exist():
    Path("train").mkdir()
    assert split_path("train:2", ":") == (Path("train"), "2")
    assert split_path("train", ":") == (Path("train"), "")
    assert split_path("absent:2", ":") == (Path("absent:2"), "")
    if os.name != "nt":
        Path("train:2").mkdir()
        assert split_path("train:2", ":") == (Path("train:2"), "")
        assert split_path("train:2:3", ":") == (Path("train:2"), "3")


@given(st.text(max_size=20))
def test_any_text_is_a_path(text):
    assert isinstance(path_of(text), Path)


@dataclass(frozen=True)
class Settings:
    folder: PathText = "recordings"


@pytest.mark.parametrize("value", ["", "  ", 5, None, ["a"]])
def test_settings_expect_a_path(value):
    with pytest.raises(ConfigError, match=r"^folder: expected a path, got "):
        build(Settings, {"folder": value})


def test_settings_are_read_by_the_same_rules(tmp_path):
    assert build(Settings, {"folder": "~/data"}).folder == str(tmp_path / "home" / "data")
