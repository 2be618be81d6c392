"""What networks say about labels, and the command that asks them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dataset.recordings.recording import open_recording
from dataset.review.network_findings import read_network_findings
from dataset.review.ranking import suspect_frames
from dataset.review.relabelling import NewLabels, replace_labels
from dataset.schema import HERO
from model.suspicious import main, network_issues

SIZE = 32


def target(left: int, chance: float = 0.95) -> np.ndarray:
    """Probabilities of a target of 6x6 pixels, or of none without a chance."""
    hero = np.zeros((SIZE, SIZE), np.float32)
    hero[10:16, left : left + 6] = chance
    return np.stack([1 - hero, np.zeros_like(hero), hero], axis=-1)


LABELLED = target(8)[..., HERO] > 0.5


@pytest.mark.parametrize(
    ("predicted", "reasons"),
    [
        ({"one": target(8)}, []),
        ({"one": target(9)}, []),
        ({"one": target(20)}, ["one sees the target elsewhere"]),
        ({"one": target(8, 0.0)}, ["one sees no target there"]),
        ({"one": target(8, 0.6)}, ["one is unsure of the target"]),
        (
            {"one": target(8), "other": target(8, 0.0)},
            ["other sees no target there", "one and other disagree: the latter sees no target there"],
        ),
    ],
)
def test_networks_doubt_what_they_do_not_see(predicted, reasons):
    assert [issue.reason for issue in network_issues(LABELLED, predicted)] == reasons


def test_a_target_that_is_not_labelled_is_seen():
    (issue,) = network_issues(np.zeros_like(LABELLED), {"one": target(8)})
    assert issue.reason == "one sees a target there"


@pytest.fixture
def walk(tmp_path):
    """The walk, whose frame 000007 is labelled wrongly."""
    source = Path(__file__).parents[1] / "dataset" / "recordings" / "walk"
    walk = Path(shutil.copytree(source, tmp_path / "walk"))
    wrong = np.zeros((256, 256), np.uint8)
    wrong[200:220, 20:30] = HERO
    replace_labels(open_recording(walk), [NewLabels("000007", wrong, "model", "")])
    return walk


@pytest.mark.slow
def test_the_command_lists_a_frame_that_the_network_sees_otherwise(walk, red_finder, tmp_path, capsys):
    assert main([str(walk), "--weights", str(red_finder)]) == 0
    assert "red.h5 sees the target elsewhere" in " ".join(capsys.readouterr().out.split())
    assert "000007" in [each.frame for each in suspect_frames(open_recording(walk))[:2]]
    assert main([str(tmp_path / "nowhere"), "--weights", str(red_finder)]) == 2


@pytest.mark.slow
def test_a_network_of_other_classes_sees_its_target(walk, red_car_finder, capsys):
    assert main([str(walk), "--weights", str(red_car_finder)]) == 0
    assert "cars.h5 sees the target elsewhere" in " ".join(capsys.readouterr().out.split())
    assert read_network_findings(walk, open_recording(walk).frames).keys() == {"000007"}


@pytest.mark.slow
def test_networks_of_one_file_name_are_told_apart(walk, red_finder, red_car_finder, tmp_path, capsys):
    paths = [tmp_path / run / "best.h5" for run in "ab"]
    for path, network in zip(paths, (red_finder, red_car_finder), strict=True):
        path.parent.mkdir()
        shutil.copy(network, path)
    assert main([str(walk), "--weights", *map(str, paths)]) == 0
    (findings,) = read_network_findings(walk, open_recording(walk).frames).values()
    reasons = " ".join(issue.reason for issue in findings)
    assert "a/best.h5 sees the target elsewhere" in reasons
    assert "b/best.h5 sees the target elsewhere" in reasons
