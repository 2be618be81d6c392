"""A folder of pictures as a flight."""

import logging

import cv2
import numpy as np
import pytest

from simulator.slideshow import HEIGHT, PITCH, Slideshow, SlideshowError
from simulator.types import Pose, QuadState


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(3):
        picture = np.full((256, 256, 3), (10 * number, 0, 200), np.uint8)  # BGR
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), picture)
    return tmp_path


def pictures(show):
    """Show all pictures."""
    while not show.ended:
        yield show.observe().rendered.rgb
        show.step(0.2)


def test_every_picture_is_shown_once_in_order_of_name(folder):
    show, blues = Slideshow(folder, hz=5), []
    while not show.ended:
        rgb = show.observe().rendered.rgb
        assert rgb.shape == (256, 256, 3)
        blues.append(int(rgb[0, 0, 2]))
        show.step(0.2)
    assert blues == [0, 10, 20]
    assert rgb[0, 0, 0] == 200


def test_sets_in_folders_are_shown_one_after_the_other(tmp_path):
    names = ("near/images/0", "far/images/1", "far/images/.2", "far/images/old/3", "far/masks/4", "__MACOSX/images/5")
    for name in names:
        place = tmp_path / "unpacked" / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place), np.full((256, 256, 3), 10 * int(name[-1]), np.uint8))
    show = Slideshow(tmp_path, hz=5)
    assert [rgb[0, 0, 0] for rgb in pictures(show)] == [10, 0]


def test_pictures_in_the_folder_itself_come_before_those_inside_it(folder):
    cv2.imwrite(str(folder / "mine.png"), np.full((256, 256, 3), 90, np.uint8))
    show = Slideshow(folder, hz=5)
    assert [rgb[0, 0, 0] for rgb in pictures(show)] == [90]


def test_other_sizes_are_brought_to_256(folder):
    cv2.imwrite(str(folder / "images" / "0.png"), np.zeros((160, 200, 3), np.uint8))
    assert Slideshow(folder, hz=5).observe().rendered.rgb.shape == (256, 256, 3)


def test_a_file_that_is_no_picture_is_reported_once_and_is_no_frame(folder, caplog):
    (folder / "images" / "0.png").write_bytes(b"no picture")
    (folder / "images" / "3.png").write_bytes(b"")
    (folder / "images" / "4.png").mkdir()
    with caplog.at_level(logging.WARNING):
        show = Slideshow(folder, hz=5)
        assert [rgb[0, 0, 2] for rgb in pictures(show)] == [10, 20]
        assert show.ended
    assert [record.args[0].name for record in caplog.records] == ["0.png", "3.png", "4.png"]
    with pytest.raises(SlideshowError):
        show.observe()


def test_a_folder_of_which_no_file_can_be_read_is_an_error(tmp_path):
    (tmp_path / "0.png").write_bytes(b"no picture")
    with pytest.raises(SlideshowError, match="none of its files can be read"):
        Slideshow(tmp_path, hz=5)


@pytest.mark.parametrize("what", ["nothing", "a file", "an empty folder"])
def test_what_cannot_be_shown_is_one_clear_error(tmp_path, what):
    place = tmp_path / "there"
    if what == "a file":
        place.write_text("x")
    elif what == "an empty folder":
        place.mkdir()
    with pytest.raises(SlideshowError, match="there"):
        Slideshow(place, hz=5)


def test_reports_of_the_agent_are_kept(folder):
    show = Slideshow(folder, hz=5)
    show.target_detected((1.0, 2.0, 3.0))
    assert (show.observe().state, show.observe().reported) == (QuadState.FOLLOW, (1.0, 2.0, 3.0))
    show.target_lost()
    assert (show.observe().state, show.observe().reported) == (QuadState.PATROL, None)


def test_its_depth_is_that_of_nothing_in_range(folder):
    """The pictures' depth is not known: any other would contradict them."""
    assert (Slideshow(folder, hz=5).observe().rendered.depth == 255).all()


def test_the_camera_hovers_and_looks_down(folder):
    assert Slideshow(folder, hz=5).observe().gimbal_pose == Pose(0, 0, HEIGHT, 0, PITCH, 0)
