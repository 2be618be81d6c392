"""Masks of other makers: read where they are unambiguous, otherwise described."""

import io
import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dataset.archives import DatasetError
from dataset.masks.classes_file import parse_classes_file
from dataset.masks.colours import NUMBERS, ON_BLACK, OWN, UNREADABLE, recognise, why_unreadable
from dataset.masks.stored import decode_mask
from dataset.schema import IGNORED, Classes

RED, GREEN, BLUE, BLACK, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)
LABELS = np.zeros((40, 60), np.uint8)  # background, two people, a hero
LABELS[5:15, 4:9], LABELS[20:30, 12:17], LABELS[12:30, 40:48] = 1, 1, 2
BLANK = np.zeros_like(LABELS)


def encode(pixels, suffix=".png"):
    """Encode (height, width) or (height, width, 3) RGB."""
    return cv2.imencode(suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()


def in_colours(*colours, labels=LABELS, dtype=np.uint8):
    return encode(np.array(colours, dtype)[labels])


def palette(colours, labels=LABELS, **options):
    image = Image.fromarray(labels, "P")
    image.putpalette(np.ravel(colours).tolist())
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def with_alpha(pixels):
    return cv2.imencode(".png", np.dstack([pixels[..., ::-1], np.full(LABELS.shape, 255, np.uint8)]))[1].tobytes()


@pytest.mark.parametrize(
    ("data", "meaning"),
    {
        "own": (in_colours(RED, GREEN, BLUE), OWN),
        "0 and 1": (in_colours((1, 0, 0), (0, 1, 0), (0, 0, 1)), OWN),
        "with alpha": (with_alpha(np.array([RED, GREEN, BLUE], np.uint8)[LABELS]), OWN),
        "16 bits a channel": (in_colours((65535, 0, 0), (0, 65535, 0), (0, 0, 65535), dtype=np.uint16), OWN),
        "the green of Pillow and CSS": (in_colours(RED, (0, 128, 0), BLUE), OWN),
        "palette of own colours in another order": (palette([BLUE, RED, GREEN], (LABELS + 1) % 3), OWN),
        "black background": (in_colours(BLACK, GREEN, BLUE), ON_BLACK),
        "nearly pure colours on black": (in_colours(BLACK, (1, 250, 1), (0, 8, 255)), ON_BLACK),
        "palette on black": (palette([BLACK, GREEN, BLUE]), ON_BLACK),
        "numbers": (encode(LABELS), NUMBERS),
        "numbers in three channels": (encode(np.dstack([LABELS] * 3)), NUMBERS),
        "numbers of 16 bits": (encode(LABELS.astype(np.uint16)), NUMBERS),
        "palette of any colours": (palette([BLACK, (128, 0, 0), (0, 128, 0)]), NUMBERS),
        "palette of 2 bits": (palette([(9, 9, 9), (80, 80, 80), WHITE], bits=2), NUMBERS),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_unambiguous_masks_are_read(data, meaning):
    mask = decode_mask(data, "a.png")
    assert recognise([mask]) == meaning
    np.testing.assert_array_equal(meaning.labels(mask), LABELS)


VOC = [BLACK, (128, 0, 0), (0, 128, 0)]  # the first colours of the palette that annotation programs write


def test_a_palette_is_read_by_its_numbers_whichever_classes_a_folder_shows():
    target_alone = decode_mask(palette(VOC, np.where(LABELS == 2, LABELS, 0)), "a.png")
    assert recognise([target_alone] * 3) == NUMBERS
    np.testing.assert_array_equal(NUMBERS.labels(target_alone) == 2, LABELS == 2)


def test_dark_green_on_black_could_be_any_class():
    dark = decode_mask(in_colours(BLACK, BLACK, (0, 128, 0)), "a.png")
    assert recognise([dark]) is None


@pytest.mark.parametrize("colours", [(BLACK, RED, GREEN), (BLACK, BLUE, GREEN)])
def test_a_palette_whose_colours_and_numbers_contradict_each_other_is_not_guessed(colours):
    target_alone = decode_mask(palette(colours, np.where(LABELS == 2, LABELS, 0)), "a.png")
    assert recognise([target_alone]) is None


def test_grey_of_2_bits_holds_numbers():
    """Written by hand: neither library writes such files."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = bytes([0, 0b00_01_10_00])  # no filter; 0, 1, 2, 0
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, 2, 0, 0, 0, 0))
    mask = decode_mask(png + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b""), "a.png")
    assert recognise([mask]) == NUMBERS
    assert NUMBERS.labels(mask).tolist() == [[0, 1, 2, 0]]


@pytest.mark.parametrize("background", [RED, BLACK])
def test_smoothed_edges_belong_to_the_nearer_class(background):
    large = cv2.resize(LABELS, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    sharp = np.array([background, GREEN, BLUE], np.uint8)[large]
    mask = decode_mask(encode(cv2.GaussianBlur(sharp, (3, 3), 0)), "a.png")
    assert len(np.unique(mask.codes)) > 3
    found = recognise([mask])
    labels = found.labels(mask)
    assert found == (OWN if background == RED else ON_BLACK)
    assert np.mean(labels != large) < 0.005
    assert (labels == large)[cv2.GaussianBlur(sharp, (3, 3), 0).max(axis=2) == 255].all()


@given(st.lists(st.tuples(*[st.integers(0, 60)] * 3, st.integers(0, 2)), max_size=4), st.sampled_from([OWN, ON_BLACK]))
def test_smoothing_changes_no_pixel_beyond_the_edges(boxes, colours):
    labels = np.zeros((90, 90), np.uint8)
    for top, left, size, label in boxes:
        labels[top : top + 1 + size // 3, left : left + 1 + size // 3] = label
    first, second, third = (np.array([value >> 16, value >> 8 & 255, value & 255]) for (value,) in colours.values)
    smooth = cv2.GaussianBlur(np.array([first, second, third], np.uint8)[labels], (3, 3), 0)
    read = colours.labels(decode_mask(encode(smooth), "a.png"))
    assert not (read == UNREADABLE).any()
    uniform = cv2.dilate(labels, np.ones((3, 3))) == cv2.erode(labels, np.ones((3, 3)))
    np.testing.assert_array_equal(read[uniform], labels[uniform])


@pytest.mark.parametrize(
    ("data", "found"),
    {
        "target on black": (encode((LABELS == 2).astype(np.uint8)), r"the number 0 \(94\.0%\), the number 1 \(6\.0%\)"),
        "white target": (encode((LABELS == 2) * np.uint8(255)), r"the number 0 \(94\.0%\), the number 255 \(6\.0%\)"),
        "swapped on black": (in_colours(BLACK, GREEN, RED), r"black \(89\.8%\), red \(6\.0%\), green \(4\.2%\)"),
        "numbers from 1": (encode(LABELS + np.uint8(1)), r"the number 1 \(89\.8%\), the number 3 \(6\.0%\)"),
        "magenta road": (in_colours(RED, (255, 0, 255), BLACK), r"red \(89\.8%\), black \(6\.0%\), magenta \(4\.2%\)"),
        "tags in the red channel": (in_colours((7, 0, 0), (4, 0, 0), BLACK), r"#070000 .*, black .*, #040000"),
        "blurred": (
            encode(cv2.GaussianBlur(np.array([RED, GREEN, BLUE], np.uint8)[LABELS], (31, 31), 9)),
            "and .* more",
        ),
        "part without class": (in_colours(RED, GREEN, BLACK), r"red \(89\.8%\), black"),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_ambiguous_masks_are_described(data, found):
    mask = decode_mask(data, "a.png")
    assert recognise([mask]) is None
    message = why_unreadable([mask], OWN)
    assert message.startswith("each pixel must be red (background), green (people) or blue (hero); found ")
    assert re.search(found, message)


def test_a_colour_that_no_class_has_is_called_a_colour():
    colours = parse_classes_file(b'[classes]\nroad = "#ff00ff"\nsky = "#ff0000"', "classes.toml")
    masks = {
        "colours": in_colours(RED, WHITE, (255, 0, 255)),
        "palette": palette([RED, WHITE, (255, 0, 255)]),
    }
    for data in masks.values():
        message = why_unreadable([decode_mask(data, "a.png")], colours)
        assert message == "each pixel must be magenta (road) or red (sky); found white (4.2%)"
    message = why_unreadable([decode_mask(encode(LABELS), "a.png")], colours)
    assert message.endswith("found the number 0 (89.8%), the number 2 (6.0%), the number 1 (4.2%)")


def test_jpeg_is_named_as_the_cause():
    noisy = np.random.default_rng(0).normal(0, 30, (*LABELS.shape, 3))
    pixels = np.clip(np.array([RED, GREEN, BLUE])[LABELS] + noisy, 0, 255).astype(np.uint8)
    mask = decode_mask(encode(pixels, ".jpg"), "a.jpg")
    assert (OWN.labels(mask) == UNREADABLE).any()
    assert why_unreadable([mask], OWN).endswith("JPEG changes colours: save masks as PNG")


def test_meaning_is_that_of_most_masks_and_empty_ones_prove_nothing():
    numbers, own = (decode_mask(data, "a.png") for data in (encode(LABELS), in_colours(RED, GREEN, BLUE)))
    empty, people = decode_mask(encode(BLANK), "a.png"), decode_mask(encode(np.minimum(LABELS, 1)), "a.png")
    assert recognise([empty] * 20) is None
    assert recognise([empty, people] * 20) is None  # 1 could be people or hero
    assert recognise([*[empty, people] * 20, numbers]) == NUMBERS
    assert recognise([numbers, own, own]) == OWN
    assert recognise([numbers, numbers, own]) == NUMBERS
    assert recognise([empty, own, *[people] * 3]) == OWN  # the others are then reported one by one
    assert recognise([]) is None


def read_as(text, data):
    return parse_classes_file(text.encode(), "classes.toml").labels(decode_mask(data, "a.png"))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('background = "#0000ff"\npeople = "#00FF00"\nhero = "#ff0000"', in_colours(BLUE, GREEN, RED)),
        ("background = [0, 7]\npeople = 1\nhero = 255", encode(np.array([7, 1, 255], np.uint8)[LABELS])),
        (
            'background = "#000000"\nhero = "#ffffff"\npeople = "#808080"',
            encode(np.array([0, 128, 255], np.uint8)[LABELS]),
        ),
        ('background = "#000000"\npeople = "#010101"\nhero = "#020202"', encode(LABELS)),
    ],
)
def test_a_dataset_says_what_its_colours_mean(text, data):
    np.testing.assert_array_equal(read_as(f"[colours]\n{text}", data), LABELS)


def test_colours_that_blends_could_be_taken_for_are_read_exactly():
    text = '[colours]\nbackground = "#000000"\npeople = "#800000"\nhero = "#ff0000"'
    sharp = np.array([BLACK, (128, 0, 0), RED], np.uint8)[LABELS]
    np.testing.assert_array_equal(read_as(text, encode(sharp)), LABELS)
    sharp[0, 0] = 131, 0, 0  # between background and hero, but near people
    assert np.count_nonzero(read_as(text, encode(sharp)) == UNREADABLE) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[colours]\nhero = 1", "colours.background is missing"),
        ('[colours]\nbackground = "red"', 'colours.background: expected a colour such as "#00ff00", a number'),
        ('[colours]\nbackground = 0\nhero = "#ffffff"', "expected either colours or numbers"),
        ("[colours]\nbackground = 0\nhero = [1, 0]", "expected different values, got one twice"),
        ("[colours]\nbackground = []", "colours.background: expected a colour"),
        ("[colors]\nbackground = 0", "there is no setting colors; did you mean colours?"),
        ("[colours\n", "is not a TOML file"),
        ('[classes]\nroad = 0\ncar = "#ffffff"', "road, car: expected either colours or numbers"),
        ("[classes]\nroad = 0", "expected 2 to 250 classes"),
        ("[classes]\nroad = 0\ncar = 1.5", "classes.car: expected a colour"),
        ("[classes]\nroad = []\ncar = []", "for at least one of them, got none"),
        (
            'target = "cat"\n[classes]\nroad = 0\ncar = 1',
            "target: expected one of the classes, got 'cat'; did you mean car?",
        ),
        ('[classes]\nroad = 0\ncar = 1\ntarget = "car"', "target = ... stands above the line [classes]"),
        ("ignored = 1\n[classes]\nroad = 0\ncar = 1", "expected different values, got one twice"),
        ("[classes]\nroad = 0\ncar = 1\n[colours]\nbackground = 0", "there is no setting colours"),
        ('[classes]\n"" = 0\ncar = 1', "expected names of 1 to 40 characters"),
    ],
)
def test_wrong_classes_files_are_explained(text, message):
    with pytest.raises(DatasetError, match=r"^data/classes\.toml") as error:
        parse_classes_file(text.encode(), "data/classes.toml")
    assert message in str(error.value)


def test_a_dataset_has_classes_of_its_own():
    text = (
        'target = "car"\nignored = "#000000"\n[classes]\n"the road" = ["#804080", "#ff00ff"]\ncar = "#0000ff"\nsky = []'
    )
    colours = parse_classes_file(text.encode(), "classes.toml")
    assert colours.classes == Classes(("the road", "car", "sky"), 1, (0, 0, 0))
    assert str(colours.classes) == "the road, car, sky (target: car)"
    assert colours.classes.colours[:2] == (0x804080, 0x0000FF)
    assert len(set(colours.classes.colours)) == 3
    assert str(colours) == "#804080 or magenta (the road), blue (car) or black (ignored)"
    pixels = np.array([[(255, 0, 255), (128, 64, 128), BLUE, BLACK]], np.uint8)
    assert colours.labels(decode_mask(encode(pixels), "a.png")).tolist() == [[0, 0, 1, IGNORED]]
    pixels[0, 0] = 0, 255, 0
    mask = decode_mask(encode(pixels), "a.png")
    assert colours.labels(mask)[0, 0] == UNREADABLE
    assert why_unreadable([mask], colours).endswith("or black (ignored); found green (25.0%)")  # and none of the others


def test_classes_by_numbers_have_colours_to_be_shown_in():
    text = "[classes]\n" + "\n".join(f"class{number} = {number + 3}" for number in range(40))
    colours = parse_classes_file(text.encode(), "classes.toml")
    assert colours.classes.target is None
    assert len(set(colours.classes.colours)) == 40
    numbers = np.arange(3, 43, dtype=np.uint8).reshape(5, 8)
    assert colours.labels(decode_mask(encode(numbers), "a.png")).ravel().tolist() == list(range(40))


@given(st.lists(st.integers(0, 0xFFFFFF), min_size=3, max_size=20, unique=True))
@settings(max_examples=25)
def test_labels_of_own_classes_survive_any_colours(codes):
    *own, ignored = codes
    lines = [f'ignored = "#{ignored:06x}"', "[classes]", *(f'c{n} = "#{code:06x}"' for n, code in enumerate(own))]
    numbers = np.tile(np.arange(len(codes), dtype=np.uint8), (4, 1))
    data = in_colours(*((code >> 16, code >> 8 & 255, code & 255) for code in codes), labels=numbers)
    np.testing.assert_array_equal(read_as("\n".join(lines), data), np.where(numbers == len(own), IGNORED, numbers))


@given(st.binary(max_size=80) | st.integers(1, 300).map(lambda lost: in_colours(RED, GREEN, BLUE)[:-lost]))
def test_anything_else_is_refused(data):
    with pytest.raises(DatasetError, match=r"^a\.png (is|must)"):
        decode_mask(data, "a.png")


@given(st.data())
def test_labels_survive_any_given_colours(data):
    """Whatever colours are given, masks in exactly these are read as they were drawn."""
    colours = data.draw(st.lists(st.integers(0, 0xFFFFFF), min_size=3, max_size=3, unique=True))
    text = "[colours]\n" + "\n".join(
        f'{name} = "#{value:06x}"' for name, value in zip(("background", "people", "hero"), colours, strict=True)
    )
    pixels = np.array([(value >> 16, value >> 8 & 255, value & 255) for value in colours], np.uint8)[LABELS]
    np.testing.assert_array_equal(read_as(text, encode(pixels)), LABELS)


def test_example_of_the_docs_is_read():
    docs = Path(__file__).parents[3] / "docs" / "reference" / "formats.md"
    example = docs.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    colours = [(0, 0, 0), (255, 255, 0), (255, 0, 255)]
    np.testing.assert_array_equal(read_as(example, in_colours(*colours)), LABELS)
    example = docs.read_text(encoding="utf-8").split("```toml\n")[2].partition("```")[0]
    classes = parse_classes_file(example.encode(), "formats.md").classes
    assert (len(classes), classes.target_name) == (4, "car")
