"""Rules of an episode, how people and the quad behave: the built-in simulator's own and QuadSim's."""

from dataclasses import dataclass

Speeds = tuple[float, float]  # m/s: least, greatest


@dataclass(frozen=True)
class Rules:
    """What differs between the built-in simulator and QuadSim; the defaults are the former's."""

    turnover: str = "long"  # how soon people are replaced, a key of `crowd.LIFETIMES`
    respawn: bool = False  # a new target replaces the one at the end of its path; otherwise it walks on
    single_path: bool = False  # all targets walk one path, the longest
    entrances: int | None = None  # people appear at so many points on the target's paths; None: anywhere
    give_way: bool = True  # people keep clear of each other; otherwise they walk through each other
    walking_speeds: Speeds = (1.2, 1.6)
    target_speeds: Speeds = (1.2, 1.6)
    patrol_height: float | None = None  # metres; None: heights of the city's patrol points, 6 to 14 m
    keep_pitch: bool = False  # the look-round keeps the gimbal's pitch; otherwise it turns to the patrol's
    linear_slow_down: bool = False  # speed falls linearly near a patrol point; otherwise with constant braking
    lock_on: bool = False  # after the first report, follow the true position of a target that is in front
    look_alikes: float = 0.0  # fraction of the people who look like the target in some respects
    lowest_flight: float = 0.8  # metres above the ground, of the quad; higher up it does not fly in under roofs
    evasive: bool = False  # the target runs, turns sharply, mixes with groups, and walks round corners
    noisy_depth: bool = False  # the depth image has noise and holes


OWN = Rules()
QUADSIM = Rules(
    turnover="medium",
    respawn=True,
    single_path=True,
    entrances=8,
    give_way=False,
    walking_speeds=(1.58, 1.58),
    target_speeds=(1.485, 1.485),
    patrol_height=3.0,
    keep_pitch=True,
    linear_slow_down=True,
    lock_on=True,
)
