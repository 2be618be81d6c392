"""Settings of a training. `model/train.toml` explains them and has the same defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Predicate

from config.reader import ConfigError, known, read_toml, update
from dataset.schema import DEFAULT_CLASSES, HERO, PEOPLE, Classes

PRESETS = Path(__file__).parent / "presets"
FIXED = (
    "preset",
    "input_size",
    "network",
    "optimizer",
    "frozen_levels",
)  # once a training has begun: its checkpoint fits no others
SCALES_LOSS = "mixed_float16"  # the precision whose checkpoints hold the scale of the loss, too

Count = Annotated[int, Ge(1), "a whole number, 1 or more"]
NonNegative = Annotated[float, Ge(0), "a number, 0 or more"]
Positive = Annotated[float, Gt(0), "a number above 0"]
Fraction = Annotated[float, Ge(0), Le(1), "a number from 0 to 1"]
Size = Annotated[Count | tuple[Count, Count], "a number of pixels, or two: rows and columns"]
Zoom = Annotated[float, Ge(0.1), Le(10)]
Zooms = Annotated[
    tuple[Zoom, Zoom], Predicate(lambda each: each[0] <= each[1]), "two numbers from 0.1 to 10, ascending"
]


@dataclass(frozen=True)
class SamplingSettings:
    """How often frames of each of `PackedFrames.categories` are drawn, as fractions of all samples."""

    far_hero: Fraction = 0.22
    near_hero: Fraction = 0.18
    people: Fraction = 0.5
    background: Fraction = 0.1
    stratified: bool = True
    folder_balance: Fraction = 0.0
    hard_example_weight: NonNegative = 4.0
    corrected_weight: NonNegative = 3.0


@dataclass(frozen=True)
class AugmentationSettings:
    """How often and how strongly samples are changed; probabilities are per sample."""

    crop: Size = 128
    focus_probability: Fraction = 0.75
    zoom_probability: Fraction = 0.5
    zoom_range: Zooms = (0.65, 2.0)
    flip_probability: Fraction = 0.5
    identity_swap_probability: Fraction = 0.35
    hero_brightness: Positive = 0.55
    paste_hero_probability: Fraction = 0.25
    paste_people_probability: Fraction = 0.25
    recolour_probability: Fraction = 0.25
    darken: NonNegative = 0.25
    brighten: NonNegative = 0.25
    contrast: NonNegative = 0.1
    saturation: NonNegative = 0.15
    tint: NonNegative = 0.01
    jpeg_quality: Annotated[int, Ge(0), Le(100), "a whole number from 0 to 100"] = 75
    noise_probability: Fraction = 0.0


@dataclass(frozen=True)
class LossSettings:
    """Weights of the loss's terms."""

    class_weights: Annotated[tuple[NonNegative, ...], "a number, 0 or more, for each class"] = ()
    hero_jaccard: NonNegative = 0.6
    people_jaccard: NonNegative = 0.2
    false_positive: Annotated[tuple[NonNegative, NonNegative], "two numbers, 0 or more"] = (0.3, 0.42)
    distillation: Fraction = 0.7
    l2: NonNegative = 0.0

    def entropy_weights(self, classes: Classes) -> tuple[float, ...]:
        """Return the weight of each class in the cross-entropy. Raises ConfigError for another number of them."""
        if not self.class_weights:
            return (1.0, 2.0, 3.0) if classes == DEFAULT_CLASSES else (1.0,) * len(classes)
        if len(self.class_weights) == 1:
            return self.class_weights * len(classes)
        if len(self.class_weights) != len(classes):
            count = len(self.class_weights)
            raise ConfigError(f"loss.class_weights: expected a weight for each of {classes.names}, got {count} weights")
        return self.class_weights

    def jaccard_weights(self, classes: Classes) -> dict[int, float]:
        """Return the weight of the soft Jaccard loss of each class that has one."""
        if classes == DEFAULT_CLASSES:
            return {PEOPLE: self.people_jaccard, HERO: self.hero_jaccard}
        return {
            label: self.hero_jaccard if label == classes.target else self.people_jaccard
            for label in range(len(classes))
        }


@dataclass(frozen=True)
class TrainSettings:
    """All settings; the fields that are dataclasses are the sections of the file."""

    preset: str = "pyramid"
    input_size: Annotated[
        Annotated[int, Ge(0)] | tuple[Count, Count], "0 or a number of pixels, or two: rows and columns"
    ] = 0
    batch_size: Count = 48
    steps_per_epoch: Count = 60
    epochs: Count = 250
    validation_interval: Count = 25
    mining_interval: Annotated[int, Ge(0), "a whole number, 0 or more"] = 15
    learning_rate: Positive = 3e-3
    fine_tuning_learning_rate: NonNegative = 3e-4
    encoder_learning_rate: Fraction = 1.0
    frozen_levels: Annotated[int, Ge(0), "a whole number, 0 or more"] = 0
    schedule: Literal["trapezoid", "cosine", "constant"] = "trapezoid"
    warm_up: Fraction = 0.05
    cool_down: Fraction = 0.6
    second_half_learning_rate: NonNegative = 0.0
    optimizer: Literal["muon", "adamw", "adam"] = "muon"
    weight_decay: NonNegative = 0.25
    clip_norm: NonNegative = 1.0
    full_frame_fraction: Fraction = 0.3
    full_frame_batch_size: Count = 12
    ema_decay: Fraction = 0.9
    mixed_precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    seed: Annotated[int, Ge(0), "a whole number, 0 or more"] = 1
    network: Annotated[dict[str, Any], "settings of the preset"] = field(default_factory=dict)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    loss: LossSettings = field(default_factory=LossSettings)


def shape_of(size: Size) -> tuple[int, int]:
    """Return (rows, columns) of a size; one number is that of a square."""
    return size if isinstance(size, tuple) else (size, size)


def load_settings(
    path: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    stored: Mapping[str, Any] | None = None,
) -> TrainSettings:
    """Return the defaults, changed by the preset's file, then by `stored`, by the file `path`, and by `overrides`.

    `path` is a file like model/train.toml, complete or not; `overrides` are of the command line; `stored` are those of
    a training that is resumed, of which this version may not have all. Raises ConfigError.
    """
    changes = {} if path is None else read_toml(path)
    overrides, stored = overrides or {}, stored or {}
    settings = TrainSettings()
    preset = stored.get("preset") or overrides.get("preset") or changes.get("preset") or settings.preset
    for file in _preset_files(f"{preset}"):
        settings = _update(settings, {key: value for key, value in read_toml(file).items() if key != "base"}, str(file))
    settings = resumed = _update(settings, known(stored, settings), "the settings of the training")
    settings = _update(settings, changes, str(path))
    settings = _update(settings, overrides, "command line")
    scales_loss = SCALES_LOSS in (resumed.mixed_precision, settings.mixed_precision)
    fixed = (*FIXED, "mixed_precision") if scales_loss else FIXED
    for key in fixed if stored else ():
        before, now = getattr(resumed, key), getattr(settings, key)
        if before != now:
            raise ConfigError(f"{path}: a training with {key} {before!r} cannot be resumed with {now!r}")
    return settings


def _preset_files(preset: str) -> list[Path]:
    """Return the files of a preset, that of its base first; none if it has no settings of its own."""
    file = PRESETS / f"{preset}.toml"
    if not file.is_file():
        return []
    base = read_toml(file).get("base")
    return [PRESETS / f"{base}.toml", file] if base else [file]


def _update(settings: TrainSettings, changes: Mapping[str, Any], origin: str) -> TrainSettings:
    try:
        return update(settings, changes)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error
