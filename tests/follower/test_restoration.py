"""Haze is measured and removed, dark pictures are brightened, and all others stay as they are."""

import zipfile
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from follower.agent import FollowAgent
from follower.restoration.exposure import brighten
from follower.restoration.restorer import PictureRestorer
from follower.settings import AgentSettings

GREY = np.array([188.0, 193.0, 197.0])  # light of the haze
FAR = 100.0  # metres that a depth of 255 stands for
CLEAR = 1e9  # metres of visibility


def street(seed):
    """Return a clear picture, (256, 256, 3) float, and its depth in metres: a ground with things on it, and sky."""
    random = np.random.default_rng(seed)
    colours = random.uniform(0, 255, (32, 32, 3)) * (random.random((32, 32, 1)) > 0.15)  # some are black
    picture = np.repeat(np.repeat(colours, 8, axis=0), 8, axis=1)
    rows = np.linspace(0.02, 1, 256)[:, None]
    depth = np.minimum(4.0 / rows + random.uniform(-0.5, 0.5, (256, 256)), 240.0)
    picture[depth > FAR] = (150, 170, 205)
    return picture, depth


def frame(picture, depth, time):
    depth_image = np.minimum(np.round(depth / FAR * 255), 255).astype(np.uint8)
    return SimpleNamespace(image=picture.astype(np.uint8), depth_image=depth_image, timestamp=1e9 + time)


def in_haze(picture, depth, visibility, light=GREY):
    """Return what is left of a picture in haze that hides 95 % of the contrast at the `visibility`, metres."""
    beyond = np.inf if visibility < CLEAR else 0.0
    seen = np.exp(-3 / visibility * np.where(depth > FAR, beyond, depth))[..., None]
    return picture * seen + light * (1 - seen)


def restored(visibility, seconds=5.0, light=GREY, **changes):
    """Return the last picture of a flight as restored, as it was taken, without haze, and its depth in metres."""
    restorer = PictureRestorer()
    for index in range(int(seconds / 0.2)):
        clear, depth = street(index)
        taken = frame(in_haze(clear, depth, visibility, light), depth, index * 0.2)
        for name, change in changes.items():
            setattr(taken, name, change(getattr(taken, name)))
        picture = restorer.restore(taken)
    return picture, taken.image, clear, depth


def error(picture, clear, depth, least, most):
    part = (depth > least) & (depth < most)
    return np.abs(picture[part].astype(float) - clear[part]).mean()


@settings(max_examples=8, deadline=None)
@given(st.floats(28, 150), st.floats(0.6, 1.0))
def test_haze_is_removed(visibility, brightness):
    picture, taken, clear, depth = restored(visibility, light=GREY * brightness)
    reach = (8, min(0.6 * visibility, 60))
    assert error(picture, clear, depth, *reach) < 0.35 * error(taken, clear, depth, *reach)


def test_a_clear_and_bright_picture_stays_as_it_is():
    picture, taken, _, _ = restored(CLEAR)
    assert picture is taken


@pytest.mark.parametrize(
    "depth_image",
    [
        lambda image: np.zeros_like(image),
        lambda image: np.full_like(image, 255),
        lambda image: image[::-1].copy(),
        lambda image: np.random.default_rng(0).integers(0, 256, image.shape, np.uint8),
        lambda image: None,
    ],
    ids=["no measurement", "nothing near", "upside down", "noise", "none"],
)
def test_a_useless_depth_image_changes_nothing(depth_image):
    picture, taken, _, _ = restored(40.0, depth_image=depth_image)
    assert picture is taken or np.array_equal(picture, brighten(taken))


def test_holes_in_the_depth_image_do_not_show():
    holes = np.random.default_rng(1).random((256, 256)) < 0.1
    picture, taken, clear, depth = restored(40.0, depth_image=lambda image: np.where(holes, np.uint8(0), image))
    hole = np.where(holes, depth, np.nan)
    assert error(picture, clear, hole, 8, 24) < 0.5 * error(taken, clear, hole, 8, 24)


