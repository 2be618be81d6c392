"""Training and validation frames of one's own classes each show what is to be told apart."""

import cv2
import numpy as np
import pytest

from dataset.archives import DatasetError
from model.data.cleaning import clean_split
from model.data.packing import pack
from model.data.shown_classes import check_shown_classes
from model.data.sources import collect
from tests.model import labelled_frames
from tests.model.own_classes import CLASSES_TOML, MASK_COLOURS, SIZE, WITH_TARGET, write_dataset

SKY, ROAD, CAR, CONE = range(4)


def split_of(tmp_path, change, classes=CLASSES_TOML):
    """The split of 40 frames, of which 2 are held out by default; `change` gets the masks of both parts."""
    folder = write_dataset(tmp_path / "street", 40, classes=classes)
    sources = collect([str(folder)])
    change(*([each.pair.mask.path for each in part] for part in (sources.train, sources.validation)))
    return clean_split(sources, *(pack(part, tmp_path / "cache", SIZE) for part in (sources.train, sources.validation)))


def paint_over(files, old, new):
    """Paint all classes in `old` in the colour of the class `new`."""
    for file in files:
        mask = cv2.imread(str(file))
        for label in old:
            mask[(mask[..., ::-1] == MASK_COLOURS[label]).all(axis=2)] = MASK_COLOURS[new][::-1]
        cv2.imwrite(str(file), mask)


def test_a_held_out_part_of_one_class_is_refused(tmp_path):
    split = split_of(tmp_path, lambda _, held_out: paint_over(held_out, [ROAD, CAR, CONE], SKY))
    assert split.problems == ()  # the source as a whole shows all classes
    with pytest.raises(
        DatasetError, match=r"expected validation frames that show at least two classes, but all 2 .* only sky: "
    ):
        check_shown_classes(split)


def test_training_frames_of_one_class_are_refused(tmp_path):
    split = split_of(tmp_path, lambda train, _: paint_over(train, [SKY, CAR, CONE], ROAD))
    with pytest.raises(DatasetError, match=r"expected training frames .* but all 38 of them show only road: add"):
        check_shown_classes(split)


def test_a_held_out_part_of_ignored_pixels_is_refused(tmp_path):
    def black(_, held_out):
        for file in held_out:
            cv2.imwrite(str(file), np.zeros((*SIZE, 3), np.uint8))

    with pytest.raises(DatasetError, match="all 2 of them show only ignored pixels"):
        check_shown_classes(split_of(tmp_path, black))


def test_the_target_must_be_shown(tmp_path):
    split = split_of(tmp_path, lambda _, held_out: paint_over(held_out, [CAR], ROAD), WITH_TARGET)
    with pytest.raises(DatasetError, match=r"show car, the target, and another class, but .* only sky, road, cone: "):
        check_shown_classes(split)


def test_other_classes_that_one_part_does_not_show_are_noted(tmp_path):
    def change(train, held_out):
        paint_over(train, [CONE], ROAD)
        paint_over(held_out, [CAR], ROAD)

    assert check_shown_classes(split_of(tmp_path, change)) == [
        "classes that training frames show, but no validation frame: car; how well these are recognised is not"
        " measured",
        "classes that validation frames show, but no training frame: cone; these are not learnt",
    ]


def test_background_alone_can_be_validated_on(tmp_path):
    folder = labelled_frames.write_dataset(tmp_path / "patrol", 40, size=32)
    sources = collect([str(folder)])
    for frame in sources.validation:
        cv2.imwrite(str(frame.pair.mask.path), np.full((32, 32, 3), (0, 0, 255), np.uint8))
    parts = (pack(part, tmp_path / "cache", 32) for part in (sources.train, sources.validation))
    assert check_shown_classes(clean_split(sources, *parts)) == []
