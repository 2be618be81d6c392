"""Settings of a training. `model/train.toml` explains them and has the same defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge

from config.reader import ConfigError, known, read_toml, update
from model.data.settings import AugmentationSettings, Count, Fraction, NonNegative, Positive, SamplingSettings

PRESETS = Path(__file__).parents[1] / "presets"
FIXED = ("preset", "input_size", "optimizer")  # once a training has begun: its checkpoint fits no others


@dataclass(frozen=True)
class LossSettings:
    """Weights of the loss's terms."""

    class_weights: Annotated[tuple[NonNegative, NonNegative, NonNegative], "three numbers, 0 or more"] = (1.0, 2.0, 3.0)
    hero_jaccard: NonNegative = 0.6
    people_jaccard: NonNegative = 0.2
    false_positive: Annotated[tuple[NonNegative, NonNegative], "two numbers, 0 or more"] = (0.3, 0.42)
    distillation: Fraction = 0.7


@dataclass(frozen=True)
class TrainSettings:
    """All settings; the fields that are dataclasses are the sections of the file."""

    preset: str = "pyramid"
    input_size: Annotated[int, Ge(0), "0 or a number of pixels"] = 0
    batch_size: Count = 48
    steps_per_epoch: Count = 60
    epochs: Count = 250
    validation_interval: Count = 25
    mining_interval: Annotated[int, Ge(0), "a whole number, 0 or more"] = 15
    learning_rate: Positive = 3e-3
    fine_tuning_learning_rate: NonNegative = 1.5e-3
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
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    loss: LossSettings = field(default_factory=LossSettings)


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
    for key in FIXED if stored else ():
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
