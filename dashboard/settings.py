"""Settings of the pages: values and constraints; `config` reads them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from config.paths import PathText


@dataclass(frozen=True)
class DashboardSettings:
    """Settings of the live page: [dashboard] of follower.toml."""

    # Maximum number of updates per second for each viewer.
    rate: Annotated[float, Ge(0.1), Le(120), "0.1 to 120 updates per second"] = 20.0


@dataclass(frozen=True)
class WorkshopSettings:
    """Settings of trainings and comparisons started on the page: [workshop] of follower.toml."""

    # Folder of the run folders of trainings.
    runs: PathText = "runs"
    # Threads of a training or a comparison; 0: half of the processor's.
    threads: Annotated[int, Ge(0), Le(1024), "a whole number from 0 to 1024"] = 0
    # A file with changes to model/train.toml; empty: none.
    train_settings: PathText | Literal[""] = ""
