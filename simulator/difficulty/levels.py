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
from simulator.world.hideouts import add_hideouts
from simulator.world.lights import LIGHTS, make_light

OVER_ROOFS = 2.6  # m
CROWD = 120  # people
LOOK_ALIKES = (0.25, 0.5)  # of the crowd


@dataclass(frozen=True)
class Level:
    """What makes flights hard; the defaults are those of the plain city."""

    summary: str
    people: int = 60  # besides the target, unless another number is asked for
    look_alikes: tuple[float, ...] = (0.0,)  # fractions of the crowd
    hideouts: bool = False  # on and beside the target's paths
    lights: tuple[str, ...] = ()  # that replace the city's own
    evasive: bool = False  # the target runs, turns sharply, mixes with groups, and walks round corners
    faults: LinkFaults = PERFECT
    noisy_depth: bool = False

    def city(self, seed: int) -> City:
        """Return the city of a seed, with what hides people in it, and its light."""
        city = generate_city(seed)
        if self.hideouts:
            city = add_hideouts(city)
        if self.lights:
            city = replace(city, light=make_light(self.lights[seed % len(self.lights)], seed))
        return city

    def rules(self, seed: int, rules: Rules = OWN) -> Rules:
        """Return `rules` with what is harder on this level."""
        return replace(
            rules,
            look_alikes=self.look_alikes[seed % len(self.look_alikes)],
            lowest_flight=OVER_ROOFS if self.hideouts else rules.lowest_flight,
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
        "occlusion": Level(
            "the target walks under roofs and trees and between vans and kiosks, and is hidden for up to 8 s at a time",
            people=80,
            hideouts=True,
        ),
        "light": Level(f"by the seed: {', '.join(LIGHTS)}", lights=LIGHTS),
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
            hideouts=True,
            lights=LIGHTS,
            evasive=True,
            faults=UNRELIABLE,
            noisy_depth=True,
        ),
    }
)


def describe_levels() -> str:
    """Return the levels and their summaries for the help of commands."""
    return "difficulty levels:\n" + "\n".join(f"  {name:12} {level.summary}" for name, level in LEVELS.items())
