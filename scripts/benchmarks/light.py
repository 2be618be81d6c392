"""`python scripts/bench.py light`: what the network finds in bad light, in pictures as taken and as restored.

Random views of the built-in simulator's cities, with the target in three of four. A target is found if the IoU of the
network's target with the true one is at least 0.3; a false positive is a target in a picture that has none. The haze is
measured in the views of a city, as in a flight.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from rich.progress import track

from config.numbers import whole_number
from config.outputs import file_to_write
from dataset.schema import HERO, SIZE_BANDS, is_visible
from follower.restoration.restorer import PictureRestorer
from follower.types import Pose
from gym_follow.agents.frames import ObservedFrame
from model.inference.load import load_agent_segmenter
from model.score import intersection_over_union, predicted_mask, size_bands
from model.weights.find import find_weights
from scripts.benchmarks.harness.terminal import console, print_table
from sim_bridge.wire.images import decode_camera_image
from simulator.difficulty.levels import LEVELS
from simulator.link.frames import encode_jpeg
from simulator.picture_files import draw_into, picture_file
from simulator.rendering.renderer import Renderer
from simulator.snapshots import Mixture, random_scene
from simulator.types import Image
from simulator.world.lights import LIGHTS

DAY = "day"
VIEWS_OF_A_CITY = 16
MIXTURE = Mixture(target_fraction=0.75, far_fraction=0.5)
SECONDS = 0.5  # between two views
FOUND = 0.3  # IoU
JPEG_QUALITY = 75
PICTURED = ("fog", "rain", "night")


@dataclass(frozen=True)
class View:
    """One view: its picture as taken and as restored, and where the target is, and is predicted in each (bool)."""

    taken: Image
    restored: Image
    target: np.ndarray
    predicted: tuple[np.ndarray, np.ndarray]

    @property
    def ious(self) -> tuple[float, float]:
        """IoU of both predictions."""
        one, other = (float(intersection_over_union(self.target[None], each[None])[0]) for each in self.predicted)
        return one, other


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add = parser.add_argument
    add("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    add(
        "--cities",
        type=whole_number(1),
        default=10,
        help=f"of each light, {VIEWS_OF_A_CITY} views each (default %(default)s)",
    )
    add("--seed", type=whole_number(), default=0, help="of cities and views (default %(default)s)")
    add("--picture", type=picture_file, metavar="FILE", help="draw targets that are found only when restored")
    add("--json", type=file_to_write, metavar="FILE", help="write the results for other programs")


def benchmark(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Print the table, and return its rows."""
    segmenter = load_agent_segmenter(str(find_weights(options.weights)))
    number = len(LIGHTS)
    first = options.seed * number * options.cities
    jobs = [
        (light, first + number * city + index) for index, light in enumerate(LIGHTS) for city in range(options.cities)
    ]
    jobs += [(DAY, first + city) for city in range(options.cities)]
    views: dict[str, list[View]] = {light: [] for light in (DAY, *LIGHTS)}
    for light, seed in track(jobs, "cities", console=console):
        views[light] += views_of_city("plain" if light == DAY else "light", seed, segmenter)
    rows = [row_of(light, seen) for light, seen in views.items()]
    print_table(
        rows, "targets found, and pictures without one in which one is found: as taken, as restored, of so many"
    )
    if options.picture is not None and draw_into(options.picture, lambda: drawn(views), JPEG_QUALITY):
        raise RuntimeError("the picture could not be written")
    return rows


def views_of_city(level: str, seed: int, segmenter: Any) -> Iterator[View]:
    """Return the views of a city, as taken and as restored."""
    city = LEVELS[level].city(seed)
    random, restorer = np.random.default_rng([seed, 71]), PictureRestorer()
    with closing(Renderer(city)) as renderer:
        rendered = [renderer.render(*random_scene(city, MIXTURE, random), SECONDS * n) for n in range(VIEWS_OF_A_CITY)]
    nowhere = Pose(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    frames = [
        ObservedFrame(SECONDS * index, nowhere, nowhere, decode_camera_image(encode_jpeg(each.rgb)), each.depth)
        for index, each in enumerate(rendered)
    ]
    for frame in frames:
        restorer.restore(frame)  # until the haze is known
    for frame, each in zip(frames, rendered, strict=True):
        pictures = np.stack([frame.image, restorer.restore(frame)])
        predicted = [_as_large_as(each.mask, predicted_mask(hero)) for hero in segmenter.predict(pictures)[..., HERO]]
        yield View(pictures[0], pictures[1], each.mask[..., HERO] > 0, (predicted[0], predicted[1]))


def row_of(light: str, views: Sequence[View]) -> dict[str, Any]:
    """Return the line of a light."""
    row: dict[str, Any] = {"light": light}
    sizes = np.array([view.target.sum() for view in views])
    ious = np.array([view.ious for view in views])
    for band, inside in zip(SIZE_BANDS, size_bands(sizes, views[0].target.shape), strict=True):
        found = (ious[inside] >= FOUND).sum(axis=0)
        row[band.name] = f"{found[0]}, {found[1]} of {inside.sum()}"
    negative = [view for view in views if not view.target.any()]
    false = np.array([[is_visible(each.sum()) for each in view.predicted] for view in negative]).sum(axis=0)
    return row | {"false positives": f"{false[0]}, {false[1]} of {len(negative)}"}


def drawn(views: Mapping[str, Sequence[View]]) -> Image:
    """Return a view of each of PICTURED: as taken above, as restored below, each with what the network finds."""
    columns = []
    for light in PICTURED:
        best = max(
            views[light],
            key=lambda view: (view.ious[0] < FOUND <= view.ious[1], view.target.sum() < 400, view.target.sum()),
        )
        pictures = zip((best.taken, best.restored), best.predicted, strict=True)
        columns.append(np.vstack([_outlined(picture, predicted, light) for picture, predicted in pictures]))
    return np.hstack(columns)


def _outlined(picture: Image, predicted: np.ndarray, title: str) -> Image:
    large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    grown = cv2.dilate(predicted.astype(np.uint8), np.ones((9, 9), np.uint8))
    outlines, _ = cv2.findContours(cv2.resize(grown, large.shape[1::-1]), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(large, outlines, -1, (255, 255, 0), 2)
    cv2.putText(large, title, (12, 500), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
    return np.asarray(large, np.uint8)


def _as_large_as(mask: Image, predicted: np.ndarray) -> np.ndarray:
    rows, columns = mask.shape[:2]
    return cv2.resize(predicted.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT) > 0
