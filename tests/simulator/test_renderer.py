"""The renderer against independent geometry: positions in the image, depths, classes."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.rendering.markers import draw_markers
from simulator.rendering.renderer import Renderer, RendererError
from simulator.types import Box, Marker, Person, Pose
from simulator.world.city_generator import generate_city

pytestmark = pytest.mark.slow  # each process that has one of these draws the first picture for a second

FOCAL = 128 / math.tan(math.radians(30))
TARGET = Person(id=0, is_target=True, x=10.0, y=0.0, z=0.0, heading=0.0, gait=1.0, speed=1.4, appearance_seed=0)
WALL = Box((31.0, 0.0), (2.0, 40.0), 0.0, 30.0, 0.0, "building")


@pytest.fixture(scope="module")
def city():
    return generate_city(6)


@pytest.fixture(scope="module")
def town(city):
    """A renderer of a whole city."""
    return Renderer(city)


@pytest.fixture(scope="module")
def plain(city):
    """An endless road and one wall, 30 m ahead of the origin."""
    road = tuple(surface for surface in city.surfaces if surface.kind == "road")
    return Renderer(dataclasses.replace(city, boxes=(WALL,), blocks=((500.0, 0.0, 501.0, 1.0),), surfaces=road))


def person(**changes) -> Person:
    return dataclasses.replace(TARGET, **changes)


def camera(**changes) -> Pose:
    return dataclasses.replace(Pose(0.0, 0.0, 2.0, 0.0, 0.0, 0.0), **changes)


def crowd(city, count: int, seed: int = 0) -> list[Person]:
    random = np.random.default_rng(seed)
    people = []
    while len(people) < count:
        x, y = random.uniform(-60, 60, 2)
        if city.is_walkable(x, y, 0.3):
            seed = int(random.integers(10**6))
            place = {"x": x, "y": y, "z": float(city.ground_height(x, y)), "heading": random.uniform(-3, 3)}
            people.append(person(id=len(people) + 1, is_target=False, appearance_seed=seed, **place))
    return people


def looking_at(city, point: tuple[float, float], distance: float = 6.0) -> Pose:
    """From a place with nothing solid near it."""
    for yaw in np.linspace(-3, 3, 25):
        x, y = point[0] - distance * math.cos(yaw), point[1] - distance * math.sin(yaw)
        way = np.linspace((x, y), point, 30)
        if np.all(city.is_walkable(*way.T, radius=0.8)):
            return Pose(float(x), float(y), 4.0, 0.0, math.atan2(2.9, distance), float(yaw))
    raise AssertionError("no free view")


def test_shapes_and_types(town, city):
    seen = town.render(camera(z=8.0, pitch=0.5), crowd(city, 5))
    assert (seen.rgb.shape, seen.rgb.dtype) == ((256, 256, 3), np.uint8)
    assert (seen.depth.shape, seen.depth.dtype) == ((256, 256), np.uint8)
    assert (seen.mask.shape, seen.mask.dtype) == ((256, 256, 3), np.uint8)


def test_every_pixel_has_one_class(town, city):
    mask = town.render(camera(z=8.0, pitch=0.5), crowd(city, 60)).mask
    assert set(np.unique(mask)) == {0, 255}
    assert np.array_equal(mask.astype(int).sum(axis=2), np.full((256, 256), 255))


@pytest.mark.parametrize("distance", [3.0, 5.0, 12.0, 20.0, 50.0, 80.0])
def test_depth_of_a_wall_is_planar_and_linear(plain, distance):
    depth = plain.render(camera(x=30.0 - distance, z=15.0), ()).depth
    high = int(15 * FOCAL / distance)
    wide = int(20 * FOCAL / distance)
    rows, columns = (slice(max(0, 128 - half + 2), 128 + half - 2) for half in (min(high, 128), min(wide, 128)))
    assert np.abs(depth[rows, columns].astype(float) - distance * 2.55).max() <= 1.0


@pytest.mark.parametrize(("height", "pitch"), [(3, 30), (10, 30), (20, 60), (6, 10), (10, 5)])
def test_depth_of_the_ground(plain, height, pitch):
    """The software renderer draws to the nearest pixel, so its depth must lie between those of the neighbours."""
    depth = plain.render(camera(z=height, pitch=math.radians(pitch), yaw=math.pi), ()).depth.astype(float)
    slope = (np.arange(-1, 257) + 0.5 - 128) / FOCAL
    down = np.sin(np.radians(pitch)) + slope * np.cos(np.radians(pitch))
    exact = np.where(down > 0.02, height / np.maximum(down, 1e-6) * 2.55, 1e9)
    for row in range(256):
        above, below = exact[row], exact[row + 2]
        if above < 250:
            assert below - 1 <= depth[row].min()
            assert depth[row].max() <= above + 1


def test_beyond_far_is_as_far_as_can_be(town, city):
    for yaw in np.linspace(-3, 3, 9):
        view = camera(x=60 * math.cos(yaw), y=60 * math.sin(yaw), z=18.0, pitch=0.05, yaw=yaw + math.pi)
        depth = town.render(view, ()).depth
        slope = (np.arange(256) + 0.5 - 128) / FOCAL
        nearest = 2.55 * (18.0 / np.maximum(math.sin(0.05) + slope * math.cos(0.05), 1e-6))
        assert depth.min() > 0
        assert np.all(depth[nearest < 40] < 60)  # the ground in front of the feet
    far_wall = dataclasses.replace(WALL, center=(126.0, 0.0), size=(2.0, 200.0))
    drawer = Renderer(dataclasses.replace(city, boxes=(far_wall,), surfaces=(), blocks=((500.0, 0.0, 501.0, 1.0),)))
    for distance in (101.0, 110.0, 140.0, 184.0):
        assert np.all(drawer.render(camera(x=125.0 - distance, z=5.0), ()).depth == 255)


def test_sky_is_as_far_as_can_be(plain):
    assert np.all(plain.render(camera(z=20.0, pitch=math.radians(-60)), ()).depth == 255)


@given(
    forward=st.floats(4, 45),
    left=st.floats(-0.35, 0.35),
    height=st.floats(1.5, 14),
    yaw=st.floats(-3.1, 3.1),
    roll=st.floats(-0.3, 0.3),
)
@settings(max_examples=100, deadline=None)
def test_the_target_is_where_the_pinhole_model_puts_it(plain, forward, left, height, yaw, roll):
    """Columns of R = Rz(yaw) Ry(pitch) Rx(roll), written out once more; checks the head and the chest."""
    pitch = math.atan2(height - 0.87, forward)
    turn_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    turn_y = np.array([[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(roll), -np.sin(roll)], [0, np.sin(roll), np.cos(roll)]])
    eye = np.array([-60.0, 0.0, height])
    level = turn_z @ np.array([forward, left * forward, 0.0])
    x, y = eye[:2] + level[:2]
    seen = plain.render(Pose(*eye.tolist(), roll, pitch, yaw), (person(x=x, y=y, speed=0.0),))
    mask = seen.mask[..., 2] > 0
    for z, reach in ((1.65, 0.12), (1.2, 0.2)):  # middle, and how far the body reaches around it
        ahead, aside, up = (turn_z @ turn_y @ turn_x).T @ (np.array([x, y, z]) - eye)
        row, column = 127.5 - FOCAL * up / ahead, 127.5 - FOCAL * aside / ahead
        if 0 < row < 255 and 0 < column < 255:
            assert mask[round(row), round(column)]
            left_edge = max(0, round(column - FOCAL * 3 * reach / ahead - 2))
            assert not mask[round(row), left_edge] or left_edge == 0
            assert float(seen.depth[round(row), round(column)]) == pytest.approx(ahead * 2.55, abs=1.6)


@pytest.mark.parametrize("distance", [4.0, 8.0, 15.0, 30.0])
def test_the_height_of_the_target_in_the_image(plain, distance):
    mask = plain.render(camera(x=-distance, z=0.9), (person(x=0.0, speed=0.0),)).mask[..., 2]
    rows = np.flatnonzero(mask.any(axis=1))
    assert (rows[-1] - rows[0] + 1) * distance / FOCAL == pytest.approx(1.75, abs=0.06 + distance / FOCAL)


@pytest.mark.parametrize("is_target", [True, False])
@pytest.mark.parametrize("distance", [2.5, 10.0, 25.0, 45.0])
def test_the_mask_is_exactly_what_the_person_changes_in_the_picture(town, city, is_target, distance):
    x, y = city.target_paths[0][0]
    there = person(x=x, y=y, z=float(city.ground_height(x, y)), is_target=is_target, appearance_seed=9)
    near = looking_at(city, (x, y))
    above = 0.8 * distance  # from higher up the farther, over whatever stands around
    view = dataclasses.replace(
        near,
        x=x - 0.6 * distance * math.cos(near.yaw),
        y=y - 0.6 * distance * math.sin(near.yaw),
        z=there.z + 0.9 + above,
        pitch=math.atan2(0.8, 0.6),
    )
    with_person, without = town.render(view, (there,)), town.render(view, ())
    changed = (with_person.rgb != without.rgb).any(axis=2)
    labelled = with_person.mask[..., 2 if is_target else 1] > 0
    assert labelled.sum() > 5 + 8000 / distance**3
    assert not np.any(changed & ~labelled)
    assert (changed & labelled).sum() > 0.97 * labelled.sum()  # by chance a pixel can keep its colour
    assert not np.any(with_person.mask[..., 1 if is_target else 2])


def test_a_wall_hides_the_target_and_nearer_people_hide_farther_ones(plain):
    behind = plain.render(camera(z=2.0), (person(x=35.0),))
    assert not behind.mask[..., 2].any()
    alone = plain.render(camera(z=1.6), (person(x=8.0),)).mask[..., 2] > 0
    other = person(id=1, x=7.0, is_target=False)
    hidden = plain.render(camera(z=1.6), (person(x=8.0), other)).mask
    assert (hidden[..., 2] > 0).sum() < 0.5 * alone.sum()
    assert (hidden[..., 1] > 0).sum() > alone.sum()


def test_people_beyond_50_metres_are_seen_but_labelled_background(plain):
    at = {
        distance: plain.render(camera(x=29.0, yaw=math.pi), (person(x=29.0 - distance),)) for distance in (48.0, 53.0)
    }
    nobody = plain.render(camera(x=29.0, yaw=math.pi), ())
    assert at[48.0].mask[..., 2].any()
    assert not at[53.0].mask[..., 1:].any()
    assert (at[53.0].rgb != nobody.rgb).any()


def test_the_target_is_red_and_the_crowd_mostly_not(plain):
    target = plain.render(camera(x=0.0, z=1.6), (person(x=3.0),))
    red, green, blue = target.rgb[target.mask[..., 2] > 0].mean(axis=0)
    assert red > 2.0 * max(green, blue)
    reddish = 0
    for seed in range(40):
        other = plain.render(camera(x=0.0, z=1.6), (person(x=3.0, is_target=False, appearance_seed=seed),))
        red, green, blue = other.rgb[other.mask[..., 1] > 0].mean(axis=0)
        reddish += red > 2.0 * max(green, blue)
    assert reddish <= 4


def test_people_in_the_shade_are_darker(city):
    sun = dataclasses.replace(city.light, azimuth=math.pi / 2, elevation=0.7)  # from the left
    road = tuple(surface for surface in city.surfaces if surface.kind == "road")
    wall = Box((0.0, 8.0), (30.0, 1.0), 0.0, 9.0, 0.0, "building")
    drawer = Renderer(dataclasses.replace(city, light=sun, boxes=(wall,), surfaces=road))
    bright = []
    for x in (0.0, 30.0):
        seen = drawer.render(camera(x=x - 4.0, z=1.5), (person(x=x, speed=0.0),))
        person_pixels, ground = seen.mask[..., 2] > 0, seen.rgb[250]
        bright.append((seen.rgb[person_pixels].mean(), ground.mean()))
    assert bright[0][0] < 0.85 * bright[1][0]
    assert bright[0][1] < 0.85 * bright[1][1]


def test_legs_swing_with_the_gait_and_stay_on_the_ground(plain):
    spreads = {}
    for gait in (0.0, np.pi / 2, np.pi, 3 * np.pi / 2):
        mask = plain.render(camera(x=0.0, z=0.9), (person(x=4.0, heading=math.pi / 2, gait=gait),)).mask[..., 2]
        rows, columns = np.nonzero(mask)
        assert rows.max() == pytest.approx(127.5 + FOCAL * 0.9 / 4.0, abs=3.0)
        spreads[gait] = np.ptp(columns[rows > 160]) * 4.0 / FOCAL  # metres
    assert min(spreads[np.pi / 2], spreads[3 * np.pi / 2]) > 0.6
    assert max(spreads[0.0], spreads[np.pi]) < 0.5
    standing = plain.render(camera(x=0.0, z=0.9), (person(x=4.0, heading=math.pi / 2, gait=np.pi / 2, speed=0.0),))
    rows, columns = np.nonzero(standing.mask[..., 2])
    assert np.ptp(columns[rows > 160]) * 4.0 / FOCAL < 0.4


def test_the_window_shows_markers_where_nothing_hides_them(plain):
    near = Marker(1, 10.0, 0.0, 1.0, 0.0, (0.7, 0.7, 2.0), (0.0, 0.0, 1.0, 0.5))
    people = (person(x=12.0),)
    rendered = plain.render(camera(z=1.5), people)
    without, seen = rendered.rgb.copy(), draw_markers(rendered, camera(z=1.5), (near,))
    changed = np.argwhere((without != seen).any(axis=2))
    front = 10.0 - 0.35
    assert changed[:, 0].min() == pytest.approx(127.5 - FOCAL * 0.5 / front, abs=1.5)
    assert np.ptp(changed[:, 1]) == pytest.approx(FOCAL * 0.7 / front, abs=2.5)
    row, column = changed.mean(axis=0).astype(int)
    expected = without[row, column] * 0.5 + np.array([0, 0, 127.5])
    assert seen[row, column] == pytest.approx(expected, abs=1.5)
    behind_wall = dataclasses.replace(near, x=36.0)
    assert np.array_equal(draw_markers(rendered, camera(z=1.5), (behind_wall,)), without)
    assert np.array_equal(draw_markers(rendered, camera(z=1.5), ()), without)
    assert np.array_equal(rendered.rgb, without)  # the drone's picture has none


def test_the_same_calls_give_the_same_pixels(city, town):
    people, other = crowd(city, 60), Renderer(city)
    views = [camera(z=6.0, yaw=yaw, pitch=0.4) for yaw in (0.0, 1.0, 2.0)]
    for view in views:
        town.render(view, people)
    for view in reversed(views):
        one, two = town.render(view, people), other.render(view, people)
        for name in ("rgb", "depth", "mask"):
            assert np.array_equal(getattr(one, name), getattr(two, name))


def test_what_was_rendered_is_kept_when_more_is_rendered(town, city):
    first = town.render(camera(z=6.0), crowd(city, 20))
    copy = first.rgb.copy(), first.depth.copy(), first.mask.copy()
    town.render(camera(z=9.0, yaw=2.0), ())
    assert all(np.array_equal(a, b) for a, b in zip(copy, (first.rgb, first.depth, first.mask), strict=True))


def test_an_unknown_renderer_is_named_with_the_known_ones(city):
    with pytest.raises(RendererError, match="software"):
        Renderer(city, "crayons")
