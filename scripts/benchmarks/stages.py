"""`python scripts/bench.py stages`: where the time of a frame goes.

One process takes the frames through the stages of a follower, one frame and one stage after the other, without threads
and sockets. Then a follower with its dashboard gets the same frames over a real websocket, at 5 Hz and unthrottled.

- wall: milliseconds, the median
- cpu: milliseconds of processor time of all threads, the median; other load on the machine affects it less

The line "over a websocket" is a frame's latency, and the processor time of the follower's process for it. What it has
more than the sum of the stages are system calls, hand-overs between threads, pings and publishing.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from engineio.packet import Packet as EnginePacket
from socketio.packet import EVENT
from socketio.packet import Packet as SocketPacket
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import TextMessage

from follower.agent import FollowAgent
from model.inference.choices import DEVICES, RUNTIMES
from model.inference.load import load_agent_segmenter
from scripts.benchmarks.harness.bridges import connect, process, receive, request, serve_follower
from scripts.benchmarks.harness.rounds import DRAWN_HZ, UNTHROTTLED, get_frames, name_pace, send_frames
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table
from sim_bridge.wire.messages import command_to_event, parse_sensor_frame
from simulator.link.client import fragments
from simulator.link.frames import event

RATES = (5.0, UNTHROTTLED)
WARM_UP_SECONDS = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=12.0)
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="of the network (default %(default)s)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="of the network (default %(default)s)")


def benchmark(options: argparse.Namespace) -> object:
    """Measure, print the results, and return them for JSON."""
    segmenter = load_agent_segmenter(options.weights, options.runtime, options.device)
    frames = get_frames(options)
    with ExitStack() as stack, console.status("measuring"):
        clock = StageClock()
        take_through_stages(frames, segmenter, clock, options.seconds)
        del segmenter
        serve = partial(serve_follower, weights=options.weights, runtime=options.runtime, device=options.device)
        server = stack.enter_context(process(serve))
        client = stack.enter_context(connect(receive(server)))
        model = request(server, "model")
        live = [measure_live(server, client, frames, hz, options.seconds) for hz in RATES]
    rows = clock.rows()
    total = {"stage": "sum", **{key: sum(row[key] for row in rows) for key in ("wall", "cpu")}}
    console.print(model, highlight=False, soft_wrap=True)
    print_table([*rows, total, *live], "milliseconds per frame")
    return {"model": model, "stages": rows, "sum": total, "live": live}


class StageClock:
    """Collects how long each stage takes."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self._seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))

    def clear(self) -> None:
        """Forget what was collected."""
        self._seconds.clear()

    def rows(self) -> list[dict[str, Any]]:
        """Return a line for each stage, in the order of their first use."""
        return [
            {"stage": name, **dict(zip(("wall", "cpu"), (1e3 * np.median(seconds, axis=0)).tolist(), strict=True))}
            for name, seconds in self._seconds.items()
        ]


def take_through_stages(frames: Sequence[Mapping[str, str]], segmenter: Any, clock: StageClock, seconds: float) -> None:
    """Process frames again and again for `seconds`, after a warm-up. An answer is encoded, but not sent."""
    cv2.setNumThreads(1)  # as `InferenceWorker` does
    received = [b"".join(fragments(event("sensor_frame", dict(frame), number))) for number, frame in enumerate(frames)]
    connection, agent = Connection(ConnectionType.SERVER), FollowAgent()
    began, number, warm = time.perf_counter(), 0, False
    while (took := time.perf_counter() - began) < WARM_UP_SECONDS + seconds:
        if not warm and took > WARM_UP_SECONDS:
            clock.clear()
            warm = True
        with clock.stage("websocket: unmask, join fragments"):
            connection.receive_data(received[number % len(received)])
            text = "".join(part.data for part in connection.events() if isinstance(part, TextMessage))
        with clock.stage("Socket.IO and JSON"):
            _, payload = SocketPacket(encoded_packet=EnginePacket(encoded_packet=text).data).data
        with clock.stage("base64, headers, checksums, poses"):
            frame = replace(parse_sensor_frame((payload,)), timestamp=number / DRAWN_HZ)
        with clock.stage("decode colour (JPEG)"):
            frame.image  # noqa: B018 - decoded once, kept by the frame
        with clock.stage("decode depth (PNG)"):
            frame.depth_image  # noqa: B018 - decoded once, kept by the frame
        with clock.stage("restore the picture"):
            picture = agent.network_picture(frame)
        with clock.stage("network"):
            (probabilities,) = segmenter.predict(np.stack([picture]))
        with clock.stage("agent"):
            decision = agent.step(frame, probabilities, segmenter.typical_fraction)
        with clock.stage("commands to JSON"):
            for command in decision.commands:
                EnginePacket(4, SocketPacket(EVENT, list(command_to_event(command))).encode()).encode()
        number += 1


def measure_live(
    server: Any, client: Any, frames: Sequence[dict[str, str]], hz: float, seconds: float
) -> dict[str, Any]:
    """Send frames to a follower; return a line of the table."""
    began: list[float] = []
    latencies = send_frames(client, list(frames), hz, seconds, lambda: began.append(request(server, "cpu")))
    cpu = 1e3 * (request(server, "cpu") - began[0]) / max(len(latencies), 1)
    return {"stage": f"over a websocket, {name_pace(hz)}", "wall": float(np.median(latencies)), "cpu": cpu}
