"""Defects that are put into drawn frames are found where they are, and frames without any are left alone."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from dataset.audit.audit import Frame, audit, examine
from dataset.audit.findings import Finding
from dataset.pairs import find_pairs
from dataset.schema import HERO, PEOPLE
from tests.dataset.audit.scenes import add_person, cover, crowd, lawn, write

FRAMES = 12


def findings(*folders: Path) -> list[Finding]:
    """What an audit finds in datasets; none of their frames is unreadable."""
    frames = [Frame(pair, folder.name) for folder in folders for pair in find_pairs(folder)[0]]
    found, problems = audit(frames, map(examine, frames))
    assert not problems
    return found


def numbers(found: Iterable[Finding], kind: str) -> list[int]:
    """The numbers of the frames with a defect of a kind, in order."""
    return sorted(int(each.image[-10:-5]) for each in found if each.kind == kind)


@pytest.fixture
def scenes() -> list[tuple[np.ndarray, np.ndarray]]:
    """Images and labels of a run, all right."""
    random = np.random.default_rng(3)
    return [crowd(random) for _ in range(FRAMES)]


def test_right_frames_have_no_defects(tmp_path, scenes):
    for number, scene in enumerate(scenes):
        write(tmp_path, number, *scene)
    assert findings(tmp_path) == []


def test_who_is_hidden_by_leaves_is_found_and_who_stands_beside_them_is_not(tmp_path):
    random = np.random.default_rng(1)
    image, labels = lawn(random)
    add_person(image, labels, 30, 30, 18)
    cover(image, 15, 10, 50, random)
    add_person(image, labels, 80, 90, 18, HERO)
    add_person(image, labels, 40, 100, 18)
    write(tmp_path, 0, image, labels, quality=95)
    (found,) = findings(tmp_path)
    assert (found.kind, found.label, found.leave_out) == ("hidden", "people", "no")
    assert (found.top, found.left, found.bottom, found.right) == (30, 30, 48, 36)


def test_a_small_person_on_a_lawn_without_a_label_is_found(tmp_path):
    image, labels = lawn(np.random.default_rng(2))
    add_person(image, np.zeros_like(labels), 50, 60, 6)
    add_person(image, labels, 50, 90, 6)
    write(tmp_path, 0, image, labels)
    (found,) = findings(tmp_path)
    assert found.kind == "distant"
    assert abs(found.top - 50) <= 1
    assert abs(found.left - 60) <= 1


def test_masks_that_are_shifted_by_a_frame_are_found(tmp_path, scenes):
    shifted = range(4, 8)
    for number, (image, labels) in enumerate(scenes):
        write(tmp_path, number, image, scenes[number + 1][1] if number in shifted else labels)
    found = findings(tmp_path)
    assert numbers(found, "other frame's mask") == list(shifted)
    assert {each.leave_out for each in found} == {"yes"}


def test_a_single_mask_that_seems_to_be_another_frames_is_only_listed(tmp_path, scenes):
    for number, (image, labels) in enumerate(scenes):
        write(tmp_path, number, image, scenes[5][1] if number == 4 else labels)
    (found,) = findings(tmp_path)
    assert (found.kind, found.leave_out) == ("other frame's mask", "no")


def test_swapped_classes_are_found(tmp_path, scenes):
    swap = np.array([0, HERO, PEOPLE], np.uint8)
    for number, (image, labels) in enumerate(scenes):
        write(tmp_path, number, image, swap[labels] if number in (2, 9) else labels)
    assert numbers(findings(tmp_path), "swapped classes") == [2, 9]


def test_of_a_run_with_swapped_classes_frames_that_show_only_one_are_swapped_too(tmp_path, scenes):
    swap = np.array([0, HERO, PEOPLE], np.uint8)
    image, labels = lawn(np.random.default_rng(5))
    add_person(image, labels, 30, 30, 30)
    for number, (picture, classes) in enumerate([*scenes, (image, labels)]):
        write(tmp_path, number, picture, swap[classes])
    assert numbers(findings(tmp_path), "swapped classes") == list(range(FRAMES + 1))


@pytest.mark.parametrize("kind", ["copy", "mirrored copy"])
def test_copies_are_found_across_datasets_however_they_are_compressed(tmp_path, scenes, kind):
    copied = [1, 6]
    for number, (image, labels) in enumerate(scenes):
        write(tmp_path / "first", number, image, labels, quality=90)
        if number in copied:
            step = -1 if kind == "mirrored copy" else 1
            copy = np.ascontiguousarray(image[:, ::step]), np.ascontiguousarray(labels[:, ::step])
            write(tmp_path / "second", number, *copy, quality=55)
    found = findings(tmp_path / "first", tmp_path / "second")
    assert [each.kind for each in found] == [kind] * 2
    assert numbers(found, kind) == copied
    assert {each.source for each in found} == {"second"}


def test_pictures_of_one_place_in_which_someone_has_moved_are_no_copies(tmp_path):
    place = lawn(np.random.default_rng(7))
    for number, left in enumerate((20, 60)):
        image, labels = (each.copy() for each in place)
        add_person(image, labels, 40, left, 9)
        write(tmp_path, number, image, labels)
    assert findings(tmp_path) == []