def test_a_depth_image_of_half_the_size_serves():
    picture, taken, clear, depth = restored(40.0, depth_image=lambda image: image[::2, ::2].copy())
    assert error(picture, clear, depth, 8, 24) < 0.5 * error(taken, clear, depth, 8, 24)


def hazy_after(visibilities):
    """Return after how many seconds there is haze, of a flight with these visibilities, frame by frame; None: never."""
    restorer = PictureRestorer()
    for index, visibility in enumerate(visibilities):
        clear, depth = street(index)
        taken = frame(in_haze(clear, depth, visibility), depth, index * 0.2)
        if not np.array_equal(restorer.restore(taken), brighten(taken.image)):
            return index * 0.2
    return None


def test_haze_is_noticed_soon_whatever_the_air_was_before():
    assert hazy_after([40.0] * 20) < 2
    assert 40 <= hazy_after([CLEAR] * 200 + [40.0] * 100) < 60


def test_haze_that_lifts_is_forgotten():
    restorer = PictureRestorer()
    for index in range(100):
        clear, depth = street(index)
        picture = restorer.restore(frame(in_haze(clear, depth, 40.0 if index < 50 else CLEAR), depth, index * 0.2))
    assert np.array_equal(picture, clear.astype(np.uint8))


def test_a_restart_begins_in_clear_air():
    restorer = PictureRestorer()
    for time in (*np.arange(0, 10, 0.2), -100.0):
        clear, depth = street(round(time * 5) % 50)
        taken = frame(in_haze(clear, depth, 40.0) if time >= 0 else clear, depth, time)
        picture = restorer.restore(taken)
    assert picture is taken.image
    assert not restorer.hard_to_see


def test_after_a_restart_at_night_it_is_dark():
    restorer, (clear, depth) = PictureRestorer(), street(0)
    for time in (10.0, 10.2, 0.0):
        restorer.restore(frame(clear * (0.6 if time == 0 else 1.0), depth, time))
    assert restorer.hard_to_see


def test_a_clock_that_trembles_keeps_the_haze():
    restorer = PictureRestorer()
    for index in range(60):
        clear, depth = street(index)
        taken = frame(in_haze(clear, depth, 40.0), depth, index * 0.2 - (0.3 if index % 7 == 6 else 0.0))
        picture = restorer.restore(taken)
        assert index < 20 or not np.array_equal(picture, brighten(taken.image))


def test_in_clear_air_the_depth_image_is_decoded_twice_a_second_at_most():
    class Counted:
        decoded = 0

        def __init__(self, taken):
            self.taken, self.image, self.timestamp = taken, taken.image, taken.timestamp

        @property
        def depth_image(self):
            Counted.decoded += 1
            return self.taken.depth_image

    restorer = PictureRestorer()
    for index in range(50):
        clear, depth = street(index)
        restorer.restore(Counted(frame(clear, depth, index * 0.2)))
    assert 10 < Counted.decoded <= 20


def test_black_pictures_hide_no_haze():
    restorer = PictureRestorer()
    for index in range(60):
        clear, depth = street(index)
        taken = frame(in_haze(clear, depth, 40.0) * (index % 10 != 9), depth, index * 0.2)
        picture = restorer.restore(taken)
        if index > 20 and taken.image.any():
            assert error(picture, clear, depth, 8, 24) < 0.5 * error(taken.image, clear, depth, 8, 24)


def test_at_night_lamps_are_no_haze():
    """What is lit is near, and the sky is darker than the streets."""
    night = np.array([18.0, 19.0, 30.0])
    picture, taken, _, _ = restored(60.0, light=night)
    assert np.array_equal(picture, brighten(taken))


def test_a_dark_picture_becomes_as_bright_as_by_day():
    clear, _ = street(0)
    assert np.percentile(brighten((clear * 0.55).astype(np.uint8)), 99) == pytest.approx(235, abs=4)


