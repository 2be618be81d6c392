"""Settings of the agent. Values and their constraints only: `config` reads them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

Length = Annotated[float, Gt(0), Lt(1e6)]  # metres
Intensity = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class AgentSettings:
    """Settings of `FollowAgent`; follower.toml has them as [agent]."""

    # Remove haze from the pictures that the network sees, brighten dark ones, and expect it to be less certain in them.
    restore_pictures: bool = True
    # Hero probability above which a pixel belongs to the target.
    threshold: Annotated[float, Gt(0), Lt(1), "a number between 0 and 1"] = 0.5
    # Smallest blob that counts as the target, pixels of a 256x256 image.
    min_area: Annotated[float, Gt(0), Lt(1e6), "a positive number of pixels"] = 6.0
    # Seconds without a view of the target after which it is lost.
    max_missed_seconds: Annotated[float, Gt(0), Lt(1e6), "a positive number of seconds"] = 1.2
    # Seconds that another person must have been seen to become the target instead.
    switch_after_seconds: Annotated[float, Gt(0), Lt(1e6), "a positive number of seconds"] = 0.6
    # Metres that a depth of 255 stands for, which differs by build; "auto" estimates it from flat ground at height 0.
    depth_far: Annotated[Length | Literal["auto"], 'a positive number of metres (500, 100 or 50) or "auto"'] = "auto"
    # Vertical field of view of the camera, degrees.
    vertical_fov: Annotated[float, Ge(1), Le(170), "degrees between 1 and 170"] = 60.0
    # Metres; measured in QuadSim's own recordings (1.5 to 1.6).
    target_height: Annotated[float, Ge(0.2), Le(10), "metres between 0.2 and 10"] = 1.6
    # Draw a box around the target, which people at the simulator's window see; the drone's camera does not.
    marker: bool = True
    # Metres along the world's axes.
    marker_dimensions: Annotated[tuple[Length, Length, Length], "three positive numbers of metres"] = (0.7, 0.7, 2.0)
    # Red, green, blue, opacity.
    marker_color: Annotated[tuple[Intensity, Intensity, Intensity, Intensity], "four numbers from 0 to 1"] = (
        *(0.0, 0.0, 1.0),
        0.5,
    )
    # Seconds until a box that is not refreshed disappears; -1: never.
    marker_duration: Annotated[
        Annotated[float, Gt(0), Lt(1e6)] | Annotated[float, Ge(-1), Le(-1)],
        "a positive number of seconds, or -1 for ever",
    ] = 2.0
