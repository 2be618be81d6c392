"""The settings of a training: one annotated TOML file, `train.toml`, whose keys are the fields below."""

import difflib
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

from model.data.augment import Augmentation
from model.data.batches import Sampling

DEFAULTS = Path(__file__).parents[1] / "train.toml"
FIXED = ("preset", "input_size", "optimizer")  # of a training once it has begun: its checkpoint fits no others
PRESETS = Path(__file__).parents[1] / "presets"
CHOICES = {
    "schedule": ("trapezoid", "cosine", "constant"),
    "optimizer": ("muon", "adamw", "adam"),
    "mixed_precision": ("auto", "float32", "mixed_bfloat16", "mixed_float16"),
}


class SettingsError(ValueError):
    """A settings file has a key or a value that does not exist."""


@dataclass(frozen=True)
class LossSettings:
    """The terms and their weights."""

    class_weights: tuple[float, float, float] = (1.0, 2.0, 3.0)
    hero_jaccard: float = 0.6
    people_jaccard: float = 0.2
    false_hero: tuple[float, float] = (0.3, 0.42)  # in the first third of the training, and then
    teachers: float = 0.7  # share of it all that the --teacher models have, where there are any


@dataclass(frozen=True)
class TrainSettings:
    """What `train.toml` explains."""

    preset: str
    input_size: int
    batch_size: int
    epoch_steps: int
    epochs: int
    validate_every: int
    review_every: int
    learning_rate: float
    init_learning_rate: float
    schedule: str
    later_learning_rate: float
    warm_up: float
    cool_down: float
    optimizer: str
    clip_norm: float
    weight_decay: float
    full_frames: float
    full_frame_batch: int
    ema: float
    mixed_precision: str
    seed: int
    sampling: Sampling = field(default_factory=Sampling)
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: LossSettings = field(default_factory=LossSettings)


def load_settings(
    path: str | Path | None = None, overrides: dict | None = None, stored: dict | None = None
) -> TrainSettings:
    """The defaults, changed by the preset's own settings, then by the file, then by `overrides` (nested like the file).

    `stored` are those of a training that goes on, which the file changes then; what an older version stored may lack
    keys of today, and have others that are gone.

    Raises SettingsError naming the nearest key for an unknown one, and what was expected for a value of another type.
    """
    table, changes = _read(DEFAULTS), _read(Path(path)) if path is not None else {}
    overrides, stored = overrides or {}, stored or {}
    preset = stored.get("preset") or overrides.get("preset", changes.get("preset", table["preset"]))
    own = PRESETS / f"{preset}.toml"
    if own.is_file():
        particular = _read(own)
        if like := particular.pop("like", None):
            _merge(table, _read(PRESETS / f"{like}.toml"), like)
        _merge(table, particular, str(own))
    _merge(table, _known(stored, table), "the settings of the training")
    begun = {key: table[key] for key in FIXED} if stored else {}
    _merge(table, changes, str(path))
    _merge(table, overrides, "command line")
    for key, value in begun.items():
        if table[key] != value:
            raise SettingsError(f"{path}: a training with {key} {value!r} cannot go on with {table[key]!r}")
    if table["input_size"] < 0:
        raise SettingsError(f"input_size must be 0 or a number of pixels, got {table['input_size']}")
    for key, choices in CHOICES.items():
        if table[key] not in choices:
            raise SettingsError(f"{key} must be one of {', '.join(choices)}, got {table[key]!r}")
    if not 0 < table["learning_rate"] < float("inf"):
        raise SettingsError(f"learning_rate must be above 0, got {table['learning_rate']}")
    counts = {key: table[key] for key in ("batch_size", "epoch_steps", "epochs", "validate_every", "full_frame_batch")}
    for key, value in (counts | {"augmentation.crop": table["augmentation"]["crop"]}).items():
        if value < 1:
            raise SettingsError(f"{key} must be at least 1, got {value}")
    least, most = table["augmentation"]["zoom_range"]
    if not 0.1 <= least <= most <= 10:
        raise SettingsError(f"augmentation.zoom_range must be two of 0.1 to 10, ascending, got [{least}, {most}]")
    brightness = table["augmentation"]["hero_brightness"]
    if not 0 < brightness < float("inf"):
        raise SettingsError(f"augmentation.hero_brightness must be above 0, got {brightness}")
    quality = table["augmentation"]["camera_quality"]
    if not 0 <= quality <= 100:
        raise SettingsError(f"augmentation.camera_quality must be 0 to 100, got {quality}")
    return _build(TrainSettings, table)


def _read(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: expected a TOML file with settings: {error}") from error


def _known(stored: dict, table: dict) -> dict:
    """Without the keys that `table` does not have."""
    return {
        key: _known(value, table[key]) if isinstance(value, dict) and isinstance(table[key], dict) else value
        for key, value in stored.items()
        if key in table
    }


def _merge(table: dict, changes: dict, origin: str, section: str = "") -> None:
    for key, value in changes.items():
        name = f"{section}{key}"
        if key not in table:
            nearest = difflib.get_close_matches(key, table, 1) or sorted(table)
            raise SettingsError(f"{origin}: unknown setting {name!r}; did you mean {section}{nearest[0]!r}?")
        known = table[key]
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value, origin, f"{name}.")
            continue
        if isinstance(known, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(known):
            raise SettingsError(
                f"{origin}: {name} must be of type {type(known).__name__} like {known!r}, got {value!r}"
            )
        if isinstance(known, list) and (len(value) != len(known) or not all(map(_is_number, value))):
            raise SettingsError(f"{origin}: {name} must be {len(known)} numbers like {known!r}, got {value!r}")
        table[key] = value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _build(kind: type, table: dict):
    values = {}
    for item in fields(kind):
        value = table[item.name]
        if is_dataclass(item.type):
            value = _build(item.type, value)
        values[item.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)
