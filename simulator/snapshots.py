"""`python -m simulator.snapshots OUT`: labelled frames of random moments, to train networks on. Flies nothing.

Writes OUT/images/NNNNNN.jpeg and OUT/masks/NNNNNN.png (R background, G people, B hero; people beyond 50 m are
background, as in QuadSim's own recordings). Every `--per-city` frames come from another city with other light; the same
seed gives the same files.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from simulator.contract import CameraPose, Person, Rendered
from simulator.rendering import RENDERERS, RendererError, make_renderer
from simulator.rendering.wardrobe import appearance
from simulator.world.city import City, generate_city
from simulator.world.obstacles import Obstacles

JPEG_QUALITY = 75  # as Unity's EncodeToJPG
WALK = 1.4  # m/s
ROOM = 0.8  # m between the camera and anything solid
HIDDEN = 0.1  # of the moments with something between the camera and the hero are kept
EYE = 1.0  # m above the feet that a following camera looks at


@dataclass(frozen=True)
class Mixture:
    """What the frames show."""

    hero_share: float = 0.6  # of the frames have the hero in view (unless something hides her)
    far_share: float = 0.4  # of those have her at 12 to 50 m; the rest as when following, or near
    people: int = 60
    look_alikes: float = 0.12  # of the people wear a red top: what a network takes for the hero
    per_city: int = 50


def snapshots(count: int, seed: int, mixture: Mixture, renderer: str = "auto") -> Iterator[Rendered]:
    """Frames of random moments."""
    for start in range(0, count, mixture.per_city):
        random = np.random.default_rng([seed, start, 19])
        city = generate_city(int(random.integers(2**31)))
        obstacles = Obstacles(city.boxes)
        drawer = make_renderer(city, renderer)
        for _ in range(min(mixture.per_city, count - start)):
            yield drawer.render(*random_moment(city, obstacles, mixture, random))
        drawer.close()


def random_moment(
    city: City, obstacles: Obstacles, mixture: Mixture, random: np.random.Generator
) -> tuple[CameraPose, list[Person]]:
    """A camera, as of a quad on patrol or following, and the people around it."""
    there = random.random() < mixture.hero_share
    kind = "patrol"
    if there:
        kind = "far" if random.random() < mixture.far_share else str(random.choice(["follow", "follow", "near"]))
    while True:
        x, y = _place(city, random)
        camera = _camera(kind, x, y, random)
        eye = np.array([camera.x, camera.y, camera.z])
        if obstacles.push_out(eye, ROOM) is not None:
            continue
        if kind == "patrol" or obstacles.line_of_sight(eye, np.array([x, y, EYE])) or random.random() < HIDDEN:
            break
    people = [_person(1 + k, city, camera, mixture, random) for k in range(mixture.people)]
    if there:
        heading = camera.yaw + (random.normal(0, 0.6) if kind == "follow" else random.uniform(-math.pi, math.pi))
        z = float(city.ground_height(x, y))
        people.append(Person(0, True, x, y, z, heading, random.uniform(0, 2 * math.pi), _pace(random), 0))
    return camera, people


def _camera(kind: str, x: float, y: float, random: np.random.Generator) -> CameraPose:
    """Above x, y, or looking at it from near or far."""
    bearing = random.uniform(-math.pi, math.pi)
    if kind == "follow":
        return _aimed(x, y, random.uniform(1.5, 6.0), random.uniform(1.8, 4.0), bearing, 0.10, random)
    if kind == "near":
        return _aimed(x, y, random.uniform(4.0, 14.0), random.uniform(2.0, 9.0), bearing, 0.30, random)
    if kind == "far":
        return _aimed(x, y, random.uniform(12.0, 50.0), random.uniform(3.0, 16.0), bearing, 0.38, random)
    pitch = math.radians(30) + random.normal(0, 0.12)
    return CameraPose(x, y, random.uniform(2.0, 20.0), 0.0, pitch, bearing)


def _place(city: City, random: np.random.Generator, around: CameraPose | None = None) -> tuple[float, float]:
    """Somewhere that one can walk; with `around`, more often in front of that camera."""
    x_min, y_min, x_max, y_max = city.extent
    while True:
        x, y = random.uniform((x_min, y_min), (x_max, y_max))
        if around is not None and random.random() < 0.35:
            distance, angle = random.uniform(2, 45), around.yaw + random.uniform(-0.55, 0.55)
            x, y = around.x + distance * math.cos(angle), around.y + distance * math.sin(angle)
        if city.is_walkable(x, y, 0.35):
            return float(x), float(y)


def _aimed(
    x: float, y: float, distance: float, up: float, bearing: float, off: float, random: np.random.Generator
) -> CameraPose:
    """A camera behind and above x, y that looks at it, up to `off` radians beside."""
    aside, above = random.uniform(-off, off, 2)
    return CameraPose(
        x - distance * math.cos(bearing),
        y - distance * math.sin(bearing),
        up + EYE,
        0.0,
        math.atan2(up, distance) + above,
        bearing + aside,
    )


def _person(id: int, city: City, camera: CameraPose, mixture: Mixture, random: np.random.Generator) -> Person:
    x, y = _place(city, random, camera)
    z = float(city.ground_height(x, y))
    heading, gait = random.uniform(-math.pi, math.pi), random.uniform(0, 2 * math.pi)
    look = int(random.integers(2**31))
    if random.random() < mixture.look_alikes:
        while not appearance(look).in_red:
            look = int(random.integers(2**31))
    return Person(id, False, x, y, z, heading, gait, _pace(random), look)


def _pace(random: np.random.Generator) -> float:
    return 0.0 if random.random() < 0.1 else random.uniform(1.1, 1.7)


def write_snapshot(folder: Path, number: int, frame: Rendered) -> None:
    """Write one frame as images/NNNNNN.jpeg and masks/NNNNNN.png under `folder`, which must have both."""
    image = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    _, png = cv2.imencode(".png", cv2.cvtColor(frame.mask, cv2.COLOR_RGB2BGR))
    (folder / "images" / f"{number:06d}.jpeg").write_bytes(jpeg.tobytes())
    (folder / "masks" / f"{number:06d}.png").write_bytes(png.tobytes())


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the frames; returns the exit status: 0, 2 with a sentence when it cannot be done, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m simulator.snapshots", description=__doc__.split("\n\n")[0])
    default = Mixture()
    parser.add_argument("out", type=Path, help="a folder, made when missing; gets images/ and masks/")
    parser.add_argument("--count", type=int, default=1000, help="frames (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all of it (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first file (default %(default)s)")
    parser.add_argument("--hero-share", type=float, default=default.hero_share, help="of frames (default %(default)s)")
    parser.add_argument("--far-share", type=float, default=default.far_share, help="of those (default %(default)s)")
    parser.add_argument("--people", type=int, default=default.people, help="in a city (default %(default)s)")
    parser.add_argument(
        "--look-alikes", type=float, default=default.look_alikes, help="share of people in red (default %(default)s)"
    )
    parser.add_argument("--per-city", type=int, default=default.per_city, help="frames a city (default %(default)s)")
    parser.add_argument("--renderer", choices=RENDERERS, default="auto", help="default %(default)s")
    options = parser.parse_args(arguments)
    if min(options.count, options.per_city) < 1 or min(options.people, options.first) < 0:
        parser.error("expected a --count and --per-city of at least 1, and --people and --first of at least 0")
    mixture = Mixture(options.hero_share, options.far_share, options.people, options.look_alikes, options.per_city)
    frames = snapshots(options.count, options.seed, mixture, options.renderer)
    try:
        for name in ("images", "masks"):
            (options.out / name).mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(track(frames, "frames", total=options.count), options.first):
            write_snapshot(options.out, number, frame)
    except (RendererError, OSError) as error:
        print(f"snapshots: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"snapshots: interrupted; {options.out} has the frames so far", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
