"""Settings of the bridge and of recordings. Values and their constraints only: `config` reads them."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from annotated_types import Ge, Gt, Le, Lt, MinLen, Predicate

from config.paths import PathText
from dataset.recordings.layout import is_recording_name

AsyncMode = Literal["threading", "eventlet"]
ASYNC_MODES: tuple[AsyncMode, ...] = get_args(AsyncMode)

Reason = Literal["far", "uncertain", "events"]
REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True)
class BridgeSettings:
    """How simulators connect; follower.toml has them as [bridge]."""

    host: Annotated[str, MinLen(1), "an address or a name such as '127.0.0.1'"] = "127.0.0.1"
    # The only one that QuadSim connects to; 0 takes any free port.
    port: Annotated[int, Ge(0), Le(65535), "a whole number from 0 to 65535"] = 4567
    async_mode: AsyncMode = "threading"
    # Height and width of the camera's images, pixels.
    frame_size: Annotated[int, Ge(16), Le(2048), "16 to 2048 pixels"] = 256
    # Characters; a longer message is refused unread.
    largest_message: Annotated[int, Ge(10**4), Le(10**9), "10000 to 1000000000 characters"] = 4_000_000
    # Seconds between pings; QuadSim returns to patrol after 3 s without one.
    ping_interval: Annotated[int, Ge(1), Le(2), "1 or 2 whole seconds"] = 1
    # Seconds until a simulator that does not answer pings counts as disconnected.
    ping_timeout: Annotated[float, Ge(1), Le(3600), "1 to 3600 seconds"] = 20.0
    # Take the addresses of simulators from the header that a load balancer adds: docs/fleet.md.
    trust_forwarded_for: bool = False


@dataclass(frozen=True)
class RecordingSettings:
    """What is recorded, and where; follower.toml has them as [recording]."""

    # Record from the start; otherwise wait for the key "r".
    enabled: bool = False
    # Name of the recording; empty: date and time.
    name: Annotated[
        str,
        Predicate(lambda name: name == "" or is_recording_name(name)),
        "letters, digits, '_', '-' and '.', or nothing",
    ] = ""
    folder: PathText = "recordings"
    # Keep each n-th of the frames that pass the filter.
    stride: Annotated[int, Ge(1), "a whole number, 1 or more"] = 1
    # Keep only frames for one of these reasons; empty: all.
    filter: Annotated[tuple[Reason, ...], f"a list of {', '.join(REASONS)}, such as ['{REASONS[0]}']"] = ()
    # far: the target has fewer pixels than this (but some), in an image of 256x256 ...
    far_pixels: Annotated[int, Ge(1), "a whole number of pixels, 1 or more"] = 50
    # ... or is farther away than this, metres.
    far_metres: Annotated[float, Gt(0), Lt(1e9), "a positive number of metres"] = 30.0
    # uncertain: seen with less confidence than this, or not seen with a higher peak than 1 minus this.
    uncertain_below: Annotated[float, Ge(0.5), Le(1), "a number from 0.5 to 1"] = 0.8
    # events: the seconds before and after the target is found or lost.
    seconds_around: Annotated[float, Ge(0), Le(60), "seconds from 0 to 60"] = 2.0
    # All recordings end when they have grown to this together ...
    max_gigabytes: Annotated[float, Gt(0), Lt(1e9), "a positive number"] = 10.0
    # ... or when the disk has no more than this left.
    min_free_gigabytes: Annotated[float, Ge(0), Lt(1e9), "a number, 0 or more"] = 1.0
    # Frames that may wait for the disk; further ones are dropped from the recording.
    queue_frames: Annotated[int, Ge(1), "a whole number of frames, 1 or more"] = 64
