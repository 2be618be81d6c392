"""Simulators on systems whose language writes decimal commas: QuadSim prints and reads numbers as its system does.

It sends poses as "-7,7500,-1,2345,...", and would read the 0.7 of a command as 7 (German) or 0 (French, Swedish). It
reads a whole number with an exponent right in every language.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from socketio import packet

_DECIMALS = 6  # of numbers that are sent: micrometres
_WHOLE_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_FRACTION = re.compile(r"\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def join_decimal_commas(fields: list[str]) -> list[str]:
    """Return six numbers from twelve whole fields, as in "-7,7500,..." under a German locale, where possible."""
    pairs = list(zip(fields[::2], fields[1::2], strict=True))
    if all(_WHOLE_NUMBER.fullmatch(whole) and _FRACTION.fullmatch(fraction) for whole, fraction in pairs):
        return [f"{whole}.{fraction}" for whole, fraction in pairs]
    return fields


def has_decimal_commas(payload: Mapping[str, object]) -> bool:
    """Return whether a valid `sensor_frame` is written with decimal commas."""
    poses = (str(payload[key]) for key in ("pose", "gimbal_pose"))
    return "," in str(payload["timestamp"]) or any(pose.count(",") > 5 for pose in poses)


def whole_mantissa(number: float) -> str:
    """Write a number without a decimal point: 6.57 as "657e-2"."""
    sign, digits, exponent = Decimal(repr(round(number, _DECIMALS))).normalize().as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"


class WholeNumbers:
    """Stands for the module `json` of a packet: writes numbers that are not whole by `whole_mantissa`."""

    loads = json.loads

    @classmethod
    def dumps(cls, value: object, separators: tuple[str, str] = (",", ":")) -> str:
        """Return a value as JSON."""
        match value:
            case dict():
                return "{" + ",".join(f"{json.dumps(key)}:{cls.dumps(each)}" for key, each in value.items()) + "}"
            case list() | tuple():
                return "[" + ",".join(map(cls.dumps, value)) + "]"
            case float():
                return whole_mantissa(value)
            case _:
                return json.dumps(value)


class WholeNumberPacket(packet.Packet):  # type: ignore[misc]  # socketio has no types
    """A Socket.IO packet with numbers that are read right with decimal commas, too."""

    json = WholeNumbers
