"""`python -m simulator.difficulty.pictures OUT.jpg`: draw two pictures of each difficulty level and light.

The left one is of the patrol, the right one of a quad that follows the true position of the target; of the level
"link" it shows the depth image.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
from collections.abc import Sequence
from contextlib import closing

import cv2
import numpy as np

from simulator.difficulty.levels import LEVELS, Level
from simulator.episode import Episode
from simulator.picture_files import draw_into, picture_file
from simulator.rendering.renderer import Renderer
from simulator.types import Image, Rendered
from simulator.world.lights import LIGHTS

CASES = (  # level, seed, title
    ("plain", 0, "plain"),
    ("crowd", 11, "crowd"),
    ("look-alikes", 13, "look-alikes"),
    ("occlusion", 0, "occlusion"),
    *(("light", 5 + number, f"light: {name}") for number, name in enumerate(LIGHTS)),
    ("link", 0, "link"),
    ("evader", 13, "evader"),
    ("all", 11, "all"),
)
COLUMNS = 2  # of cases
NEARER = 5  # the depth image is shown up to a fifth of its range
PATROL_SECONDS, FOLLOW_SECONDS = 10.0, 50.0
IN_FULL, HALF_HIDDEN = range(500, 5000), range(100, 800)  # pixels of the target


def picture_of(level: str, seed: int, title: str) -> Image:
    """Return a picture of a patrol and one of following, side by side, (256, 512, 3)."""
    patrol, follow = _fly(LEVELS[level], seed)
    depth = np.minimum(follow.depth, 255 // NEARER) * NEARER
    right = np.repeat(depth[..., None], 3, axis=2) if level == "link" else follow.rgb
    picture = np.ascontiguousarray(np.hstack([patrol.rgb, right]))
    for thickness, color in ((3, (0, 0, 0)), (1, (255, 255, 255))):
        cv2.putText(picture, title, (8, 248), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, thickness, cv2.LINE_AA)
    return picture


def _fly(level: Level, seed: int) -> tuple[Rendered, Rendered]:
    """Return the views with most people, of the patrol and of following; of "occlusion" with a half hidden target."""
    views: tuple[list[Rendered], list[Rendered]] = [], []
    with closing(Renderer(city := level.city(seed))) as renderer:
        episode = Episode(city, renderer, level.people, level.rules(seed))
        while episode.time < PATROL_SECONDS + FOLLOW_SECONDS:
            now = episode.observe()
            assert now.rendered is not None
            following = episode.time >= PATROL_SECONDS
            views[following].append(now.rendered)
            if following:
                episode.target_detected(now.target_centre)
            episode.step(1.0)
    patrol, follow = views
    target_range = HALF_HIDDEN if level is LEVELS["occlusion"] else IN_FULL
    return max(patrol, key=_people), max(follow, key=lambda view: (_target(view) in target_range, _people(view)))


def _people(view: Rendered) -> int:
    return int(np.count_nonzero(view.mask[..., 1]))


def _target(view: Rendered) -> int:
    return int(np.count_nonzero(view.mask[..., 2]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator.difficulty.pictures", description=(__doc__ or "").split(": ", 1)[1]
    )
    parser.add_argument("out", type=picture_file, help="the picture, .jpg or .png")
    options = parser.parse_args(arguments)
    return draw_into(options.out, all_pictures, jpeg_quality=82)


def all_pictures() -> Image:
    """Return the pictures of all cases as a table."""
    pictures = [picture_of(*case) for case in CASES]
    return np.vstack([np.hstack(pictures[start : start + COLUMNS]) for start in range(0, len(pictures), COLUMNS)])


if __name__ == "__main__":
    sys.exit(main())
