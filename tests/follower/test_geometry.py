"""Axes, units and signs: hand-computed cases, Unity's own conventions, round trips, and the original's mistakes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.geometry import Camera, rescale_pixel
from follower.types import Pose

angles = st.floats(-359.9, 359.9)
coordinates = st.floats(-200, 200)
wires = st.tuples(coordinates, coordinates, st.floats(0, 60), angles, angles, angles)
pixels = st.tuples(st.floats(-0.5, 255.5), st.floats(-0.5, 255.5))
depths = st.floats(0.2, 100)


def camera(x=0.0, y=0.0, z=0.0, roll=0.0, pitch=0.0, yaw=0.0, size=(256, 256), fov=60.0, far=100.0):
    return Camera(Pose(x, y, z, *map(math.radians, (roll, pitch, yaw))), size, fov, far)


LEVEL = camera()


def test_focal_length_is_that_of_a_60_degree_camera():
    # 128 / tan(30 deg) = 128 * sqrt(3) = 221.70...
    assert LEVEL.focal == pytest.approx(128 * math.sqrt(3))
    # Pixel centres at integers: the middle of 256 pixels lies between 127 and 128.
    assert LEVEL.center == (127.5, 127.5)
    # The angle is vertical: a wide image of the same height has the same focal length.
    wide = camera(size=(256, 512))
    assert (wide.focal, wide.center) == (LEVEL.focal, (127.5, 255.5))


def test_upper_edge_of_the_image_is_half_the_field_of_view_up():
    # Half of 60 degrees: at 10 m depth, 10 * tan(30 deg) = 5.77 m above the axis.
    assert LEVEL.world_from_pixel((-0.5, 127.5), 10.0) == pytest.approx([10, 0, 10 / math.sqrt(3)])


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        # Level, looking along x: 10 m ahead.
        (camera(), (10, 0, 0)),
        # A quarter turn to the left (counter-clockwise from above): 10 m along y.
        (camera(yaw=90), (0, 10, 0)),
        (camera(yaw=-270), (0, 10, 0)),
        # Positive pitch looks down: straight down from 30 m is 20 m above ground.
        (camera(z=30, pitch=90), (0, 0, 20)),
        # Unity sends a look upwards by 20 degrees as 340.
        (camera(pitch=340), (10 * math.cos(math.radians(20)), 0, 10 * math.sin(math.radians(20)))),
        # Roll turns about the optical axis, which stays where it is.
        (camera(roll=77), (10, 0, 0)),
        # Turned left by 90, then 30 down: half of the 10 m goes down, 8.66 m along y; from (1, 2, 8).
        (camera(1, 2, 8, 0, 30, 90), (1, 2 + 8.660254, 3)),
    ],
)
def test_middle_of_the_image(view, expected):
    assert view.world_from_pixel((127.5, 127.5), 10.0) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("view", "pixel", "expected"),
    [
        # f pixels to the right of the middle is as far right as deep: at 10 m depth, y = -10.
        (camera(), (127.5, 127.5 + 221.702503), (10, -10, 0)),
        # f pixels down: 10 m down.
        (camera(), (127.5 + 221.702503, 127.5), (10, 0, -10)),
        # Looking straight down with x forward (up in the image): right in the image is still -y, down is -x.
        (camera(pitch=90), (127.5, 127.5 + 221.702503), (0, -10, -10)),
        (camera(pitch=90), (127.5 + 221.702503, 127.5), (-10, 0, -10)),
        # Looking along y: right in the image is +x.
        (camera(yaw=90), (127.5, 127.5 + 221.702503), (10, 10, 0)),
        # Rolled by +90 degrees (y turns to z): the camera's left side is up, so right in the image is down.
        (camera(roll=90), (127.5, 127.5 + 221.702503), (10, 0, -10)),
    ],
)
def test_pixels_beside_the_middle(view, pixel, expected):
    assert view.world_from_pixel(pixel, 10.0) == pytest.approx(expected, abs=1e-4)


@given(wires, st.tuples(coordinates, coordinates, coordinates))
def test_rotations_are_unitys(wire_pose, point):
    """From Unity's definition: Euler angles turn about z, then x, then y, in left-handed axes, clockwise positive."""
    x, y, z, roll, pitch, yaw = wire_pose
    ex, ey, ez = (math.radians(angle) for angle in (pitch, -yaw, -roll))
    about_x = np.array([[1, 0, 0], [0, math.cos(ex), -math.sin(ex)], [0, math.sin(ex), math.cos(ex)]])
    about_y = np.array([[math.cos(ey), 0, math.sin(ey)], [0, 1, 0], [-math.sin(ey), 0, math.cos(ey)]])
    about_z = np.array([[math.cos(ez), -math.sin(ez), 0], [math.sin(ez), math.cos(ez), 0], [0, 0, 1]])
    right, up, forward = point
    unity = about_y @ about_x @ about_z @ np.array([right, up, forward]) + np.array([-y, z, x])
    ours = camera(*wire_pose).rotation @ np.array([forward, -right, up]) + np.array([x, y, z])
    assert ours == pytest.approx([unity[2], -unity[0], unity[1]], abs=1e-8)


