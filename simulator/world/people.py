"""Who walks: the hero along paths of waypoints, the crowd at will, clear of walls and of each other. Draws nothing."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from simulator.contract import Person

LIFETIMES = {"short": (5.0, 7.0), "medium": (45.0, 55.0), "long": (130.0, 150.0), "never": (np.inf, np.inf)}  # s
PACE = (1.2, 1.6)  # m/s
STRIDE = 1.4  # m, two steps
TURN_RATE = np.radians(200)  # rad/s
BODY = 0.3  # m, nearest that a person's middle comes to a wall
WALL_FEAR = 1.2  # m
ROOM = 1.4  # m that people leave each other
PAUSE_EVERY, PAUSE = 60.0, (3.0, 10.0)  # s on average between pauses, s at rest


class WalkMap:
    """How far it is to the nearest place where nobody can walk, on a grid.

    Args:
        is_walkable: takes arrays x, y (metres), gives an array of bool.
        extent: x_min, y_min, x_max, y_max, metres.
        cell: grid spacing, metres.
    """

    def __init__(
        self,
        is_walkable: Callable[[np.ndarray, np.ndarray], np.ndarray],
        extent: tuple[float, float, float, float],
        cell: float = 0.5,
    ):
        x_min, y_min, x_max, y_max = extent
        xs, ys = np.arange(x_min + cell / 2, x_max, cell), np.arange(y_min + cell / 2, y_max, cell)
        walkable = np.asarray(is_walkable(*np.meshgrid(xs, ys, indexing="ij")), dtype=np.uint8)
        walkable[[0, -1], :] = 0
        walkable[:, [0, -1]] = 0
        inside = cv2.distanceTransform(walkable, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        outside = cv2.distanceTransform(1 - walkable, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        self._distance = (inside - outside) * cell
        smooth = cv2.GaussianBlur(self._distance, (0, 0), 1.0)
        away = np.stack(np.gradient(smooth), axis=-1)
        self._away = away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
        self._origin, self._cell = np.array([x_min, y_min]), cell
        self.free = self._origin + (np.argwhere(self._distance > 2 * BODY) + 0.5) * cell  # (cells, 2) metres

    def look_up(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance (n,) to the nearest wall, negative inside it, and the unit direction (n, 2) away from it."""
        cells = ((positions - self._origin) / self._cell).astype(int)
        rows, columns = np.clip(cells, 0, np.array(self._distance.shape) - 1).T
        return self._distance[rows, columns], self._away[rows, columns]

    def is_free(self, start: np.ndarray, end: np.ndarray) -> bool:
        """Whether one can walk straight from one place to another, (2,) metres each."""
        count = int(np.hypot(*(end - start)) / self._cell) + 2
        return bool((self.look_up(np.linspace(start, end, count))[0] > 2 * BODY).all())


