"""What can be set about the dashboard. Values only; follower.toml has them as [dashboard]."""

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