@settings(deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 70), st.integers(1, 70), st.just(3)), elements=st.integers(0, 255)))
def test_any_picture_can_be_brightened(picture):
    bright = brighten(picture)
    assert bright.shape == picture.shape
    assert bright.dtype == np.uint8
    assert (bright >= picture).all()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_frames_can_be_restored(data):
    restorer, sizes = PictureRestorer(), st.sampled_from([(1, 1), (64, 96), (256, 256)])
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    for time in data.draw(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6)):
        size = data.draw(sizes)
        image, depth = (
            random.integers(0, 256, (*size, 3), np.uint8),
            random.integers(0, 256, data.draw(sizes), np.uint8),
        )
        image = cv2.multiply(image, data.draw(st.floats(0, 1)))
        picture = restorer.restore(SimpleNamespace(image=image, depth_image=depth, timestamp=time))
        assert picture.shape == image.shape
        assert picture.dtype == np.uint8


class Unreadable:
    """A frame whose depth image is damaged."""

    def __init__(self, taken):
        self.image, self.timestamp = taken.image, taken.timestamp

    @property
    def depth_image(self):
        raise ValueError("bad PNG")


def test_a_depth_image_that_cannot_be_read_leaves_the_haze_of_its_frame_only():
    restorer = PictureRestorer()
    for index in range(40):
        clear, depth = street(index)
        taken = frame(in_haze(clear, depth, 40.0), depth, index * 0.2)
        damaged = index % 2 == 1
        picture = restorer.restore(Unreadable(taken) if damaged else taken)
        if index >= 38:
            assert np.array_equal(picture, brighten(taken.image)) == damaged


def test_dark_pictures_are_brightened_without_any_depth_image():
    clear, depth = street(0)
    taken = frame(clear * 0.5, depth, 0.0)
    assert PictureRestorer().restore(Unreadable(taken)).mean() > 1.5 * taken.image.mean()


def test_the_setting_turns_it_off():
    clear, depth = street(0)
    dark = frame(clear * 0.5, depth, 0.0)
    assert FollowAgent(AgentSettings(restore_pictures=False)).network_picture(dark) is dark.image
    assert FollowAgent().network_picture(dark).mean() > 1.5 * dark.image.mean()


@pytest.mark.parametrize(
    ("visibility", "brightness", "hard"),
    [(CLEAR, 1.0, False), (CLEAR, 0.6, True), (40.0, 1.0, True), (CLEAR, 0.95, False)],
)
def test_networks_are_less_certain_in_haze_and_in_the_dark(visibility, brightness, hard):
    restorer = PictureRestorer()
    assert not restorer.hard_to_see
    for index in range(20):
        clear, depth = street(index)
        restorer.restore(frame(brightness * in_haze(clear, depth, visibility), depth, index * 0.2))
    assert restorer.hard_to_see == hard


def test_a_while_above_a_dark_lawn_is_no_night():
    restorer, (clear, depth) = PictureRestorer(), street(0)
    for index in range(200):
        restorer.restore(frame(clear if index < 20 else 0.6 * clear, depth, index * 0.2))
    assert not restorer.hard_to_see


def test_quadsim_has_neither_haze_nor_night(shared):
    """Real pictures with the depth that a camera of the environment saw, 0.6 s apart."""
    restorer, same = PictureRestorer(), []
    with zipfile.ZipFile(shared / "data" / "raw_recording.zip") as archive:

        def image(name):
            return cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR_RGB)

        for index, name in enumerate(sorted(name for name in archive.namelist() if "/IMG/cam1_" in name)):
            picture, depth = image(name), image(name.replace("cam1_", "cam4_"))[..., 0]
            taken = SimpleNamespace(image=picture, depth_image=depth, timestamp=1e9 + 0.6 * index)
            same.append(np.array_equal(restorer.restore(taken), brighten(picture)))
            assert not restorer.hard_to_see
    assert len(same) > 100
    assert all(same)
