"""What a training begins with is checked before hours are spent on it."""

import cv2
import numpy as np
import pytest

from dataset.archives import DatasetError
from dataset.schema import HERO
from model.data.sources import collect
from model.training.arguments import Arguments
from model.training.preparation import load_frames
from model.training.run_folder import RunFolder
from tests.model import own_classes
from tests.model.labelled_frames import draw_labels, paint, write_dataset, write_frame


@pytest.fixture
def load(tmp_path):
    """Loads the frames that options name, as a training does."""

    def load(**options):
        options = {"data": (str(tmp_path / "train"),), "cache": str(tmp_path / "cache"), **options}
        given = Arguments(**options)
        sources = collect(given.data, (), given.validation, given.hold_out, not given.no_validation)
        return load_frames(sources, given, RunFolder(tmp_path / "run"), (32, 32))

    return load


def test_validation_frames_that_are_all_bad_are_not_skipped_without_a_word(tmp_path, load):
    write_dataset(tmp_path / "train", 3, size=32)
    bad = write_dataset(tmp_path / "bad", 3, size=32, seed=1)
    for image in (bad / "images").iterdir():
        image.write_bytes(b"\xff\xd8 cut short")
    chosen = {"validation": (str(bad),)}, {"data": (str(tmp_path / "train"), str(bad)), "hold_out": ("bad",)}
    for options in chosen:
        with pytest.raises(DatasetError, match=r"^expected frames to validate on, .* but none is left: "):
            load(skip_bad=True, **options)
    assert load(no_validation=True).validation is None


def test_classes_that_validation_frames_do_not_show_are_named(tmp_path, load, capsys):
    own_classes.write_dataset(tmp_path / "train", 4)
    chosen = own_classes.write_dataset(tmp_path / "chosen", 3, seed=1)
    for file in (chosen / "masks").iterdir():
        mask = cv2.imread(str(file))
        mask[(mask == 255).all(axis=2)] = 0  # ignored
        cv2.imwrite(str(file), mask)
    load(validation=(str(chosen),))
    assert "no validation frame: cone" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("target", "noted"), [(True, False), (False, True)])
def test_frames_that_give_no_score_are_noted_before_the_training(tmp_path, load, capsys, target, noted):
    """Background and people can be validated on, but the score is of the target."""
    write_dataset(tmp_path / "train", 3, size=32)
    labels = draw_labels(np.random.default_rng(0), 32, hero=False)
    labels[4:12, 4:8] = HERO * target
    write_frame(tmp_path / "chosen", "a_cam1_0.png", "a_mask_0.png", paint(labels), labels)
    load(validation=(str(tmp_path / "chosen"),))
    printed = " ".join(capsys.readouterr().out.split())
    assert ("no validation frame shows a visible hero: there is no score and no best model, but" in printed) == noted
