"""What the benchmarks of the bridge share: processes to talk to through pipes, frames to send, a client to send them.

A process that cannot do its work sends a sentence that says why; anything else that it sends is an answer.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

WARM_UP = 5  # frames at the beginning of each turn that are not counted
ANSWER_WITHIN, START_WITHIN = 10.0, 180.0  # seconds


class BenchmarkError(RuntimeError):
    """A process does not start or does not answer."""


@contextmanager
def process(target: Callable, *arguments: object) -> Iterator[Connection]:
    """Runs `target(*arguments, pipe)` in a process of its own for as long as the block lasts; gives our end."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=target, args=(*arguments, theirs), daemon=True)
    worker.start()
    theirs.close()
    try:
        yield ours
    finally:
        worker.terminate()
        worker.join(5)


def hear(pipe: Connection) -> object:
    """What a process says next. Raises BenchmarkError when that is why it cannot go on, or nothing."""
    try:
        said = pipe.recv() if pipe.poll(START_WITHIN) else "it took too long"
    except EOFError:
        said = "its process ended"
    if isinstance(said, str):
        raise BenchmarkError(f"a process does not run: {said}")
    return said


@contextmanager
def client(port: int) -> Iterator:
    """A `simulator.link.client.Client` of the server at a port of this machine, connected."""
    from simulator.link.client import Client

    connection = Client("127.0.0.1", port)
    try:
        if not connection.wait_connected(ANSWER_WITHIN):
            raise BenchmarkError("a server does not take connections")
        yield connection
    finally:
        connection.close()


def turn(
    client, frames: Sequence[dict], period: float, seconds: float, on_begin: Callable[[], object] = lambda: None
) -> list[float]:
    """Sends frames for so long; returns the milliseconds each took. Raises BenchmarkError when one is not answered.

    `on_begin` is called before the first frame that counts.
    """
    from simulator.link.commands import FrameDone
    from simulator.link.frames import event

    packets = [event("sensor_frame", frame, number) for number, frame in enumerate(frames)]
    took, number, end = [], 0, None
    due = time.perf_counter()
    while end is None or time.perf_counter() < end:
        time.sleep(max(due - time.perf_counter(), 0))
        id = number % len(packets)
        began = time.perf_counter()
        client.send(packets[id])
        while (command := client.next_command(ANSWER_WITHIN)) != FrameDone(id):
            if command is None:
                raise BenchmarkError(f"a frame was not answered within {ANSWER_WITHIN:g} s")
        done = time.perf_counter()
        number += 1
        if number > WARM_UP:
            took.append((done - began) * 1000)
        elif number == WARM_UP:
            on_begin()
            end = time.perf_counter() + seconds
        due = max(due + period, done)
    return took


def read_frames(folder: Path, most: int = 100) -> list[dict]:
    """Payloads of the first pictures of a folder. Raises ValueError when there are none."""
    from simulator.flight import LOCKSTEP_EPOCH, FlightPlan
    from simulator.link.frames import sensor_frame
    from simulator.slideshow import Slideshow

    plan = FlightPlan()
    show = Slideshow(folder, plan.hz)
    payloads = []
    while show.time < min(show.duration, most / plan.hz) - 1e-9:
        payloads.append(sensor_frame(show.observe(), LOCKSTEP_EPOCH))
        show.step(1 / plan.hz)
    return payloads


def draw_frames(count: int = 40, behind_after: float = 20.0) -> list[dict]:
    """Payloads of frames of the stand-in, the quad behind the hero as it follows her."""
    from model.inference.quiet_tensorflow import suppressed_stderr
    from simulator.episode import Episode
    from simulator.flight import LOCKSTEP_EPOCH, FlightPlan
    from simulator.link.frames import sensor_frame
    from simulator.rendering.renderer import make_renderer
    from simulator.world.city_generator import generate_city

    plan, city = FlightPlan(), generate_city(0)
    with suppressed_stderr():  # Panda3D tries a display before it does without one, and says so
        renderer = make_renderer(city)
    episode = Episode(0, city=city, renderer=renderer)
    payloads = []
    while len(payloads) < count:
        seen = episode.observe()
        if episode.time > behind_after:
            payloads.append(sensor_frame(seen, LOCKSTEP_EPOCH))
        episode.target_detected(seen.target_centre)
        episode.step(1 / plan.hz)
    return payloads
