"""Settings of sampling and augmentation: values and their constraints; model/train.toml explains them."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Predicate

Count = Annotated[int, Ge(1), "a whole number, 1 or more"]
NonNegative = Annotated[float, Ge(0), "a number, 0 or more"]
Positive = Annotated[float, Gt(0), "a number above 0"]
Fraction = Annotated[float, Ge(0), Le(1), "a number from 0 to 1"]
Zoom = Annotated[float, Ge(0.1), Le(10)]


def _ascending(values: tuple[float, float]) -> bool:
    return values[0] <= values[1]


@dataclass(frozen=True)
class SamplingSettings:
    """How often frames of each of `PackedFrames.categories` are drawn, as fractions of all samples."""

    far_hero: Fraction = 0.22
    near_hero: Fraction = 0.18
    people: Fraction = 0.5
    background: Fraction = 0.1
    stratified: bool = True
    hard_example_weight: NonNegative = 4.0


@dataclass(frozen=True)
class AugmentationSettings:
    """How often and how strongly samples are changed; probabilities are per sample."""

    crop: Count = 128
    focus_probability: Fraction = 0.75
    zoom_probability: Fraction = 0.5
    zoom_range: Annotated[tuple[Zoom, Zoom], Predicate(_ascending), "two numbers from 0.1 to 10, ascending"] = (
        0.65,
        2.0,
    )
    flip_probability: Fraction = 0.5
    identity_swap_probability: Fraction = 0.35
    hero_brightness: Positive = 0.55
    paste_hero_probability: Fraction = 0.25
    paste_people_probability: Fraction = 0.25
    recolour_probability: Fraction = 0.25
    marker_probability: Fraction = 0.05
    darken: NonNegative = 0.25
    brighten: NonNegative = 0.25
    contrast: NonNegative = 0.1
    saturation: NonNegative = 0.15
    tint: NonNegative = 0.01
    jpeg_quality: Annotated[int, Ge(0), Le(100), "a whole number from 0 to 100"] = 75
    noise_probability: Fraction = 0.0
