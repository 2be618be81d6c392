"""Motion of people: the target follows paths, all others wander; all avoid walls and, by most rules, each other."""

from collections.abc import Sequence

import cv2
import numpy as np

from simulator.geometry import wrap_angle
from simulator.rules import Rules, Speeds
from simulator.types import FloatArray, Person
from simulator.world.city import City
from simulator.world.evasion import CONVERSATION, JOINING_SPEED, Evasion

CELL = 0.5  # m, of the grid of walkable places
BODY_RADIUS = 0.3  # m, smallest distance from the middle of a person to a wall
LIFETIMES = {"short": (5.0, 7.0), "medium": (45.0, 55.0), "long": (130.0, 150.0), "never": (np.inf, np.inf)}  # s
SLOWEST = 1.2  # m/s, for the time that a path may take
STRIDE = 1.4  # m, two steps
TURN_RATE = np.radians(200)  # rad/s
VELOCITY_TIME_CONSTANT = 0.4  # s
WALL_REPULSION_RANGE = 1.2  # m
PERSON_REPULSION_RANGE = 1.4  # m
WALL_REPULSION, PERSON_REPULSION = 1.5, 2.0  # weights, relative to the desired direction
WANDER = 0.35  # rad per square root of a second
PAUSE_INTERVAL, PAUSE = 60.0, (3.0, 10.0)  # s on average between pauses, s at rest


