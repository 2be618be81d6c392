"""Settings of the pages. Values and their constraints only: `config` reads them."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le, MinLen


@dataclass(frozen=True)
class DashboardSettings:
    """How the live page is updated; follower.toml has them as [dashboard]."""

    # Updates a second that a viewer gets at most.
    rate: Annotated[float, Ge(0.1), Le(120), "0.1 to 120 updates a second"] = 20.0


@dataclass(frozen=True)
class WorkshopSettings:
    """How models are trained and compared from the page; follower.toml has them as [workshop]."""

    # Folder of the trainings' run folders.
    runs: Annotated[str, MinLen(1), "a folder"] = "runs"
    # Threads of a training or a comparison; 0: half of the processor's.
    threads: Annotated[int, Ge(0), Le(1024), "a whole number from 0 to 1024"] = 0
    # A file with changes to model/train.toml; empty: none.
    train_settings: str = ""
