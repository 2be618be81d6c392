"""All settings of the program: the sections of follower.toml, which the command line can change."""

from dataclasses import dataclass, field
from pathlib import Path

from config.paths import PathText
from config.reader import ConfigError, build, read_toml
from dashboard.settings import DashboardSettings, WorkshopSettings
from follower.settings import AgentSettings
from model.inference.choices import Device, Runtime
from sim_bridge.settings import BridgeSettings, RecordingSettings


@dataclass(frozen=True)
class ModelSettings:
    """Which network to run, and how."""

    # A path, or a name in model/weights/.
    weights: PathText = "model_weights.h5"
    # auto: the fastest available one with the same output.
    runtime: Runtime = "auto"
    # auto: a GPU if there is one.
    device: Device = "auto"


@dataclass(frozen=True)
class Settings:
    """All settings; each field is a section of the file."""

    model: ModelSettings = field(default_factory=ModelSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    dashboard: DashboardSettings = field(default_factory=DashboardSettings)
    workshop: WorkshopSettings = field(default_factory=WorkshopSettings)


def load_settings(path: Path) -> Settings:
    """Read a TOML file; settings that it lacks keep their defaults. Raises ConfigError."""
    try:
        return build(Settings, read_toml(path))
    except ConfigError as error:
        raise ConfigError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
