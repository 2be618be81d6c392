"""The difficulty levels, and the world that each makes of a seed.

Where a level has variants, such as fog and rain, consecutive seeds take them in turn, so that any range of seeds is
balanced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from simulator.difficulty.link import PERFECT, UNRELIABLE, Link, LinkFaults
from simulator.rules import OWN, Rules
from simulator.world.city import City
from simulator.world.city_generator import generate_city

CROWD = 120  # people
LOOK_ALIKES = (0.25, 0.5)  # of the crowd


@dataclass(frozen=True)
class Level:
    """What makes flights hard; the defaults are those of the plain city."""

    summary: str
    people: int = 60  # besides the target, unless another number is asked for
    look_alikes: tuple[float, ...] = (0.0,)  # fractions of the crowd
    evasive: bool = False  # the target runs, turns sharply, mixes with groups, and walks round corners
    faults: LinkFaults = PERFECT
    noisy_depth: bool = False

    def city(self, seed: int) -> City:
        """Return the city of a seed, with what hides people in it, and its light."""
        return generate_city(seed)

    def rules(self, seed: int, rules: Rules = OWN) -> Rules:
        """Return `rules` with what is harder on this level."""
        return replace(
            rules,
            look_alikes=self.look_alikes[seed % len(self.look_alikes)],
            evasive=self.evasive,
            noisy_depth=self.noisy_depth,
        )

    def link(self, seed: int) -> Link[Any]:
        """Return the link that carries the frames from the quad to the agent."""
        return Link(self.faults, seed)


LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        "plain": Level("the plain city: 60 people by day"),
        "crowd": Level(f"{CROWD} people", people=CROWD),
        "look-alikes": Level(
            "a quarter or half of the people in red and brown, with red hair or some of the target's clothes",
            look_alikes=LOOK_ALIKES,
        ),
        "occlusion": Level("more to hide behind: trees, kiosks, arcades, vans"),
        "light": Level("low sun, dusk, night, fog or rain, by the seed"),
        "link": Level(
            "frames are late by 0.1 to 0.3 s, one in ten is lost, now and then all for 2 s; depth has noise and holes",
            faults=UNRELIABLE,
            noisy_depth=True,
        ),
        "evader": Level("the target runs, turns sharply, mixes with groups and walks round corners", evasive=True),
        "all": Level(
            "everything at once",
            people=CROWD,
            look_alikes=LOOK_ALIKES,
            evasive=True,
            faults=UNRELIABLE,
            noisy_depth=True,
        ),
    }
)


def describe_levels() -> str:
    """Return the levels and their summaries for the help of commands."""
    return "difficulty levels:\n" + "\n".join(f"  {name:12} {level.summary}" for name, level in LEVELS.items())