class Crowd:
    """The hero (row 0) and `size` others.

    Args:
        walk_map: where they can walk.
        hero_paths: (n, 2) waypoints each, metres.
        size: how many others.
        turnover: how soon they are replaced, a key of `LIFETIMES`.
        respawn: at the end of a path a new hero begins elsewhere, as in QuadSim; otherwise she walks on.
        seed: of all that is left to chance.
    """

    def __init__(
        self,
        walk_map: WalkMap,
        hero_paths: Sequence[np.ndarray],
        size: int = 60,
        turnover: str = "long",
        respawn: bool = False,
        seed: int = 0,
    ):
        self._map, self._respawn = walk_map, respawn
        self._paths = [np.asarray(path, dtype=float)[:, :2] for path in hero_paths]
        self._random = np.random.default_rng([seed, 1])
        self._lifetime = LIFETIMES[turnover]
        count = size + 1
        self.ids = np.zeros(count, dtype=int)
        self.positions, self.velocities = np.zeros((count, 2)), np.zeros((count, 2))
        self.headings, self._aims = np.zeros(count), np.zeros(count)
        self.gaits, self._paces = np.zeros(count), np.zeros(count)
        self._life, self._rest = np.zeros(count), np.zeros(count)
        self._seeds = np.zeros(count, dtype=int)
        self._next_id = 0
        self._path, self._patience = np.zeros((0, 2)), 0.0
        self._spawn_hero()
        for row in range(1, count):
            self._spawn(row)
        if size and np.isfinite(self._lifetime[1]):  # otherwise they would all be replaced at once
            self._life[1:] = self._random.uniform(0, self._lifetime[1], size)

    def step(self, dt: float) -> None:
        """Let everybody walk for `dt` seconds."""
        self._change_minds(dt)
        ahead = np.stack([np.cos(self._aims), np.sin(self._aims)], axis=1)
        walls, away = self._map.look_up(self.positions)
        fear = np.clip(1 - walls / WALL_FEAR, 0, 2)[:, None] * away
        wish = ahead + 1.5 * fear + 2.0 * self._make_room()
        wish *= (self._paces * (self._rest <= 0) / np.maximum(np.linalg.norm(wish, axis=1), 1.0))[:, None]
        self.velocities += min(1.0, dt / 0.4) * (wish - self.velocities)
        self.positions += self.velocities * dt
        walls, away = self._map.look_up(self.positions)
        self.positions += np.clip(BODY - walls, 0, 1)[:, None] * away
        speeds = self.speeds
        course = np.arctan2(self.velocities[:, 1], self.velocities[:, 0])
        moving = speeds > 0.2
        turn = _wrap(course - self.headings)
        self.headings += np.where(moving, np.clip(turn, -TURN_RATE * dt, TURN_RATE * dt), 0)
        self._aims[1:] = np.where(moving, self._aims + 0.5 * dt * _wrap(course - self._aims), self._aims)[1:]
        self.gaits = (self.gaits + speeds * dt * (2 * np.pi / STRIDE)) % (2 * np.pi)
        self._life -= dt
        for row in np.flatnonzero(self._life[1:] <= 0) + 1:
            self._spawn(row)

    @property
    def speeds(self) -> np.ndarray:
        """(n,) m/s."""
        return np.hypot(self.velocities[:, 0], self.velocities[:, 1])

    def people(self, ground_height: Callable[[float, float], float]) -> tuple[Person, ...]:
        """Everybody as they are now, the hero first."""
        rows = zip(
            self.ids.tolist(),
            self.positions.tolist(),
            _wrap(self.headings).tolist(),
            self.gaits.tolist(),
            self.speeds.tolist(),
            self._seeds.tolist(),
            strict=True,
        )
        return tuple(
            Person(id, row == 0, x, y, float(ground_height(x, y)), heading, gait, speed, seed)
            for row, (id, (x, y), heading, gait, speed, seed) in enumerate(rows)
        )

    def _change_minds(self, dt: float) -> None:
        count = len(self.ids)
        self._aims += self._random.normal(0, 0.35 * np.sqrt(dt), count)
        self._rest -= dt
        tired = self._random.random(count) < dt / PAUSE_EVERY
        self._rest = np.where(tired & (self._rest <= 0), self._random.uniform(*PAUSE, count), self._rest)
        self._rest[0] = 0.0  # the hero walks on
        while len(self._path) and np.hypot(*(self._path[0] - self.positions[0])) < 1.0:
            self._path = self._path[1:]
        self._patience -= dt
        if self._patience < 0 or (not len(self._path) and self._respawn):
            self._spawn_hero()
        elif not len(self._path):
            self._walk_on()
        way = self._path[0] - self.positions[0]
        self._aims[0] = np.arctan2(way[1], way[0])

    def _spawn_hero(self) -> None:
        """A new hero at the beginning of one of the paths."""
        self._take(self._paths[self._random.integers(len(self._paths))])
        self._reset(0, self._path[0], seed=0)
        self._life[0] = np.inf

    def _walk_on(self) -> None:
        """Another path for the hero, from a waypoint that lies straight ahead of her; at worst the way she came."""
        ways = [way for path in self._paths for way in (path, path[::-1])]
        starts = [(way, start) for way in ways for start in range(len(way) - 1)]
        for way, start in (starts[index] for index in self._random.permutation(len(starts))):
            step = way[start] - self.positions[0]
            if 5.0 < np.hypot(*step) < 40.0 and self._map.is_free(self.positions[0], way[start]):
                self._take(way[start:])
                return
        self._spawn_hero()

    def _take(self, path: np.ndarray) -> None:
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        self._path, self._patience = path, 60.0 + 2 * length / PACE[0]  # s

    def _spawn(self, row: int) -> None:
        """Somebody new at a free place, not on top of anybody."""
        for place in self._map.free[self._random.integers(len(self._map.free), size=20)]:
            if np.hypot(*(self.positions - place).T).min() > ROOM:
                break
        self._reset(row, place, seed=int(self._random.integers(2**31)))
        self._life[row] = self._random.uniform(*self._lifetime) if np.isfinite(self._lifetime[1]) else np.inf

    def _reset(self, row: int, place: np.ndarray, seed: int) -> None:
        self.ids[row], self._next_id = self._next_id, self._next_id + 1
        self.positions[row], self.velocities[row] = place, 0.0
        self.headings[row] = self._aims[row] = self._random.uniform(-np.pi, np.pi)
        self.gaits[row], self._paces[row] = self._random.uniform(0, 2 * np.pi), self._random.uniform(*PACE)
        self._rest[row], self._seeds[row] = 0.0, seed

    def _make_room(self) -> np.ndarray:
        """(n, 2) away from whoever is near, and a little to one side, so that two who meet head on get past."""
        x, y = self.positions.T
        dx, dy = x[:, None] - x, y[:, None] - y
        distance = np.sqrt(dx * dx + dy * dy) + 1e-3
        strength = np.maximum(1 - distance / ROOM, 0) / distance  # of oneself too, but from no distance
        push = np.stack([(dx * strength).sum(axis=1), (dy * strength).sum(axis=1)], axis=1)
        return push + 0.5 * np.stack([push[:, 1], -push[:, 0]], axis=1)


def _wrap(angles: np.ndarray) -> np.ndarray:
    return (angles + np.pi) % (2 * np.pi) - np.pi
