"""`python -m simulator.gallery OUT.jpg`: draw an overview of what the built-in simulator looks like."""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
from collections.abc import Sequence
from contextlib import closing

import numpy as np

from config.numbers import whole_number
from simulator.picture_files import draw_into, picture_file
from simulator.rendering.markers import draw_markers
from simulator.rendering.renderer import RENDERERS, Renderer
from simulator.snapshots import Mixture, Scene, random_scene
from simulator.types import Image, Marker, Person, Pose
from simulator.world.city_generator import generate_city

COLUMNS = (Mixture(1.0, 0.0, people=40), Mixture(0.0, 0.0), Mixture(1.0, 1.0), Mixture(0.0, 0.0))
CANDIDATES = 12  # scenes drawn per picture, of which the most interesting one is shown
ENOUGH_PIXELS = 400  # of a class; more do not make a scene more interesting


def gallery(seed: int, rows: int, renderer: str) -> Image:
    """Return (rows * 256, 4 * 256, 3): one city per row; the last row is one view: plain, marked, depth, classes."""
    lines = []
    for row in range(rows):
        random = np.random.default_rng([seed, row, 29])
        city = generate_city(seed + row)
        with closing(Renderer(city, renderer)) as drawer:
            candidates = [[random_scene(city, mixture, random) for _ in range(CANDIDATES)] for mixture in COLUMNS]
            scenes = [max(column, key=lambda scene: _interest(drawer, scene)) for column in candidates]
            if row < rows - 1:
                lines.append(np.hstack([drawer.render(*scene).rgb for scene in scenes]))
            else:
                lines.append(_all_images(drawer, *scenes[0]))
    return np.vstack(lines)


def _interest(drawer: Renderer, scene: Scene) -> float:
    """Return a figure that grows with the visible target, people and depth."""
    rendered = drawer.render(*scene)
    pixels = np.count_nonzero(rendered.mask[..., 1:], axis=(0, 1))
    return float(np.minimum(pixels, ENOUGH_PIXELS).sum() + rendered.depth.std())


def _all_images(drawer: Renderer, camera: Pose, people: Sequence[Person]) -> Image:
    target = next(person for person in people if person.is_target)
    box = Marker(1, target.x, target.y, target.z + 1.0, target.heading, (0.7, 0.7, 2.0), (1.0, 0.8, 0.0, 0.5))
    rendered = drawer.render(camera, people)
    marked = draw_markers(rendered, camera, (box,))
    return np.hstack([rendered.rgb, marked, np.repeat(rendered.depth[..., None], 3, axis=2), rendered.mask])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m simulator.gallery", description=__doc__.split(": ", 1)[1])
    parser.add_argument("out", type=picture_file, help="the picture, .jpg or .png")
    parser.add_argument("--seed", type=whole_number(), default=0, help="of the first city (default %(default)s)")
    parser.add_argument("--rows", type=whole_number(1), default=3, help="default %(default)s")
    parser.add_argument("--renderer", choices=RENDERERS, default="auto", help="default %(default)s")
    options = parser.parse_args(arguments)
    return draw_into(options.out, lambda: gallery(options.seed, options.rows, options.renderer), jpeg_quality=90)


if __name__ == "__main__":
    sys.exit(main())
