"""What a training begins with is checked before hours are spent on it."""

import cv2
import pytest

from dataset.archives import DatasetError
from model.data.sources import collect
from model.training.arguments import Arguments
from model.training.preparation import load_frames
from model.training.run_folder import RunFolder
from tests.model import own_classes
from tests.model.labelled_frames import write_dataset


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
