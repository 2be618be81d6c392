"""`python -m simulator.gallery OUT.jpg`: one picture of what the stand-in looks like, for people to look at."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from simulator.contract import Marker, Rendered
from simulator.rendering import RENDERERS, PandaRenderer, make_renderer
from simulator.snapshots import Mixture, random_moment
from simulator.world.city import generate_city
from simulator.world.obstacles import Obstacles

COLUMNS, TRIES = 4, 12
KINDS = (Mixture(1.0, 0.0, people=40), Mixture(0.0, 0.0), Mixture(1.0, 1.0), Mixture(0.0, 0.0))  # of the columns
LIKED = 400  # hero pixels


def gallery(seed: int, rows: int, renderer: str) -> np.ndarray:
    """(rows * 256, 4 * 256, 3) uint8 RGB: a city a row; the last row is one view: plain, marked, depth, classes."""
    lines = []
    for row in range(rows):
        random = np.random.default_rng([seed, row, 29])
        city = generate_city(seed + row)
        drawer, obstacles = make_renderer(city, renderer), Obstacles(city.boxes)
        pick = [_best([random_moment(city, obstacles, kind, random) for _ in range(TRIES)], drawer) for kind in KINDS]
        if row < rows - 1:
            lines.append(np.hstack([drawer.render(*moment).rgb for moment in pick]))
        else:
            lines.append(_explained(drawer, *pick[0]))
        drawer.close()
    return np.vstack(lines)


def _best(moments: list, drawer: PandaRenderer):
    """The moment with most to see: the hero, then people, then not only one colour."""

    def interest(seen: Rendered) -> float:
        hero, people = (float((seen.mask[..., index] > 0).sum()) for index in (2, 1))
        return min(hero, LIKED) + min(people, LIKED) + float(seen.depth.std())

    return max(moments, key=lambda moment: interest(drawer.render(*moment)))


def _explained(drawer: PandaRenderer, camera, people) -> np.ndarray:
    hero = next(person for person in people if person.is_hero)
    box = Marker(1, hero.x, hero.y, hero.z + 1.0, hero.heading, (0.7, 0.7, 2.0), (1.0, 0.8, 0.0, 0.5))
    plain, marked = drawer.render(camera, people), drawer.render(camera, people, (box,))
    return np.hstack([plain.rgb, marked.rgb, np.repeat(plain.depth[..., None], 3, axis=2), plain.mask])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m simulator.gallery", description=__doc__.split(": ", 1)[1])
    parser.add_argument("out", type=Path, help="the picture, .jpg or .png")
    parser.add_argument("--seed", type=int, default=0, help="of the first city (default %(default)s)")
    parser.add_argument("--rows", type=int, default=3, help="default %(default)s")
    parser.add_argument("--renderer", choices=RENDERERS, default="auto", help="default %(default)s")
    options = parser.parse_args(arguments)
    picture = gallery(options.seed, options.rows, options.renderer)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 90] if options.out.suffix.lower() in (".jpg", ".jpeg") else []
    _, data = cv2.imencode(options.out.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(data.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