class WalkMap:
    """Distances to the nearest wall on a grid over a city."""

    def __init__(self, city: City):
        x_min, y_min, x_max, y_max = city.extent
        xs, ys = np.arange(x_min + CELL / 2, x_max, CELL), np.arange(y_min + CELL / 2, y_max, CELL)
        walkable = np.asarray(city.is_walkable(*np.meshgrid(xs, ys, indexing="ij")), dtype=np.uint8)
        walkable[[0, -1], :] = 0
        walkable[:, [0, -1]] = 0
        inside = cv2.distanceTransform(walkable, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        outside = cv2.distanceTransform(1 - walkable, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        self._distance = (inside - outside) * CELL
        smooth = cv2.GaussianBlur(self._distance, (0, 0), 1.0)
        away = np.stack(np.gradient(smooth), axis=-1)
        self._away = away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
        self._origin = np.array([x_min, y_min])
        # (n, 2) metres, the centres of all cells with room for a person
        self.free_cells = self._origin + (np.argwhere(self._distance > 2 * BODY_RADIUS) + 0.5) * CELL

    def look_up(self, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the distance to the nearest wall, (n,), negative inside it, and the unit direction away, (n, 2)."""
        cells = ((positions - self._origin) / CELL).astype(int)
        rows, columns = np.clip(cells, 0, np.array(self._distance.shape) - 1).T
        return self._distance[rows, columns], self._away[rows, columns]

    def is_free(self, start: FloatArray, end: FloatArray) -> bool:
        """Return whether the straight line between two places, (2,) metres each, is walkable."""
        count = int(np.hypot(*(end - start)) / CELL) + 2
        return bool((self.look_up(np.linspace(start, end, count))[0] > 2 * BODY_RADIUS).all())


class Crowd:
    """The target (row 0) and `size` others in a city."""

    def __init__(self, city: City, size: int, rules: Rules):
        self._city, self._map, self._rules = city, WalkMap(city), rules
        self._paths = (max(city.target_paths, key=_length),) if rules.single_path else city.target_paths
        self._entrances = None if rules.entrances is None else _points_on(self._paths, rules.entrances)
        self._random = np.random.default_rng([city.seed, 1])
        self._lifetime = LIFETIMES[rules.turnover]
        self._look_alikes = round(rules.look_alikes * size)  # the first rows after the target's, whoever takes them
        count = size + 1
        self.ids = np.zeros(count, dtype=int)
        self.positions, self.velocities = np.zeros((count, 2)), np.zeros((count, 2))
        self.headings, self._goal_headings = np.zeros(count), np.zeros(count)
        self.gaits, self._walking_speeds = np.zeros(count), np.zeros(count)
        self._paces = np.zeros(count)  # m/s, the walking speeds or, of an evasive target and its company, others
        self._remaining_life, self._remaining_pause = np.zeros(count), np.zeros(count)
        self._appearance_seeds = np.zeros(count, dtype=int)
        self._next_id = 0
        self._evasion = Evasion(city.seed) if rules.evasive else None
        self._path, self._path_timeout = np.zeros((0, 2)), 0.0
        self._spawn_target()
        for row in range(1, count):
            self._spawn(row)
        if size and np.isfinite(self._lifetime[1]):  # otherwise they would all be replaced at once
            self._remaining_life[1:] = self._random.uniform(0, self._lifetime[1], size)

    def step(self, dt: float) -> None:
        """Advance all people by `dt` seconds."""
        self._choose_directions(dt)
        forward = np.stack([np.cos(self._goal_headings), np.sin(self._goal_headings)], axis=1)
        walls, away = self._map.look_up(self.positions)
        repulsion = np.clip(1 - walls / WALL_REPULSION_RANGE, 0, 2)[:, None] * away
        desired = forward + WALL_REPULSION * repulsion
        if self._rules.give_way:
            desired += PERSON_REPULSION * self._repulsion_of_others()
        speeds = self._paces * (self._remaining_pause <= 0)
        desired *= (speeds / np.maximum(np.linalg.norm(desired, axis=1), 1.0))[:, None]
        self.velocities += min(1.0, dt / VELOCITY_TIME_CONSTANT) * (desired - self.velocities)
        self.positions += self.velocities * dt
        walls, away = self._map.look_up(self.positions)
        self.positions += np.clip(BODY_RADIUS - walls, 0, 1)[:, None] * away
        self._turn(dt)
        self.gaits = (self.gaits + self.speeds * dt * (2 * np.pi / STRIDE)) % (2 * np.pi)
        self._remaining_life -= dt
        for row in np.flatnonzero(self._remaining_life[1:] <= 0) + 1:
            self._spawn(int(row))

    @property
    def speeds(self) -> FloatArray:
        """Speed of each person, (n,) m/s."""
        return np.hypot(self.velocities[:, 0], self.velocities[:, 1])

    def people(self) -> tuple[Person, ...]:
        """Return the current state of each person, the target first."""
        headings, grounds = wrap_angle(self.headings), np.asarray(self._city.ground_height(*self.positions.T))
        columns = self.ids, self.positions, grounds, headings, self.gaits, self.speeds, self._appearance_seeds
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return tuple(
            Person(
                id,
                row == 0,
                x,
                y,
                ground,
                heading,
                gait,
                speed,
                seed,
                look_alike=0 < row <= self._look_alikes,
            )
            for row, (id, (x, y), ground, heading, gait, speed, seed) in enumerate(rows)
        )

    def _turn(self, dt: float) -> None:
        """Turn the bodies, and the wanderers' goals, towards the direction of motion."""
        course = np.arctan2(self.velocities[:, 1], self.velocities[:, 0])
        moving = self.speeds > 0.2
        turn = np.clip(wrap_angle(course - self.headings), -TURN_RATE * dt, TURN_RATE * dt)
        self.headings += np.where(moving, turn, 0)
        goal_turn = 0.5 * dt * wrap_angle(course - self._goal_headings)
        self._goal_headings[1:] = np.where(moving, self._goal_headings + goal_turn, self._goal_headings)[1:]

    def _choose_directions(self, dt: float) -> None:
        """Let the wanderers drift and pause, and lead the target along its path."""
        count = len(self.ids)
        self._goal_headings += self._random.normal(0, WANDER * np.sqrt(dt), count)
        self._remaining_pause -= dt
        begin = (self._random.random(count) < dt / PAUSE_INTERVAL) & (self._remaining_pause <= 0)
        self._remaining_pause = np.where(begin, self._random.uniform(*PAUSE, count), self._remaining_pause)
        self._remaining_pause[0] = 0.0  # the target never pauses
        while len(self._path) and np.hypot(*(self._path[0] - self.positions[0])) < 1.0:
            self._path = self._path[1:]
        self._path_timeout -= dt
        if (
            self._path_timeout < 0
            or (not len(self._path) and self._rules.respawn)
            or (not len(self._path) and not self._choose_path())
        ):
            self._spawn_target()
        self._paces = self._walking_speeds.copy()
        if self._evasion is not None:
            self._evade(self._evasion, dt)
        offset = self._path[0] - self.positions[0]
        self._goal_headings[0] = np.arctan2(offset[1], offset[0])

    def _evade(self, evasion: Evasion, dt: float) -> None:
        """Set the target's pace, turn it off its path, and let others walk with it."""
        evasion.step(dt)
        if evasion.turns_now:
            self._choose_path()
        company = evasion.company(self.positions)
        offsets = self.positions[0] - self.positions[company]
        self._goal_headings[company] = np.arctan2(offsets[:, 1], offsets[:, 0])
        arrived = np.hypot(*offsets.T) < CONVERSATION
        self._paces[0] = evasion.speed
        self._paces[company] = np.where(arrived, evasion.speed, JOINING_SPEED)
        self._remaining_pause[company] = 0.0

    def _spawn_target(self) -> None:
        """Place a new target at the start of a random path."""
        self._set_path(self._paths[int(self._random.integers(len(self._paths)))])
        self._reset(0, self._path[0], self._rules.target_speeds, seed=0)
        self._remaining_life[0] = np.inf

    def _choose_path(self) -> bool:
        """Choose another path for the target, entered at a waypoint with a free line to it; False if there is none."""
        paths = [path for forward in self._paths for path in (forward, forward[::-1])]
        entries = [(path, index) for path in paths for index in range(len(path) - 1)]
        here = self.positions[0]
        if self._evasion is None:
            order = self._random.permutation(len(entries))
        else:
            out_of_view = [not self._map.is_free(here, path[index + 1]) for path, index in entries]
            order = self._evasion.order(here, self.headings[0], entries, out_of_view)
        for path, index in (entries[choice] for choice in order):
            if 5.0 < np.hypot(*(path[index] - here)) < 40.0 and self._map.is_free(here, path[index]):
                self._set_path(path[index:])
                return True
        return False

    def _set_path(self, path: FloatArray) -> None:
        self._path, self._path_timeout = path, 60.0 + 2 * _length(path) / SLOWEST  # s

    def _spawn(self, row: int) -> None:
        """Place a new person at an entrance, or else at a free place away from all others."""
        if self._entrances is not None:
            place = self._entrances[self._random.integers(len(self._entrances))]
        else:
            cells = self._map.free_cells
            for place in cells[self._random.integers(len(cells), size=20)]:
                if np.hypot(*(self.positions - place).T).min() > PERSON_REPULSION_RANGE:
                    break
        self._reset(row, place, self._rules.walking_speeds, seed=int(self._random.integers(2**31)))
        finite = np.isfinite(self._lifetime[1])
        self._remaining_life[row] = self._random.uniform(*self._lifetime) if finite else np.inf

    def _reset(self, row: int, place: FloatArray, speeds: Speeds, seed: int) -> None:
        self.ids[row], self._next_id = self._next_id, self._next_id + 1
        self.positions[row], self.velocities[row] = place, 0.0
        self.headings[row] = self._goal_headings[row] = self._random.uniform(-np.pi, np.pi)
        self.gaits[row] = self._random.uniform(0, 2 * np.pi)
        self._walking_speeds[row] = self._random.uniform(*speeds)
        self._remaining_pause[row], self._appearance_seeds[row] = 0.0, seed

    def _repulsion_of_others(self) -> FloatArray:
        """Return the direction away from people nearby, (n, 2), with a bias to one side that lets them pass."""
        x, y = self.positions.T
        dx, dy = x[:, None] - x, y[:, None] - y
        distance = np.sqrt(dx * dx + dy * dy) + 1e-3  # a person's distance to itself has no direction
        strength = np.maximum(1 - distance / PERSON_REPULSION_RANGE, 0) / distance
        push = np.stack([(dx * strength).sum(axis=1), (dy * strength).sum(axis=1)], axis=1)
        sideways = np.stack([push[:, 1], -push[:, 0]], axis=1)
        return push + 0.5 * sideways


def _length(path: FloatArray) -> float:
    """Return the length of a path of waypoints (n, 2), metres."""
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def _points_on(paths: Sequence[FloatArray], count: int) -> FloatArray:
    """Return points (m, 2) on paths of waypoints: `count` on each, at equal distances from its start to its end."""
    points = []
    for path in paths:
        walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        at = np.linspace(0, walked[-1], count)
        points.append(np.stack([np.interp(at, walked, path[:, axis]) for axis in (0, 1)], axis=1))
    return np.concatenate(points)
