"""The film of a recorded flight shows both ways, and its map is right side up."""

import dataclasses

import cv2
import numpy as np
import pytest
from PIL import Image

from dataset.previews.drawing import CAPTION
from dataset.previews.film import film_frames, write_gif
from dataset.previews.flight_map import DRONE, ESTIMATE, GROUND_TRUTH
from dataset.previews.overlay import SIZE
from dataset.previews.plots import plot_distance
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording


@pytest.fixture
def run(tmp_path):
    """The drone flies along x; the hero stands to its left, 8 m ahead."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    records = []
    for number in range(6):
        name = f"{number:06d}"
        cv2.imwrite(str(tmp_path / "images" / f"{name}.jpeg"), np.full((256, 256, 3), 120, np.uint8))
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), np.zeros((256, 256, 3), np.uint8))
        records.append(
            FrameRecord(
                frame=name,
                image=f"{name}.jpeg",
                label_source="simulator",
                hero_pixels=0,
                people_pixels=0,
                timestamp=100 + number / 5,
                pose=(float(number), 0.0, 5.0, 0.0, 0.0, 0.0),
                gimbal_pose=(float(number), 0.0, 5.0, 0.0, 0.0, 0.0),
                ground_truth_target=(8.0, 6.0, 0.0),
                world_point=(8.0, 6.5, 1.0),
                track_point=(8.0, 6.5, 1.0),
                state="found",
            )
        )
    return Recording(tmp_path, {}, tuple(records), 0)


def middle_of(picture, colour):
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return rows.mean(), columns.mean()


def test_on_the_map_forward_is_up_and_left_is_left(run):
    pictures = list(film_frames(run))
    assert len(pictures) == 6
    chart = pictures[-1][:SIZE, SIZE:]
    (drone_row, drone_column), (hero_row, hero_column) = middle_of(chart, DRONE), middle_of(chart, GROUND_TRUTH)
    assert hero_row < drone_row
    assert hero_column < drone_column
    assert (chart == ESTIMATE).all(axis=2).any()
    assert pictures[0].shape == (SIZE + CAPTION, 2 * SIZE, 3)


def test_ways_grow_with_the_frames_that_are_left_out_too(run):
    every, few = list(film_frames(run)), list(film_frames(run, 5))
    assert len(few) == 2
    assert np.array_equal(every[-1], few[-1])
    blue = [np.ptp(picture[:SIZE, SIZE:].astype(int)[..., ::2], axis=2) > 60 for picture in every]
    drawn = [np.count_nonzero(pixels) for pixels in blue]
    assert drawn == sorted(set(drawn))


def test_what_was_imported_has_a_film_without_a_map(run):
    records = tuple(dataclasses.replace(frame, pose=None, track_point=None) for frame in run.frames)
    assert {picture.shape for picture in film_frames(Recording(run.path, {}, records, 0))} == {
        (SIZE + CAPTION, SIZE, 3)
    }


def test_the_animation_has_at_most_the_frames_asked_for(run, tmp_path):
    path = tmp_path / "film.gif"
    write_gif(run, path, max_frames=3)
    with Image.open(path) as animation:
        assert animation.n_frames <= 3


def test_the_plot_is_a_picture(run, tmp_path):
    path = tmp_path / "distance.png"
    plot_distance(run, path)
    assert cv2.imread(str(path)) is not None


def test_what_has_no_frames_or_poses_says_so(run, tmp_path):
    with pytest.raises(RecordingError, match="no frames"):
        write_gif(Recording(run.path, {}, (), 0), tmp_path / "film.gif")
    imported = FrameRecord("000000", "000000.png", "simulator", 0, 0)
    with pytest.raises(RecordingError, match="no poses"):
        plot_distance(Recording(run.path, {}, (imported,), 0), tmp_path / "distance.png")
