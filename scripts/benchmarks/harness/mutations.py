"""Packets as a defective or hostile client may send them: valid ones of both dialects, changed at random."""

import base64
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**400, 1e308, float("nan"), float("inf"), "", " ", "nan", "1e999", "-7,75,1,2", "\0", "\ud800"),
    *([], {}, [[]], {"_placeholder": True, "num": 0}, "x" * 5000, "data:;base64,", list(range(50))),
)
PLAIN_PACKETS = ("2", "3", "2probe", "5", "6", "40", "41", "40/dashboard,", '42/dashboard,["ready",{"frame":-1}]', "1")
MODERN_HELLO = "40"  # CONNECT, which clients of the old dialect never send


def mutated_packets(frames: Sequence[Mapping[str, str]], seed: int) -> Iterator[str | bytes]:
    """Yield packets without end: text, or the attachment of a binary event; the same ones for the same seed."""
    chance = random.Random(seed)
    kinds: tuple[Callable[[random.Random, dict[str, Any]], str | bytes], ...] = (
        *(_odd_payload, _damaged_image, _damaged_text, _other_event, _plain, _attachment),
    )
    while True:
        yield chance.choice(kinds)(chance, dict(chance.choice(frames)))


def _event(chance: random.Random, *data: object) -> str:
    return f"42{chance.choice(['', '0', '77'])}{json.dumps(list(data))}"


def _odd_payload(chance: random.Random, payload: dict[str, Any]) -> str:
    for _ in range(chance.randint(1, 3)):
        key = chance.choice([*payload, "ground_truth_mask", "ground_truth_target", "new"])
        if chance.random() < 0.3:
            payload.pop(key, None)
        else:
            payload[key] = chance.choice(ODD_VALUES)
    return _event(chance, "sensor_frame", payload)


def _damaged_image(chance: random.Random, payload: dict[str, Any]) -> str:
    key = chance.choice(["rgb_image", "depth_image"])
    data = bytearray(base64.b64decode(payload[key]))
    for _ in range(chance.randint(1, 20)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    del data[chance.choice([len(data), chance.randrange(len(data))]) :]
    payload[key] = base64.b64encode(data).decode()
    return _event(chance, "sensor_frame", payload)


def _damaged_text(chance: random.Random, payload: dict[str, Any]) -> str:
    text = _event(chance, "sensor_frame", payload)
    start = chance.choice([0, chance.randrange(len(text))])
    end = start + chance.choice([0, 1, 2, chance.randrange(len(text))])
    inserted = "".join(chr(chance.choice([0, 9, 34, 44, 57, 91, 93, 125, 233, 0x2028, 0x1F600])) for _ in range(3))
    return text[:start] + chance.choice(["", inserted, text[start:end] * 2]) + text[end:]


def _other_event(chance: random.Random, payload: dict[str, Any]) -> str:
    name = chance.choice(["sensor_frame", "simulator_info", "connect", "disconnect", "message", "", *ODD_VALUES])
    return _event(chance, name, *(chance.choice(ODD_VALUES) for _ in range(chance.randrange(3))))


def _plain(chance: random.Random, payload: dict[str, Any]) -> str:
    text = chance.choice(PLAIN_PACKETS)
    return chance.choice([text, text[: chance.randrange(len(text) + 1)], text + chance.choice('0[{"x,/')])


def _attachment(chance: random.Random, payload: dict[str, Any]) -> str | bytes:
    placeholder = {"_placeholder": True, "num": chance.choice([0, 1, -1, 10**9])}
    announced = f"45{chance.choice([0, 1, 2, 10**6])}-" + json.dumps(["sensor_frame", {"rgb_image": placeholder}])
    return announced if chance.random() < 0.5 else chance.randbytes(chance.randrange(200))
