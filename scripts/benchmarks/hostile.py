"""`python scripts/bench.py hostile`: invalid messages for minutes, and what a good simulator beside them notices.

A follower with its dashboard runs in a process of its own. Clients send it messages of both dialects that were changed
at random: damaged text, JSON, images and websocket fragments, odd values, unknown events. Half of the clients connect
as modern ones do. Most keep their connection; what ends it is followed by a new one. A good simulator sends frames at
5 Hz from another process, first alone, then beside them.

The exit status is 2 if the follower had an error or no longer answers, or the good simulator lost its connection or a
frame, or was never answered. Skipped frames are reported only: hostile clients send frames that are valid by chance,
and share the network with it.
"""

import argparse
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import Any

import websocket

from config.numbers import real_number, whole_number
from scripts.benchmarks.harness.bridges import process, receive, request, serve_follower
from scripts.benchmarks.harness.mutations import MODERN_HELLO, mutated_packets
from scripts.benchmarks.harness.rounds import Frames, get_frames
from scripts.benchmarks.harness.simulators import BEGIN, END, FrameLog, Group, fly_simulators
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table

QUADSIM_HZ = 5.0
CLIENTS = 4
MESSAGES_PER_CONNECTION = 500  # at most
TIMEOUT = 10.0  # seconds


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=10.0)
    parser.epilog = "--seconds is how long the good simulator flies alone."
    parser.add_argument("--messages", type=whole_number(1), default=100_000, help="in all (default %(default)s)")
    parser.add_argument(
        "--rate", type=real_number(1.0), default=500.0, help="messages per second (default %(default)s)"
    )
    parser.add_argument("--seed", type=whole_number(), default=0, help="of the changes (default %(default)s)")


def benchmark(options: argparse.Namespace) -> object:
    """Measure, print the results, and return them for JSON, with what the follower did not withstand."""
    frames, attackers = get_frames(options), list[Attacker]()
    problems: list[str] = []
    with ExitStack() as stack, console.status("starting"):
        bridge = stack.enter_context(process(serve_follower, options.weights))
        port = receive(bridge)
        driver = stack.enter_context(process(fly_simulators, frames))
        rows = [describe("alone", fly_good_simulator(driver, port, lambda: time.sleep(options.seconds)))]

        def attack() -> None:
            attackers.extend(Attacker(port, frames, options.seed + number) for number in range(CLIENTS))
            send_all(attackers, options.messages, options.rate)

        try:
            beside = describe("beside hostile clients", fly_good_simulator(driver, port, attack))
            rows.append(beside)
            if beside["lost"] or beside["reconnections"] or not beside["answered"]:
                problems.append("the good simulator lost frames or its connection, or was never answered")
            problems += request(bridge, "errors")
        except RuntimeError as error:
            problems.append(str(error))
    sent, connections = (sum(getattr(each, name) for each in attackers) for name in ("sent", "connections"))
    print_table(rows, f"{sent} messages in {connections} connections")
    return {"results": rows, "messages": sent, "connections": connections, "problems": problems}


def fly_good_simulator(driver: Connection, port: int, meanwhile: Any) -> FrameLog:
    """Fly one simulator while `meanwhile` runs; return its log."""
    request(driver, Group(port, range(1), QUADSIM_HZ))
    request(driver, BEGIN)
    meanwhile()
    (log,) = request(driver, END)
    assert isinstance(log, FrameLog)
    return log


def describe(name: str, log: FrameLog) -> dict[str, Any]:
    """Return a line of the table."""
    outcomes = dict(log.outcomes)
    return {
        "good_simulator": name,
        "sent": log.sent,
        **{outcome: outcomes.pop(outcome, 0) for outcome in ("answered", "skipped")},
        "lost": log.sent - len(log.latencies) - log.outcomes["skipped"],
        "longest_silence_s": log.silence,
        "reconnections": log.reconnections,
    }


def send_all(attackers: Sequence["Attacker"], messages: int, rate: float) -> None:
    """Send messages of all attackers in turn, at most `rate` a second."""
    due = time.monotonic()
    for number in range(messages):
        attackers[number % len(attackers)].send_next()
        due = max(due + 1 / rate, time.monotonic() - 1.0)
        time.sleep(max(due - time.monotonic(), 0.0))
    for attacker in attackers:
        attacker.close()


class Attacker:
    """Sends one changed packet after another, and connects again whenever the connection is over."""

    def __init__(self, port: int, frames: Frames, seed: int):
        self.connections = self.sent = 0
        self._port, self._modern = port, seed % 2 == 1
        self._packets: Iterator[str | bytes] = mutated_packets(frames, seed)
        self._socket: Any = None  # a websocket
        self._left = 0

    def send_next(self) -> None:
        """Send the next packet. Raises RuntimeError if the server does not accept connections."""
        if self._socket is None or not self._left:
            self.close()
            self._socket = self._connect()
        packet, self._left = next(self._packets), self._left - 1
        self.sent += 1
        try:
            if isinstance(packet, bytes) and len(packet) % 7 == 0:
                self._socket.sock.sendall(packet)  # no websocket frame
            elif isinstance(packet, bytes):
                self._socket.send_binary(packet)
            else:
                self._socket.send(packet.encode(errors="surrogatepass"), websocket.ABNF.OPCODE_TEXT)
            self._discard_answers()
        except (OSError, websocket.WebSocketException):
            self._left = 0

    def close(self) -> None:
        """Shut the connection down without a closing handshake."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown()
            self._socket = None

    def _connect(self) -> Any:
        address = f"ws://127.0.0.1:{self._port}/socket.io/?EIO=4&transport=websocket"
        try:
            connection = websocket.create_connection(address, timeout=TIMEOUT, suppress_origin=True)
            if self._modern:
                connection.send(MODERN_HELLO)
        except (OSError, websocket.WebSocketException) as error:
            raise RuntimeError(f"the follower does not accept connections: {error}") from error
        self.connections, self._left = self.connections + 1, MESSAGES_PER_CONNECTION
        return connection

    def _discard_answers(self) -> None:
        """Read what has arrived, so that the server never waits for this client. Raises OSError at the end."""
        while select.select([self._socket.sock], [], [], 0)[0]:
            if not self._socket.sock.recv(2**16):
                raise ConnectionResetError