@given(pixels, depths, wires)
def test_projection_inverts_back_projection(pixel, depth, wire_pose):
    view = camera(*wire_pose)
    back, back_depth = view.pixel_from_world(view.world_from_pixel(pixel, depth))
    assert back == pytest.approx(pixel, abs=1e-5)
    assert back_depth == pytest.approx(depth, abs=1e-7)


def test_many_points_at_once_are_the_same_points():
    view = camera(1, 2, 8, 5, 30, 70)
    some = np.array([[[0.0, 0.0], [10.0, 200.0]], [[127.5, 127.5], [255.0, 3.0]]])
    depth = np.array([[1.0, 2.0], [3.0, 4.0]])
    points = view.world_from_pixel(some, depth)
    assert points.shape == (2, 2, 3)
    assert points[1, 0] == pytest.approx(view.world_from_pixel(some[1, 0], 3.0))
    back, back_depth = view.pixel_from_world(points)
    assert back == pytest.approx(some)
    assert back_depth == pytest.approx(depth)


def test_a_point_behind_the_camera_has_no_depth_in_front():
    _, depth = LEVEL.pixel_from_world(np.array([-5.0, 0, 0]))
    assert depth == pytest.approx(-5)


@pytest.mark.parametrize(
    ("pixel", "size", "new_size", "expected"),
    [
        # The middle of the first of 2 pixels is the border between the first and second of 4.
        ((0.0, 0.0), (2, 2), (4, 4), (0.5, 0.5)),
        # Corners stay corners, the middle stays the middle.
        ((-0.5, 159.5), (160, 160), (256, 256), (-0.5, 255.5)),
        ((79.5, 79.5), (160, 160), (256, 256), (127.5, 127.5)),
        # (100 + 0.5) * 1.6 - 0.5 = 160.3
        ((100.0, 0.0), (160, 160), (256, 256), (160.3, 0.3)),
        # Rows and columns scale on their own.
        ((9.5, 9.5), (20, 20), (40, 100), (19.5, 49.5)),
    ],
)
def test_rescaling_keeps_the_place(pixel, size, new_size, expected):
    assert rescale_pixel(pixel, size, new_size) == pytest.approx(expected)


def test_depth_bytes():
    # 51 / 255 of 100 m = 20 m, 254 / 255 = 99.6 m; 255 is "far or beyond", 0 is nothing.
    metres = LEVEL.depth_metres(np.array([[0, 51], [254, 255]], np.uint8))
    assert np.isnan(metres[0, 0])
    assert metres[0, 1] == pytest.approx(20)
    assert metres[1, 0] == pytest.approx(99.6078, abs=1e-4)
    assert np.isnan(metres[1, 1])
    assert camera(far=500.0).depth_metres(np.array([51], np.uint8)) == pytest.approx([100])


