"""KITTI road (Fritsch, Kuehnl and Geiger 2013), and datasets in its layout.

    data_road/training/image_2/um_000000.png
    data_road/training/gt_image_2/um_road_000000.png    magenta: road, red: not road, black: roads of others
    data_road/training/gt_image_2/um_lane_000000.png    the lane that the car is in; not read
    data_road/testing/image_2/um_000000.png             without masks

A scene, such as `um`, is what a file's name begins with; its frames are in the order in which they were taken.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal, get_args

from dataset.archives import Source
from dataset.masks.colours import MaskColours
from dataset.schema import Classes

IMAGES, MASKS = "image_2", "gt_image_2"  # of the left colour camera
COLOURS = MaskColours(  # of masks; pictures show roads in green
    ((0xFF0000,), (0xFF00FF,)),
    certain=True,
    classes=Classes(("not road", "road"), target=None, colours=(0xFF0000, 0x00FF00)),
    ignored=(0x000000,),
)

Split = Literal["training", "validation", "testing"]
SPLITS: tuple[Split, ...] = get_args(Split)
_ROAD, _LANE = (re.compile(rf".+_{what}_[^_]+") for what in ("road", "lane"))


def split_of(folder: PurePosixPath) -> Split | None:
    """Return which split the folder above images and masks is for, by its name."""
    return next((split for split in SPLITS if split == folder.name.lower()), None)


def scene_of(image: str) -> str:
    """Return the scene of a frame, by the name of its image: "um" of um_000007.png."""
    stem = PurePosixPath(image).stem
    return stem.rpartition("_")[0] or stem


def road_masks(masks: Mapping[str, Source]) -> dict[str, Source]:
    """Return the masks, by file name, without those of lanes where there are masks of roads."""
    names = {name: PurePosixPath(name).stem for name in masks}
    has_roads = any(map(_ROAD.fullmatch, names.values()))
    return {name: file for name, file in masks.items() if not (has_roads and _LANE.fullmatch(names[name]))}
