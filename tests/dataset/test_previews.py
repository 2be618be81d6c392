"""Overlays, contact sheet, map, film and plots of a recorded flight."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dataset.previews.drawing import CAPTION
from dataset.previews.film import DRONE, ESTIMATE, GROUND_TRUTH, film_frames, frames_per_second, write_gif, write_video
from dataset.previews.overlay import HERO_COLOUR, SIZE, overlay, select
from dataset.previews.plots import plot_distance
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording, open_recording

WALK = Path(__file__).parent / "recordings" / "walk"


@pytest.fixture
def recording(tmp_path):
    """The drone flies along x; the target stands to its left, 8 m ahead."""
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


def middle_of(image, colour):
    rows, columns = np.nonzero((image == colour).all(axis=2))
    return rows.mean(), columns.mean()


def test_map_has_forward_up_and_left_left(recording):
    images = list(film_frames(recording))
    assert len(images) == 6
    flight_map = images[-1][:SIZE, SIZE:]
    (drone_row, drone_column), (target_row, target_column) = (
        middle_of(flight_map, DRONE),
        middle_of(flight_map, GROUND_TRUTH),
    )
    assert target_row < drone_row
    assert target_column < drone_column
    assert (flight_map == ESTIMATE).all(axis=2).any()
    assert images[0].shape == (SIZE + CAPTION, 2 * SIZE, 3)


def test_trajectories_include_skipped_frames(recording):
    every, few = list(film_frames(recording)), list(film_frames(recording, 5))
    assert len(few) == 2
    assert np.array_equal(every[-1], few[-1])
    blue = [np.ptp(image[:SIZE, SIZE:].astype(int)[..., ::2], axis=2) > 60 for image in every]
    drawn = [np.count_nonzero(pixels) for pixels in blue]
    assert drawn == sorted(set(drawn))


def test_imported_recording_has_a_film_without_map(recording):
    records = tuple(dataclasses.replace(frame, pose=None, track_point=None) for frame in recording.frames)
    assert {image.shape for image in film_frames(Recording(recording.path, {}, records, 0))} == {
        (SIZE + CAPTION, SIZE, 3)
    }


def test_animation_has_at_most_the_requested_frames(recording, tmp_path):
    path = tmp_path / "film.gif"
    write_gif(recording, path, max_frames=3)
    with Image.open(path) as animation:
        assert animation.n_frames <= 3


def test_a_film_is_complete_or_an_error(recording, tmp_path, monkeypatch):
    frames = [np.full((32, 32, 3), shade, np.uint8) for shade in (0, 90, 180)]
    write_video(tmp_path / "film.mp4", frames, 5)
    before = (tmp_path / "film.mp4").read_bytes()
    with pytest.raises(RecordingError, match=r"ends in \.mp4, got .*film\.gif"):
        write_video(tmp_path / "film.gif", frames, 5)

    class FullDisk:
        """Writes nothing, and says nothing, as OpenCV's."""

        fourcc = cv2.VideoWriter.fourcc
        isOpened = write = release = lambda *arguments: True

        def __init__(self, *arguments):
            pass

    monkeypatch.setattr("cv2.VideoWriter", FullDisk)
    with pytest.raises(OSError, match="0 of 3 frames"):
        write_video(tmp_path / "film.mp4", frames, 5)
    assert (tmp_path / "film.mp4").read_bytes() == before
    assert [file.name for file in tmp_path.glob("*film*")] == ["film.mp4"]


def test_distance_plot_is_an_image(recording, tmp_path):
    path = tmp_path / "distance.png"
    plot_distance(recording, path)
    assert cv2.imread(str(path)) is not None


def test_missing_frames_or_poses_are_reported(recording, tmp_path):
    with pytest.raises(RecordingError, match="no frames"):
        write_gif(Recording(recording.path, {}, (), 0), tmp_path / "film.gif")
    imported = FrameRecord("000000", "000000.png", "simulator", 0, 0)
    with pytest.raises(RecordingError, match="no poses"):
        plot_distance(Recording(recording.path, {}, (imported,), 0), tmp_path / "distance.png")


def test_overlay_outlines_the_target():
    recording = open_recording(WALK)
    frame = recording.frames[0]
    view = overlay(recording, frame)
    outlined = np.argwhere((view[:SIZE] == HERO_COLOUR).all(axis=-1))
    top, left, bottom, right = np.array(frame.detection.box) * SIZE / 256
    assert len(outlined)
    assert outlined.min(axis=0) == pytest.approx([top, left], abs=3)
    assert outlined.max(axis=0) == pytest.approx([bottom, right], abs=3)


def test_contact_sheet_shows_changes_of_state():
    frames = open_recording(WALK).frames
    assert {frame.number for frame in frames if frame.changed} == {0, 17, 22}
    selected = [frame.number for frame in select(frames, 8)]
    assert {0, 17, 22, 29} <= set(selected)
    assert selected == sorted(selected)
    assert len(selected) <= 8
    assert frames_per_second(frames) == pytest.approx(5)
    assert frames_per_second(frames[:1]) == 5
