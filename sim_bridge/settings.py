"""Settings of the bridge. Values and their constraints only: `config` reads them."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from annotated_types import Ge, Le, MinLen

AsyncMode = Literal["threading", "eventlet"]
ASYNC_MODES: tuple[AsyncMode, ...] = get_args(AsyncMode)


@dataclass(frozen=True)
class BridgeSettings:
    """How simulators connect; follower.toml has them as [bridge]."""

    host: Annotated[str, MinLen(1), "an address or a name such as '127.0.0.1'"] = "127.0.0.1"
    # Where QuadSim connects to; 0 takes any free port.
    port: Annotated[int, Ge(0), Le(65535), "a whole number from 0 to 65535"] = 4567
    async_mode: AsyncMode = "threading"
    # Height and width of the camera's images, pixels.
    frame_size: Annotated[int, Ge(16), Le(2048), "16 to 2048 pixels"] = 256
    # Characters; a longer message is refused unread.
    largest_message: Annotated[int, Ge(10**4), Le(10**9), "10000 to 1000000000 characters"] = 4_000_000
    # Seconds between pings; QuadSim returns to patrol after 3 s without one.
    ping_interval: Annotated[int, Ge(1), Le(2), "1 or 2 whole seconds"] = 1
    # Seconds until a silent simulator counts as disconnected.
    ping_timeout: Annotated[float, Ge(1), Le(3600), "1 to 3600 seconds"] = 20.0
