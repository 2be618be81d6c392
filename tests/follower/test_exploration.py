"""How a target of which nothing is known comes into view, among buildings, and what pictures say of where it is."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from follower.geometry import Camera
from follower.search.belief import Belief
from follower.search.exploration import VIEW, Exploration
from follower.types import Pose
from simulator.difficulty.levels import LEVELS
from simulator.drone import behaviours
from simulator.drone.quad import Quad
from simulator.episode import Episode
from simulator.types import Box
from simulator.world.obstacles import Obstacles

SIZE = 64  # pixels
FAR = 50.0  # metres
# Buildings around a crossing, one with a courtyard that has one way in: along x, y from and to, metres.
BUILDINGS = [(5, 5, 30, 25), (-30, 5, -5, 8), (-30, 22, -5, 25), (-8, 8, -5, 22), (-30, 8, -27, 14), (5, -25, 30, -5)]


class Town:
    """Buildings on flat ground, 12 m high, and a quad that flies where an exploration wants it."""

    def __init__(self, scene, buildings, start=(0.0, 0.0, 6.0)):
        self._scene = scene
        places = [(((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0, y1 - y0)) for x0, y0, x1, y1 in buildings]
        self.blocks = [scene.Block((*middle, 0.0), (*size, 12.0)) for middle, size in places]
        self.obstacles = Obstacles([Box(middle, size, 0.0, 12.0, 0.0, "building") for middle, size in places])
        self.quad = Quad(np.array(start))
        self.exploration = Exploration(self.quad.position[:2].copy())
        self.time = 0.0

    def step(self):
        """Fly one frame of 0.2 s."""
        pose = self.quad.camera
        wire = (pose.x, pose.y, pose.z, *np.degrees([pose.roll, pose.pitch, pose.yaw]))
        _, depth = self._scene.render(wire, self.blocks, FAR, SIZE)
        camera = Camera(pose, (SIZE, SIZE), 60.0, FAR)
        self.exploration.see(0.2, camera, depth)
        self.exploration.step(0.2, camera)
        self.time += 0.2
        behaviour = behaviours.Search(self.exploration.place, self.time, None)
        for _ in range(4):
            behaviour.step(self.quad, self.obstacles, 0.0, self.time, 0.05)

    def sees(self, x, y):
        """Return whether the camera has a person in view there, near enough to be found."""
        pose, person = self.quad.camera, np.array([x, y, 1.0])
        offset = person - (pose.x, pose.y, pose.z)
        aside = (math.atan2(offset[1], offset[0]) - pose.yaw + math.pi) % math.tau - math.pi
        below = math.atan2(-offset[2], np.linalg.norm(offset[:2])) - pose.pitch
        in_view = max(abs(aside), abs(below)) < math.radians(28) and np.linalg.norm(offset) < 24
        return in_view and self.obstacles.line_of_sight(self.quad.position, person)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "seconds"), [((0.0, 3.0), 10), ((-20.0, -12.0), 80), ((18.0, -30.0), 100), ((33.0, 10.0), 120)]
)
def test_a_target_out_of_sight_comes_into_view(scene, target, seconds):
    """Right below the quad, in the open, or behind a building."""
    town = Town(scene, BUILDINGS)
    while not town.sees(*target):
        assert town.time < seconds
        town.step()


def depth_image(obstacles, camera):
    """Return the planar depths of boxes and of the ground that a camera sees, (SIZE, SIZE) bytes."""
    pixels = np.stack(np.meshgrid(range(SIZE), range(SIZE), indexing="ij"), axis=-1)[::4, ::4]
    rays = (camera.rays(pixels) @ camera.rotation.T).reshape(-1, 3)
    with np.errstate(divide="ignore"):
        ground = np.where(rays[:, 2] < 0, -camera.position[2] / rays[:, 2], np.inf)
    depths = np.minimum(obstacles.entries(camera.position, rays).min(axis=1), ground).reshape(SIZE // 4, SIZE // 4)
    return np.round(np.clip(depths / FAR, 0, 1) * 255).astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)


def seconds_to_see_the_target(seed, explores):
    """Return after how many seconds the quad has had the target in view for half a second, within 30 m; at most 40."""
    level = LEVELS["occlusion"]
    episode, in_view = Episode(level.city(seed), None, 0, level.rules(seed)), 0
    exploration = Exploration(episode.quad.position[:2])
    for frame in range(200):
        distance = np.linalg.norm(np.subtract(episode.target_centre, episode.quad.position))
        in_view = in_view + 1 if episode.target_in_view() and distance < 30 else 0
        if in_view == 3:
            return 0.2 * frame
        if explores:
            camera = Camera(episode.quad.camera, (SIZE, SIZE), 60.0, FAR)
            exploration.see(0.2, camera, depth_image(episode.city.obstacles, camera) if frame % 2 == 0 else None)
            exploration.step(0.2, camera)
            episode.target_lost(tuple(exploration.place))
        episode.step(0.2)
    return 40.0


@pytest.mark.slow
def test_in_cities_where_much_hides_it_the_target_comes_into_view_much_sooner_than_on_patrol():
    patrol, exploration = (
        np.mean([seconds_to_see_the_target(seed, explores) for seed in range(40000, 40012)])
        for explores in (False, True)
    )
    assert exploration < 0.75 * patrol


def test_it_turns_round_flies_elsewhere_and_turns_round_there_even_if_something_is_in_the_way(scene):
    """The quad does not move."""
    wire = (0.0, 0.0, 6.0, 0.0, 30.0, 0.0)
    camera, (_, depth) = scene.camera_of(wire, FAR, SIZE), scene.render(wire, [], FAR, SIZE)
    exploration, distances, bearings = Exploration(np.zeros(2)), [], []
    for _ in range(int(30 / 0.2)):
        exploration.see(0.2, camera, depth)
        exploration.step(0.2, camera)
        distances.append(np.linalg.norm(exploration.place[:2]))
        bearings.append(math.atan2(exploration.place[1], exploration.place[0]))
    turns = np.array(distances) < 6.1
    assert np.count_nonzero(np.diff(turns.astype(int)) == 1) >= 2  # begins to turn again
    assert min(distances) > 5.9
    assert min(np.array(distances)[~turns]) > 12.0
    for first in (0, *np.flatnonzero(np.diff(turns.astype(int)) == 1)[:1] + 1):  # a frame turns by 15 degrees
        assert np.diff(np.sort(bearings[first : first + 23])).max() < math.radians(31)


@given(
    extent=st.tuples(*[st.floats(-80, -3)] * 2, *[st.floats(3, 80)] * 2),
    angles=st.tuples(st.just(0.0), st.floats(10, 60), st.floats(-180, 180)),
)
@settings(max_examples=30, deadline=None)
def test_it_flies_to_viewpoints_from_which_it_sees_where_people_walk(scene, extent, angles):
    """The quad is there at once, and always looks in one direction; whatever is nearer than 6.1 m is only looked at."""
    x, y, viewpoints = 0.0, 0.0, 0
    _, depth = scene.render((x, y, 6.0, *angles), [], FAR, SIZE)
    exploration = Exploration(np.zeros(2), extent=extent)
    for _ in range(int(60 / 0.4)):
        camera = scene.camera_of((x, y, 6.0, *angles), FAR, SIZE)
        exploration.see(0.4, camera, depth)
        exploration.step(0.4, camera)
        place = exploration.place
        if math.hypot(place[0] - x, place[1] - y) > 6.1:
            x, y, _ = place.tolist()
            viewpoints += 1
            assert extent[0] - VIEW < x < extent[2] + VIEW
            assert extent[1] - VIEW < y < extent[3] + VIEW
    assert viewpoints > 5


@given(middle=st.tuples(*[st.floats(-72, 72)] * 2))
def test_the_grid_covers_all_of_a_city_wherever_the_target_is_expected(middle):
    """It is likeliest there at first, and after an hour without a look at the edges, too: people turn back there."""
    belief = Belief(np.array(middle), (-72.0, -72.0, 72.0, 72.0))
    for x in (-70.5, 70.5):
        for y in (-70.5, 70.5):
            assert np.abs(belief.places[at(belief, x, y)] - (x, y)).max() < 3.0
    nearest = np.linalg.norm(belief.places[np.unravel_index(np.argmax(belief.near_each_place(0.1)), (60, 60))] - middle)
    assert nearest < 6.0
    nowhere = Camera(Pose(500.0, 500.0, 6.0, 0.0, 0.5, 0.0), (SIZE, SIZE), 60.0, FAR)
    for _ in range(200):
        belief.look(30.0, nowhere, np.full((SIZE, SIZE), 255, np.uint8))
    likely = belief.near_each_place(0.1)
    inside = (np.abs(belief.places) < 72).all(axis=-1)
    assert likely[~inside].max(initial=0.0) == 0.0
    assert likely[inside].min() > 0.25 * likely[inside].max()


@pytest.mark.parametrize("x", [500.0, 1e6 - 100.0])
def test_in_an_extent_that_is_elsewhere_the_nearest_corner_is_likeliest(x):
    belief = Belief(np.zeros(2), (x, 500.0, x + 100.0, 600.0))
    likely = belief.near_each_place(0.1)
    assert np.isfinite(likely).all()
    nearest = belief.places[np.unravel_index(np.argmax(likely), likely.shape)]
    assert np.abs(nearest - (x, 500.0)).max() < 5.0


def test_an_extent_that_contains_no_square_is_not_believed():
    likely = Belief(np.zeros(2), (-90.0, 0.1, 90.0, 0.2)).near_each_place(0.1)
    assert np.isfinite(likely).all()
    assert np.count_nonzero(likely) > 1000


def test_a_look_at_open_ground_leaves_the_target_elsewhere_and_later_it_may_be_there_again(scene):
    """The camera looks along x; behind it, nothing has been seen."""
    wire = (-12.0, 0.0, 6.0, 0.0, 30.0, 0.0)
    camera, (_, depth) = scene.camera_of(wire, FAR, SIZE), scene.render(wire, [], FAR, SIZE)
    belief = Belief(np.array([-12.0, 0.0]))
    seen, unseen = at(belief, -2.0, 0.0), at(belief, -22.0, 0.0)
    for _ in range(4):
        belief.look(0.4, camera, depth)
    likely = belief.near_each_place(3.0)
    assert likely[seen] < likely[unseen] / 4
    belief.look(25.0, scene.camera_of((-12.0, 0.0, 6.0, 0.0, 30.0, 180.0), FAR, SIZE), depth)
    assert belief.near_each_place(3.0)[seen] > belief.near_each_place(3.0)[unseen]


def test_what_a_wall_hides_has_not_been_seen(scene):
    """Seen from the south, a wall along x hides what is north of it."""
    wire, wall = (0.0, -16.0, 6.0, 0.0, 20.0, 90.0), scene.Block((0.0, 0.0, 0.0), (120.0, 1.0, 12.0))
    camera, (_, depth) = scene.camera_of(wire, FAR), scene.render(wire, [wall], FAR)
    belief = Belief(np.zeros(2))
    for _ in range(5):
        belief.look(0.4, camera, depth)
    likely = belief.near_each_place(3.0)
    assert belief.ground_height == pytest.approx(0.0, abs=0.3)
    assert likely[at(belief, 0.0, 5.0)] > 3 * likely[at(belief, 0.0, -5.0)]


@pytest.mark.parametrize(("unknown", "scale"), [(0.0, 1.0), (0.3, 1.0), (0.0, 2.0)])
def test_a_building_that_was_seen_from_all_sides_stays_empty(scene, unknown, scale):
    """Later, the target may have walked to any place around it.

    Some of the depth may be unknown, or its scale wrong at first.
    """
    building, belief = scene.Block((0.0, 0.0, 0.0), (21.0, 21.0, 12.0)), Belief(np.zeros(2))
    random = np.random.default_rng(0)
    wire = (-20.0, 0.0, 6.0, 0.0, 20.0, 0.0)
    belief.look(0.4, scene.camera_of(wire, scale * FAR), scene.render(wire, [building], FAR)[1])
    for x, y, yaw in [(-20.0, 0.0, 0.0), (0.0, -20.0, 90.0), (20.0, 0.0, 180.0), (0.0, 20.0, -90.0)] * 2:
        wire = (x, y, 6.0, 0.0, 20.0, yaw)
        _, depth = scene.render(wire, [building], FAR)
        for _ in range(6):
            belief.look(0.4, scene.camera_of(wire, FAR), np.where(random.random(depth.shape) < unknown, 0, depth))
    for _ in range(20):
        belief.look(5.0, scene.camera_of((-60.0, 0.0, 6.0, 0.0, 30.0, 180.0), FAR, SIZE), depth)
    likely = belief.near_each_place(0.1)
    around = [likely[at(belief, *place)] for place in [(-16.0, 0.0), (16.0, 0.0), (0.0, -16.0), (0.0, 16.0)]]
    assert likely[at(belief, 0.0, 0.0)] < 0.2 * min(around)


def test_people_may_be_where_open_ground_was_seen_whatever_hides_it_later(scene):
    """The ground behind a wall, seen from one side, then hidden on the other; and beside the wall."""
    wall, belief = scene.Block((0.0, 0.0, 0.0), (21.0, 1.0, 12.0)), Belief(np.zeros(2))
    for y, yaw, looks in [(-20.0, 90.0, 3), (10.0, -90.0, 10)]:
        wire = (0.0, y, 6.0, 0.0, 20.0, yaw)
        for _ in range(looks):
            belief.look(0.4, scene.camera_of(wire, FAR), scene.render(wire, [wall], FAR)[1])
    for _ in range(12):
        nowhere = scene.camera_of((500.0, 0.0, 6.0, 0.0, 30.0, 0.0), FAR, SIZE)
        belief.look(5.0, nowhere, np.full((SIZE, SIZE), 255, np.uint8))
    likely = belief.near_each_place(0.1)
    assert likely[at(belief, 0.0, -6.0)] > 0.5 * likely[at(belief, 18.0, -6.0)]


def test_ground_at_a_wrong_scale_of_depths_is_forgotten_with_it(scene):
    """As long as `depth_far` is being measured, depths may be twice too large."""
    wire, exploration = (0.0, 0.0, 6.0, 0.0, 30.0, 0.0), Exploration(np.zeros(2))
    _, depth = scene.render(wire, [], FAR, SIZE)
    for far in (2 * FAR, 2 * FAR, FAR, FAR, FAR):
        camera = scene.camera_of(wire, far, SIZE)
        exploration.see(0.4, camera, depth)
        exploration.step(0.4, camera)
    assert exploration.place[2] == pytest.approx(3.0, abs=0.3)


def test_without_any_ground_in_view_the_quad_goes_on_with_its_patrol(scene):
    camera, exploration = scene.camera_of((0.0, 0.0, 6.0, 0.0, 30.0, 0.0), FAR, SIZE), Exploration(np.zeros(2))
    for _ in range(50):
        exploration.see(0.4, camera, np.full((SIZE, SIZE), 255, np.uint8))
        exploration.step(0.4, camera)
        assert exploration.place is None


@given(
    places=st.lists(st.tuples(*[st.floats(-300, 300)] * 2, st.floats(0.5, 30)), min_size=1, max_size=4),
    angles=st.tuples(st.floats(-10, 10), st.floats(-60, 89), st.floats(-180, 180)),
    seconds=st.floats(0.0, 1e4),
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
@settings(max_examples=60, deadline=None)
def test_whatever_a_depth_image_shows_the_quad_gets_a_place(scene, places, angles, seconds, seed, shape):
    exploration, depth = Exploration(np.zeros(2)), np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    for x, y, z in places:
        camera = Camera(scene.pose_of((x, y, z, *angles)), shape, 60.0, FAR)
        exploration.see(seconds, camera, depth)
        exploration.step(seconds, camera)
        if exploration.place is None:  # no ground was in view
            continue
        assert np.isfinite(exploration.place).all()
        assert exploration.place[2] < max(z for _, _, z in places) + 30
        from_start, from_quad = (np.linalg.norm(exploration.place[:2] - end) for end in ((0.0, 0.0), (x, y)))
        assert min(from_start / 90 / math.sqrt(2), from_quad / 6) < 1.01


def at(belief, x, y):
    """Return the index of the square that contains a place."""
    distances = np.linalg.norm(belief.places - (x, y), axis=-1)
    return np.unravel_index(np.argmin(distances), distances.shape)
