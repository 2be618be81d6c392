"""All settings in one place: what they are, their defaults, and how they are read from TOML and the command line."""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from follower.settings import AgentSettings
from sim_bridge.dashboard.settings import DashboardSettings, WorkshopSettings
from sim_bridge.recording.settings import RecordingSettings

ASYNC_MODES = ("threading", "eventlet")
RUNTIMES = ("auto", "openvino", "tensorflow", "keras")
DEVICES = ("auto", "cpu", "gpu")


class SettingsError(ValueError):
    """A setting that does not exist or has a value that cannot be; the message names what would be valid."""


@dataclass(frozen=True)
class ModelSettings:
    """Which network, and what runs it. Raises ValueError that names the setting, what was expected and what came."""

    weights: str = "model_weights.h5"  # a path, or a name in model/weights/
    runtime: str = "auto"  # the fastest that is here and gives unchanged answers
    device: str = "auto"  # a GPU where there is one

    def __post_init__(self) -> None:
        _check(self, "weights", isinstance(self.weights, str) and self.weights, "a file name")
        _check_choice(self, "runtime", RUNTIMES)
        _check_choice(self, "device", DEVICES)


@dataclass(frozen=True)
class BridgeSettings:
    """How simulators connect. Raises ValueError that names the setting, what was expected and what came."""

    host: str = "127.0.0.1"
    port: int = 4567  # where QuadSim looks; 0 takes any free port
    async_mode: str = "threading"
    frame_size: int = 256  # height and width of the camera's images, pixels
    largest_message: int = 4_000_000  # characters; what is longer is refused unread
    ping_interval: int = 1  # seconds between pings; QuadSim goes back to patrol after 3 s without one
    ping_timeout: float = 20.0  # seconds until a silent simulator counts as gone

    def __post_init__(self) -> None:
        _check(self, "host", isinstance(self.host, str) and self.host, "an address or a name such as '127.0.0.1'")
        _check(self, "port", _within(self.port, 0, 65535), "a whole number from 0 to 65535")
        _check_choice(self, "async_mode", ASYNC_MODES)
        _check(self, "frame_size", _within(self.frame_size, 16, 2048), "16 to 2048 pixels")
        _check(self, "largest_message", _within(self.largest_message, 10**4, 10**9), "10000 to 1000000000 characters")
        _check(self, "ping_interval", _within(self.ping_interval, 1, 2), "1 or 2 whole seconds")
        _check(self, "ping_timeout", _within(self.ping_timeout, 1, 3600, int | float), "1 to 3600 seconds")


@dataclass(frozen=True)
class Settings:
    """Everything that can be set; each field is one section of the file."""

    model: ModelSettings = field(default_factory=ModelSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    dashboard: DashboardSettings = field(default_factory=DashboardSettings)
    workshop: WorkshopSettings = field(default_factory=WorkshopSettings)


SECTIONS: dict[str, type] = {section.name: section.type for section in dataclasses.fields(Settings)}


def load_settings(path: Path | None, overrides: Mapping[str, object] | None = None) -> Settings:
    """Read a TOML file (None: defaults only), then apply overrides such as {"bridge.port": 4568}.

    Raises SettingsError.
    """
    values = {} if path is None else _read(path)
    for section, content in values.items():
        if section not in SECTIONS:
            raise SettingsError(f"{path}: there is no section [{section}]{_nearest(section, SECTIONS)}")
        if not isinstance(content, dict):
            raise SettingsError(f"{path}: {section} must be a section, [{section}], got {content!r}")
    settings = Settings(**{name: _section(path, name, values.get(name, {})) for name in SECTIONS})
    for name, value in (overrides or {}).items():
        settings = override(settings, name, value)
    return settings


def override(settings: Settings, name: str, value: object) -> Settings:
    """Change one setting by its full name, such as "agent.threshold". Raises SettingsError."""
    section, _, key = name.partition(".")
    every = [f"{s}.{f.name}" for s, kind in SECTIONS.items() for f in dataclasses.fields(kind)]
    if name not in every:
        raise SettingsError(f"there is no setting {name}{_nearest(name, every)}")
    try:
        changed = dataclasses.replace(getattr(settings, section), **{key: value})
    except ValueError as error:
        raise SettingsError(f"{section}.{error}") from error
    return dataclasses.replace(settings, **{section: changed})


def parse_assignment(text: str) -> tuple[str, object]:
    """Read "SECTION.KEY=VALUE" from a command line; VALUE as TOML has it, or else plain text. Raises SettingsError."""
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"expected SECTION.KEY=VALUE, such as agent.threshold=0.6, got {text!r}")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()


def _read(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingsError(f"{path} is not a TOML file: {error}") from error


def _section(path: Path | None, name: str, values: Mapping[str, object]) -> object:
    kind = SECTIONS[name]
    known = [field.name for field in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            raise SettingsError(f"{path}: there is no setting {name}.{key}{_nearest(key, known)}")
    try:
        return kind(**values)
    except ValueError as error:
        raise SettingsError(f"{path}: {name}.{error}") from error


def _nearest(name: object, valid: Iterable[str]) -> str:
    """What was probably meant, as the end of a sentence."""
    valid = list(valid)
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(valid)}"


def _check(settings: object, name: str, valid: object, expected: str) -> None:
    if not valid:
        raise ValueError(f"{name}: expected {expected}, got {getattr(settings, name)!r}")


def _check_choice(settings: object, name: str, choices: tuple[str, ...]) -> None:
    value = getattr(settings, name)
    if value not in choices:
        raise ValueError(f"{name}: got {value!r}{_nearest(value, choices)}")


def _within(value: object, least: float, most: float, kind: type = int) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and least <= value <= most