def test_range_of_a_person_seen_level():
    # 1.6 m at 20 m are 1.6 / 20 * 221.7 = 17.736 pixels.
    assert LEVEL.depth_of_person(127.5, 127.5 + 17.7362, 1.6) == pytest.approx(20, abs=0.2)


def test_range_of_a_person_seen_from_above(scene):
    """Against rendered silhouettes: a camera that looks down sees a person foreshortened, far ones hardly so."""
    for distance, height in [(3, 3), (6, 4), (10, 8), (20, 3), (30, 12)]:
        wire = scene.aim((5.0, -3.0, 0.8), distance, height, 180.0)
        labels, _ = scene.render(wire, [scene.person(5.0, -3.0)])
        rows = np.flatnonzero((labels == 2).any(axis=1))
        away = np.linalg.norm(np.subtract(wire[:3], (5.0, -3.0, 0.8)))
        found = camera(*wire).depth_of_person(rows[0] - 0.5, rows[-1] + 0.5, 1.6)
        assert found == pytest.approx(away, rel=0.03 + 1 / rows.size), (distance, height)  # pixels are whole


def test_rows_that_no_person_has_give_no_range():
    assert LEVEL.depth_of_person(100.0, 100.0, 1.6) is None
    assert LEVEL.depth_of_person(120.0, 100.0, 1.6) is None


@given(wires, st.lists(pixels, min_size=1, max_size=4), depths, st.tuples(coordinates, coordinates, coordinates))
def test_horizontal_distances_of_pixels_beyond_a_point(wire, places, depth, point):
    """Against their points in the world, projected to the horizontal line from the camera to the point."""
    view, point = camera(*wire), np.array(point)
    line = point[:2] - wire[:2]
    distance = np.linalg.norm(line)
    rows, columns = np.array(places).T
    offsets = view.horizontal_offsets(rows, columns, np.full((len(rows), len(columns)), depth), point)
    world = view.world_from_pixel(np.array([[(row, column) for column in columns] for row in rows]), depth)
    along = (world[..., :2] - wire[:2]) @ line / max(distance, 1e-6)
    assert offsets == pytest.approx(along - distance, abs=1e-6 * (1 + distance))


class TestOriginalMistakes:
    """Mistakes of the follower of 2017, one test each; the first asserts that its formula does give other points."""

    WIRE = (10.0, -4.0, 9.0, 0.0, 25.0, 65.0)
    TARGET = np.array([11.0, 9.0, 0.8])

    def pixel_and_depth(self, scene):
        """Forward projection in Unity's axes: nothing from the code under test."""
        inside = scene.unity_rotation(self.WIRE[3:]).T @ (scene.to_unity(self.TARGET) - scene.to_unity(self.WIRE[:3]))
        return (127.5 - scene.focal * inside[1] / inside[2], 127.5 + scene.focal * inside[0] / inside[2]), inside[2]

    def original(self, row, column, depth, size):
        inside = np.array([depth, -(row - size // 2) * depth / size, (column - size // 2) * depth / size])
        return camera(*self.WIRE).rotation @ inside + self.WIRE[:3]

    def test_the_original_formula_misses_by_metres(self, scene):
        (row, column), depth = self.pixel_and_depth(scene)
        assert np.linalg.norm(self.original(row, column, depth, 256) - self.TARGET) > 2

    def test_row_and_column_are_not_swapped_and_f_is_right(self, scene):
        pixel, depth = self.pixel_and_depth(scene)
        assert abs(pixel[0] - pixel[1]) > 20
        assert camera(*self.WIRE).world_from_pixel(pixel, depth) == pytest.approx(self.TARGET, abs=1e-5)

    def test_focal_length_is_not_the_image_size(self, scene):
        pixel, depth = self.pixel_and_depth(scene)
        too_long = camera(*self.WIRE, fov=2 * math.degrees(math.atan(0.5)))  # 256 pixels
        wrong = too_long.world_from_pixel(pixel, depth)
        assert np.linalg.norm(wrong - self.TARGET) > 0.3
