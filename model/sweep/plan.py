"""What a sweep tries, read from its TOML file: a grid or ranges of training settings, and what all trials share."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

from config.reader import ConfigError, build, read_toml
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model.settings import Count, Positive, load_settings
from model.training.arguments import Arguments

# Options of model.train that every trial gets from the sweep, or that make no sense in one.
RESERVED = ("run", "resume", "promote", "strategy", "settings", "minutes", "epochs", "validation_interval")


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, whole ones if both are; with `log`, equally likely in each order of magnitude."""

    low: int | float
    high: int | float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"expected low < high, and low > 0 with log = true, got {self.low:g} and {self.high:g}")


@dataclass(frozen=True)
class Pruning:
    """Hyperband (Li et al. 2018): trials that are behind others after a part of their length end early."""

    enabled: bool = True
    min_fraction: Annotated[float, Gt(0), Lt(1), "a number between 0 and 1"] = 0.2  # of a trial that none ends before
    min_steps: Annotated[int, Ge(0), "a whole number, 0 or more"] = 500  # batch normalisation needs as many to settle
    factor: Annotated[int, Ge(2), "a whole number, 2 or more"] = 3  # one trial in so many goes on


@dataclass(frozen=True)
class Plan:
    """A sweep. Settings in `space` have names such as "learning_rate", "loss.hero_jaccard" or "network.encoders"."""

    train: dict[str, Any]  # options of model.train
    space: dict[str, Any]  # setting: list of values, or a range
    settings: dict[str, Any] = field(default_factory=dict)  # of all trials, as in model/train.toml
    sampler: Literal["grid", "random", "tpe"] = "grid"
    trials: Count = 50  # of the samplers random and tpe
    trial_minutes: Positive | None = None  # length of a trial, instead of its settings' epochs
    metric: str = "score"  # a column of the training's results.csv
    minimize: bool = False
    seed: int = 1  # of the order of a grid, and of what the others draw
    pruning: Pruning = field(default_factory=Pruning)

    def ranges(self) -> dict[str, list[Any] | Range]:
        """Return the values of each setting that varies. Raises ConfigError."""
        return {name: each if isinstance(each, list) else _range(name, each) for name, each in self.space.items()}

    def size(self) -> int:
        """Return the number of trials."""
        return prod(len(values) for values in self.space.values()) if self.sampler == "grid" else self.trials

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield each combination of a grid's values, by setting."""
        for values in product(*self.space.values()):
            yield dict(zip(self.space, values, strict=True))

    def settings_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a trial, nested as in model/train.toml; with a preset that [train] names."""
        settings = deepcopy({key: value for key, value in self.train.items() if key == "preset"} | self.settings)
        for name, value in values.items():
            *sections, key = name.split(".")
            section = settings
            for each in sections:
                section = section.setdefault(each, {})
                if not isinstance(section, dict):
                    raise ConfigError(f"settings.{each}: expected a section, because {name} is tried, got {section!r}")
            section[key] = value
        return settings


def read_plan(path: Path) -> Plan:
    """Return a sweep's plan, with all its options, settings and values checked. Raises ConfigError."""
    try:
        plan = build(Plan, read_toml(path))
        plan = replace(plan, space=_flat(plan.space))
        _check(plan)
        plan = replace(plan, space=_with_fractions(plan))
    except ConfigError as error:
        raise error if str(path) in str(error) else ConfigError(f"{path}: {error}") from error
    return plan


def counted(number: int, noun: str) -> str:
    """Return "1 trial" or "2 trials"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def to_toml(settings: Mapping[str, Any], prefix: str = "") -> str:
    """Return nested settings as TOML, a line each with a dotted key."""
    return "".join(
        to_toml(value, f"{prefix}{key}.") if isinstance(value, Mapping) else f"{prefix}{key} = {_toml_value(value)}\n"
        for key, value in settings.items()
    )


def describe_value(value: Any) -> str:
    """Return a value for people: numbers are rounded, lists and sections are JSON."""
    if isinstance(value, list | dict):
        return _toml_value(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _toml_value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one difference to JSON


def _flat(space: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return sections, which TOML makes of names with dots, as names with dots."""
    flat: dict[str, Any] = {}
    for name, value in space.items():
        if isinstance(value, Mapping) and not value.keys() & {"low", "high"}:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _check(plan: Plan) -> None:
    build(Arguments, plan.train, noun="option")
    if reserved := plan.train.keys() & set(RESERVED):
        raise ConfigError(f"[train] cannot have {min(reserved)}: the sweep sets it for each trial")
    if not (plan.train.get("data") or plan.train.get("recordings")):
        raise ConfigError('[train] needs the training frames, such as data = ["train.zip"]')
    if not plan.space:
        raise ConfigError("[space] is empty: expected settings with a list of values or a range {low, high}")
    for name, values in plan.ranges().items():
        if isinstance(values, Range):
            if plan.sampler == "grid":
                raise ConfigError(f"space.{name}: a grid needs a list of values; ranges are for random and tpe")
            values = [values.low, values.high]
        if not values:
            raise ConfigError(f"space.{name}: expected at least one value, got an empty list")
        for index, value in enumerate(values):
            if value in values[:index]:
                raise ConfigError(f"space.{name}: expected each value once, got {describe_value(value)} twice")
    for name, values in plan.ranges().items():
        for value in (values.low, values.high) if isinstance(values, Range) else values:
            _check_settings(plan.settings_of(_first(plan) | {name: value}))


def _first(plan: Plan) -> dict[str, Any]:
    """Return the first value of each setting that varies."""
    return {name: each.low if isinstance(each, Range) else each[0] for name, each in plan.ranges().items()}


def _with_fractions(plan: Plan) -> dict[str, Any]:
    """Return the space of a checked plan, with 0.0 and 1.0 for a range from 0 to 1 of a setting that takes fractions.

    Within a range of whole numbers, only whole ones are tried.
    """
    space = dict(plan.space)
    for name, values in plan.ranges().items():
        if isinstance(values, Range) and isinstance(values.low, int) and isinstance(values.high, int):
            with suppress(ConfigError):  # the setting takes whole numbers only
                _check_settings(plan.settings_of(_first(plan) | {name: values.low + 0.5}))
                space[name] = space[name] | {"low": float(values.low), "high": float(values.high)}
    return space


def _check_settings(settings: dict[str, Any]) -> None:
    try:
        checked = load_settings(overrides=settings)
    except ConfigError as error:
        raise ConfigError(str(error).removeprefix("command line: ")) from error
    if checked.network or "preset" in settings:
        import_tensorflow_quietly()
        from model.networks import design

        design(checked.preset, checked.network)


def _range(name: str, value: Any) -> Range:
    if not isinstance(value, Mapping):
        raise ConfigError(f"space.{name}: expected a list of values or a range {{low, high}}, got {value!r:.80}")
    return build(Range, value, noun=f"key space.{name}.")
