"""`python scripts/bench.py light`: what the network finds in bad light, in pictures as taken and as restored.

Random views of the built-in simulator's cities, with the target in three of four. A target is found if the IoU of what
is predicted there with the true target is at least 0.3. Any other group of pixels that is predicted as target is a
false positive. The haze is measured in the views of a city, as in a flight.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

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
from model.score import intersection_over_union, predicted_mask
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
NOWHERE = Pose(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Prediction:
    """What is predicted as target in one picture."""

    picture: Image
    mask: np.ndarray  # (rows, columns) bool
    iou: float  # of what is predicted at the true target, with that
    false_positives: int

    @property
    def found(self) -> bool:
        """Whether the target is found."""
        return self.iou >= FOUND


class View(NamedTuple):
    """One view of a city: the target's pixels, and what is predicted in the picture as taken and as restored."""

    target_pixels: int
    taken: Prediction
    restored: Prediction


class Counts(NamedTuple):
    """What is counted of a view."""

    target_pixels: int
    found: tuple[bool, bool]  # as taken, as restored
    false_positives: tuple[int, int]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    cities = f"of each light, {VIEWS_OF_A_CITY} views each (default %(default)s)"
    add = parser.add_argument
    add("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    add("--cities", type=whole_number(1), default=10, help=cities)
    add("--seed", type=whole_number(), default=0, help="of cities and views (default %(default)s)")
    add("--picture", type=picture_file, metavar="FILE", help="draw targets that are found only when restored")
    add("--json", type=file_to_write, metavar="FILE", help="write the results for other programs")


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """Print the table and return its rows."""
    segmenter = load_agent_segmenter(str(find_weights(options.weights)))
    first = options.seed * len(LIGHTS) * options.cities
    jobs = [(DAY, "plain", first + city) for city in range(options.cities)]
    jobs += [
        (light, "light", first + len(LIGHTS) * city + index)
        for index, light in enumerate(LIGHTS)
        for city in range(options.cities)
    ]
    counts: dict[str, list[Counts]] = {light: [] for light in (DAY, *LIGHTS)}
    best: dict[str, View] = {}
    for light, level, seed in track(jobs, "cities", console=console):
        for view in views_of_city(level, seed, segmenter):
            counts[light].append(counts_of(view))
            best[light] = max(best.get(light, view), view, key=_worth_seeing)
    rows = [row_of(light, counted) for light, counted in counts.items()]
    print_table(rows, "targets found as taken, found as restored, of all; false positives as taken, as restored")
    problems = []
    if options.picture is not None and draw_into(options.picture, lambda: drawn(best), JPEG_QUALITY):
        problems.append("the picture could not be written")
    return {"rows": rows, "problems": problems}


def views_of_city(level: str, seed: int, segmenter: Any) -> Iterator[View]:
    """Return the views of a city."""
    city = LEVELS[level].city(seed)
    random, restorer = np.random.default_rng([seed, 71]), PictureRestorer()
    with closing(Renderer(city)) as renderer:
        rendered = [renderer.render(*random_scene(city, MIXTURE, random), SECONDS * n) for n in range(VIEWS_OF_A_CITY)]
    frames = [
        ObservedFrame(SECONDS * index, NOWHERE, NOWHERE, decode_camera_image(encode_jpeg(each.rgb)), each.depth)
        for index, each in enumerate([*rendered, *rendered])  # twice: the haze is known the second time
    ]
    restored = [restorer.restore(frame) for frame in frames][VIEWS_OF_A_CITY:]
    for frame, picture, each in zip(frames, restored, rendered, strict=False):
        pictures, target = np.stack([frame.image, picture]), each.mask[..., HERO] > 0
        predicted = predicted_mask(segmenter.predict(pictures)[..., HERO])
        taken, better = (prediction(*pair, target) for pair in zip(pictures, predicted, strict=True))
        yield View(int(target.sum()), taken, better)


def prediction(picture: Image, predicted: np.ndarray, target: np.ndarray) -> Prediction:
    """Compare what is predicted, at any size, with the true target, (rows, columns) bool."""
    large = cv2.resize(predicted.astype(np.uint8), target.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    count, labels = cv2.connectedComponents(large, connectivity=8)
    groups = [labels == label for label in range(1, count)]
    right = [group for group in groups if (group & target).any()]
    wrong = [group for group in groups if not (group & target).any() and is_visible(group.sum())]
    union = np.logical_or.reduce([np.zeros_like(target), *right])
    return Prediction(picture, large > 0, float(intersection_over_union(target[None], union[None])[0]), len(wrong))


def counts_of(view: View) -> Counts:
    """Return what is counted of a view."""
    taken, restored = view.taken, view.restored
    false_positives = taken.false_positives, restored.false_positives
    return Counts(view.target_pixels, (taken.found, restored.found), false_positives)


def row_of(light: str, counts: Sequence[Counts]) -> dict[str, Any]:
    """Return the line of a light."""
    row: dict[str, Any] = {"light": light}
    sizes, found, false_positives = (np.array(each) for each in zip(*counts, strict=True))
    for band in SIZE_BANDS:
        inside = band.contains(sizes)
        taken, restored = found[inside].sum(axis=0)
        row[band.name] = f"{taken}, {restored} of {inside.sum()}"
    taken, restored = false_positives.sum(axis=0)
    return row | {"false positives": f"{taken}, {restored}"}


def drawn(views: Mapping[str, View]) -> Image:
    """Return the views of PICTURED: as taken above, as restored below, each with what the network finds."""
    columns = [
        np.vstack([_outlined(each, light) for each in (views[light].taken, views[light].restored)])
        for light in PICTURED
    ]
    return np.hstack(columns)


def _worth_seeing(view: View) -> tuple[bool, bool, int]:
    only_restored = view.taken.iou == 0 and view.restored.found
    return only_restored, view.target_pixels < 400, view.target_pixels


def _outlined(shown: Prediction, title: str) -> Image:
    large = cv2.resize(shown.picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    grown = cv2.dilate(shown.mask.astype(np.uint8), np.ones((9, 9), np.uint8))
    outlines, _ = cv2.findContours(cv2.resize(grown, large.shape[1::-1]), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(large, outlines, -1, (255, 255, 0), 2)
    cv2.putText(large, title, (12, 500), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
    return np.asarray(large, np.uint8)
