"""What can be set about the dashboard. Values only; follower.toml has them as [dashboard] and [workshop]."""

import math
from dataclasses import dataclass
from numbers import Real


@dataclass(frozen=True)
class DashboardSettings:
    """How the flight is watched. Raises ValueError that names the setting, what was expected and what came."""

    rate: float = 20.0  # updates a second that a viewer gets at most

    def __post_init__(self) -> None:
        number = isinstance(self.rate, Real) and not isinstance(self.rate, bool) and math.isfinite(self.rate)
        if not (number and 0.1 <= self.rate <= 120):
            raise ValueError(f"rate: expected 0.1 to 120 updates a second, got {self.rate!r}")


@dataclass(frozen=True)
class WorkshopSettings:
    """How models are trained and compared from the page. Raises ValueError as `DashboardSettings` does."""

    runs: str = "runs"  # where trainings keep their folders
    threads: int = 0  # of a training or a comparison; 0: half of the processor's
    train_settings: str = ""  # a file with changes to model/train.toml; empty: none

    def __post_init__(self) -> None:
        if not (isinstance(self.runs, str) and self.runs):
            raise ValueError(f"runs: expected a folder, got {self.runs!r}")
        if not (isinstance(self.threads, int) and not isinstance(self.threads, bool) and 0 <= self.threads <= 1024):
            raise ValueError(f"threads: expected a whole number from 0 to 1024, got {self.threads!r}")
        if not isinstance(self.train_settings, str):
            raise ValueError(f"train_settings: expected a file name or nothing, got {self.train_settings!r}")
