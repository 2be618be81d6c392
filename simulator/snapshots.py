"""`python -m simulator.snapshots OUT`: draw labelled frames of random scenes, to train networks on.

Writes OUT/images/NNNNNN.jpeg and OUT/masks/NNNNNN.png (R background, G people, B hero; people beyond 50 m are
background, as in QuadSim's own recordings). Every `--per-city` frames the city and the light change; the same seed
gives the same files.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from config.commands import run_command
from config.numbers import real_number, whole_number
from config.paths import path_of
from simulator.difficulty.levels import LEVELS, describe_levels
from simulator.link.commands import MAX_PEOPLE
from simulator.link.frames import encode_jpeg, encode_mask
from simulator.rendering.appearance import appearance_of
from simulator.rendering.renderer import RENDERERS, Renderer
from simulator.types import CENTRE_HEIGHT, Person, Pose, Rendered
from simulator.world.city import City

CAMERA_CLEARANCE = 0.8  # m between the camera and anything solid
KEPT_IF_HIDDEN = 0.1  # fraction of the scenes kept with an obstacle between the camera and the target
STANDING = 0.1  # fraction of the people
IN_FRONT = 0.35  # fraction of the people placed in front of the camera
AIMED = {  # cameras that look at the target: metres to it, metres above it, largest error of the aim in radians
    "follow": ((1.5, 6.0), (1.8, 4.0), 0.10),
    "near": ((4.0, 14.0), (2.0, 9.0), 0.30),
    "far": ((12.0, 50.0), (3.0, 16.0), 0.38),
}

Scene = tuple[Pose, list[Person]]  # camera and people


@dataclass(frozen=True)
class Mixture:
    """Composition of the frames. Fractions are 0..1."""

    target_fraction: float = 0.6  # of the frames, with the target in the field of view
    far_fraction: float = 0.4  # of those, with the target at 12 to 50 m; in the others it is near, or being followed
    people: int = 60
    look_alikes: float = 0.12  # fraction of the people with a red top, which networks confuse with the target
    per_city: int = 50  # frames


def snapshots(
    count: int, seed: int, mixture: Mixture, renderer: str = "auto", difficulty: str = "plain", first: int = 0
) -> Iterator[Rendered]:
    """Draw `count` frames of random scenes, with the city, the light and the look-alikes of a difficulty level.

    They are those from number `first` on of the endless series that the seed begins.
    """
    level, end = LEVELS[difficulty], first + count
    for start in range(first - first % mixture.per_city, end, mixture.per_city):
        random = np.random.default_rng([seed, start, 19])
        world = int(random.integers(2**31))
        city, look_alikes = level.city(world), round(level.rules(world).look_alikes * mixture.people)
        with closing(Renderer(city, renderer)) as drawer:
            for number in range(start, min(start + mixture.per_city, end)):
                camera, people = random_scene(city, mixture, random)
                people[:look_alikes] = [replace(person, look_alike=True) for person in people[:look_alikes]]
                if number >= first:
                    yield drawer.render(camera, people, float(number - start))


def random_scene(city: City, mixture: Mixture, random: np.random.Generator) -> Scene:
    """Return the camera of a quad on patrol or following, and the people around it."""
    with_target = random.random() < mixture.target_fraction
    kind = "patrol"
    if with_target:
        kind = "far" if random.random() < mixture.far_fraction else str(random.choice(["follow", "follow", "near"]))
    while True:
        x, y = _place(city, random)
        camera = _camera(kind, x, y, random)
        eye = np.array(camera.position)
        if city.obstacles.push_out(eye, CAMERA_CLEARANCE) is not None:
            continue
        target = np.array([x, y, CENTRE_HEIGHT])
        if kind == "patrol" or city.obstacles.line_of_sight(eye, target) or random.random() < KEPT_IF_HIDDEN:
            break
    people = [_person(1 + k, city, camera, mixture, random) for k in range(mixture.people)]
    if with_target:
        heading = camera.yaw + (random.normal(0, 0.6) if kind == "follow" else random.uniform(-math.pi, math.pi))
        z = float(city.ground_height(x, y))
        people.append(Person(0, True, x, y, z, heading, random.uniform(0, 2 * math.pi), _random_speed(random), 0))
    return camera, people


def _camera(kind: str, x: float, y: float, random: np.random.Generator) -> Pose:
    """Return the pose of a camera above x, y ("patrol"), or of one at a distance that points at x, y."""
    bearing = random.uniform(-math.pi, math.pi)
    if kind == "patrol":
        pitch = math.radians(30) + random.normal(0, 0.12)
        return Pose(x, y, random.uniform(2.0, 20.0), 0.0, pitch, bearing)
    distances, heights, max_off = AIMED[kind]
    distance, up = random.uniform(*distances), random.uniform(*heights)
    aside, above = random.uniform(-max_off, max_off, 2)
    x, y = x - distance * math.cos(bearing), y - distance * math.sin(bearing)
    return Pose(x, y, up + CENTRE_HEIGHT, 0.0, math.atan2(up, distance) + above, bearing + aside)


def _place(city: City, random: np.random.Generator, around: Pose | None = None) -> tuple[float, float]:
    """Return a walkable position; with `around`, more often in front of that camera."""
    x_min, y_min, x_max, y_max = city.extent
    while True:
        x, y = random.uniform((x_min, y_min), (x_max, y_max))
        if around is not None and random.random() < IN_FRONT:
            distance, angle = random.uniform(2, 45), around.yaw + random.uniform(-0.55, 0.55)
            x, y = around.x + distance * math.cos(angle), around.y + distance * math.sin(angle)
        if city.is_walkable(x, y, 0.35):
            return float(x), float(y)


def _person(id: int, city: City, camera: Pose, mixture: Mixture, random: np.random.Generator) -> Person:
    x, y = _place(city, random, camera)
    z = float(city.ground_height(x, y))
    heading, gait = random.uniform(-math.pi, math.pi), random.uniform(0, 2 * math.pi)
    seed = int(random.integers(2**31))
    if random.random() < mixture.look_alikes:
        while not appearance_of(seed).wears_red_top:
            seed = int(random.integers(2**31))
    return Person(id, False, x, y, z, heading, gait, _random_speed(random), seed)


def _random_speed(random: np.random.Generator) -> float:
    return 0.0 if random.random() < STANDING else random.uniform(1.1, 1.7)


def write_snapshots(folder: Path, frames: Iterable[Rendered], first: int = 0) -> None:
    """Write frames as images/NNNNNN.jpeg and masks/NNNNNN.png under `folder`, numbered from `first`.

    Where it is interrupted, all that are there are pairs. Raises OSError.
    """
    for file in _files(folder, first):
        file.parent.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, first):
        image, mask = _files(folder, number)
        picture, labels = encode_jpeg(frame.rgb), encode_mask(frame.mask)
        try:
            image.write_bytes(picture)
            mask.write_bytes(labels)
        except BaseException:  # Ctrl-C, or a full disk
            image.unlink(missing_ok=True)
            mask.unlink(missing_ok=True)
            raise


def _files(folder: Path, number: int) -> tuple[Path, Path]:
    return folder / "images" / f"{number:06d}.jpeg", folder / "masks" / f"{number:06d}.png"


def _taken(folder: Path, numbers: range) -> Path | None:
    """Return a file that snapshots of these numbers would replace."""
    return next((file for number in numbers for file in _files(folder, number) if file.exists()), None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the frames and return the exit status: 0, 2 after an error, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator.snapshots",
        description=__doc__.split(": ", 1)[1],
        epilog=f"{describe_levels()}\nOnly what can be seen in one frame counts, and --people is not changed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=path_of, help="folder for images/ and masks/, created if missing")
    parser.add_argument("--count", type=whole_number(1), default=1000, help="frames (default %(default)s)")
    parser.add_argument("--seed", type=whole_number(), default=0, help="of all random choices (default %(default)s)")
    parser.add_argument(
        "--first",
        type=whole_number(),
        default=0,
        help="number of the first frame: the series goes on where an earlier call ended (default %(default)s)",
    )
    fraction, people, frames = real_number(0, 1), whole_number(0, MAX_PEOPLE), whole_number(1)
    for option, kind, meaning in (
        ("--target-fraction", fraction, "fraction of the frames with the target in the field of view"),
        ("--far-fraction", fraction, "fraction of those with the target at 12 to 50 m"),
        ("--people", people, "in each frame"),
        ("--look-alikes", fraction, "fraction of the people with a red top"),
        ("--per-city", frames, "frames in each city"),
    ):
        default = getattr(Mixture, option[2:].replace("-", "_"))
        parser.add_argument(option, type=kind, default=default, help=f"{meaning} (default %(default)s)")
    parser.add_argument("--difficulty", choices=LEVELS, default="plain", metavar="LEVEL", help="see below")
    parser.add_argument("--renderer", choices=RENDERERS, default="auto", help="default %(default)s")
    options = parser.parse_args(arguments)
    mixture = Mixture(**{field.name: getattr(options, field.name) for field in fields(Mixture)})
    if taken := _taken(options.out, range(options.first, options.first + options.count)):
        parser.error(f"{taken} is there already: give another folder, or the next free number with --first")
    drawn = snapshots(options.count, options.seed, mixture, options.renderer, options.difficulty, options.first)
    shown = track(drawn, "frames", total=options.count)
    after_interrupt = f"{options.out} has the frames so far"
    return run_command("snapshots", lambda: write_snapshots(options.out, shown, options.first), after_interrupt)


if __name__ == "__main__":
    sys.exit(main())
