"""Text files as the editors of Windows, macOS and Linux save them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reader import ConfigError, parse_toml
from config.text import decode_text

TEXT = '# Größe\n[agent]\nname = "Grün"\n'
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding, line_end):
    data = TEXT.replace("\n", line_end).encode(encoding)
    assert decode_text(data) == TEXT
    assert parse_toml(data, "a.toml") == {"agent": {"name": "Grün"}}


@given(st.text(st.characters(exclude_characters="\r\ufeff\0", codec="utf-8")))
def test_utf_8_is_never_taken_for_anything_else(text):
    assert decode_text(text.encode()) == text
    assert decode_text(text.encode("utf-8-sig")) == text


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman"])
def test_other_encodings_are_refused_with_what_to_do(encoding):
    data = TEXT.replace("# Größe", "# Size").encode(encoding)
    with pytest.raises(ConfigError) as error:
        parse_toml(data, "follower.toml")
    expected = f"line 3 holds the byte 0x{'ü'.encode(encoding).hex()}; save it as plain text with the encoding UTF-8"
    assert str(error.value) == f"follower.toml is not a TOML file: it is not saved as UTF-8: {expected}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{\\rtf1\\ansi\\ansicpg1252\n[agent]\n}", "it is rich text (RTF): save it as plain text"),
        ("[a]\nname = \u201cx\u201d\n", "it has typographic quotes: TOML takes \" and ' only"),
        ('[a]\nfolder = "C:\\Users\\me"\n', "a backslash begins a special character: write paths with / or in '...'"),
    ],
)
def test_what_editors_and_pasted_paths_do_to_toml_is_said(text, hint):
    with pytest.raises(ConfigError, match=r"^a\.toml is not a TOML file: .* \(at line \d") as error:
        parse_toml(text.encode(), "a.toml")
    assert hint in str(error.value)


def test_any_other_mistake_has_its_line():
    with pytest.raises(ConfigError, match=r"line 2, column \d+\)$"):
        parse_toml(b"[a]\nname = yes\n", "a.toml")
