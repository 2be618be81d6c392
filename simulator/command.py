"""The command `python -m simulator`: parses, wires, flies one drone or several, and sums up."""

import _thread
import argparse
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv6Address
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from simulator.episode import Episode
from simulator.flight import FlightPlan, fly
from simulator.flight_log import FlightLog
from simulator.link.client import Client
from simulator.link.wire import MOST_PEOPLE, MOST_SEED, SPEEDS
from simulator.rendering.renderer import RENDERERS, RendererError, make_renderer
from simulator.slideshow import Slideshow, SlideshowError
from simulator.types import Observation
from simulator.window import NoDisplay, Window
from simulator.world.city_generator import generate_city
from simulator.world.crowd import LIFETIMES

MAX_HZ = 20.0
SIGNALS = signal.SIGINT, signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Fly until the end, Ctrl-C, or the closing of the window; returns the exit status."""
    options = make_parser().parse_args(arguments)
    if options.count == 1:
        return run(options)
    if options.window:
        print("no window: it shows one drone, and several fly. Going on without.", file=sys.stderr)
    # One process for each drone: they share nothing, and each can have a core of its own.
    context = multiprocessing.get_context("spawn")
    drones = [context.Process(target=_run_one, args=(options, number)) for number in range(options.count)]
    for drone in drones:
        drone.start()
    try:
        for drone in drones:
            drone.join()
    except KeyboardInterrupt:
        for drone in drones:
            if os.name != "nt":  # where it is a kill
                drone.terminate()
        for drone in drones:  # they end with their summaries
            drone.join(timeout=5.0)
            drone.kill()
            drone.join()
    return max(_status(number, drone.exitcode or 0) for number, drone in enumerate(drones))


def _status(number: int, code: int) -> int:
    """The exit status for one drone's, which is negative where a signal ended it; that is said, as it could not."""
    if code >= 0:
        return code
    if code == -signal.SIGTERM:  # before it took off
        return 0
    print(f"drone {number}: killed by signal {-code}", file=sys.stderr)
    return 128 - code  # as shells have it


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A stand-in for Udacity's QuadSim: a city, a crowd, a hero and a quad with a camera. "
        "Connects to a follower as QuadSim does, patrols, and flies to the coordinates that it is told.",
    )
    add = parser.add_argument
    add("--host", type=_host, default="127.0.0.1", help="where the follower listens (default %(default)s)")
    add("--port", type=_number(int, 1, 65535), default=4567, help="its port (default %(default)s)")
    add("--seed", type=_number(int, 0, MOST_SEED), default=0, help="of the city and all that happens in it (default 0)")
    add(
        "--people",
        type=_number(int, 0, MOST_PEOPLE),
        default=60,
        help="how many others there are (default %(default)s)",
    )
    add("--turnover", choices=LIFETIMES, default="long", help="how soon they are replaced (default %(default)s)")
    add("--respawn", action="store_true", help="when the hero's path ends, a new one begins elsewhere, as in QuadSim")
    add("--hz", type=_number(float, 0.1, MAX_HZ), default=5.0, help="frames a simulated second (default %(default)s)")
    add("--speed", type=_number(float, *SPEEDS), default=1.0, help="simulated seconds a second, up to 9 (default 1)")
    add(
        "--lockstep",
        action="store_true",
        help="as fast as the follower answers: wait for the answer to each frame",
    )
    add("--duration", type=_number(float, 0, 1e6), metavar="SECONDS", help="simulated; default: until Ctrl-C")
    add("--count", type=_number(int, 1, 32), default=1, help="drones, each in a city of its own (default 1)")
    add("--lock-on", action="store_true", help="follow the true hero once she is seen, as QuadSim does")
    add("--ground-truth", action="store_true", help="send the class mask and the hero's position with each frame")
    add("--renderer", choices=RENDERERS, default="auto", help="what draws (default %(default)s)")
    add("--window", action="store_true", help="show the camera's view, where there is a display")
    add("--log", type=Path, metavar="FILE", help="write the tracks there, one JSON object a line")
    add("--frames", type=Path, metavar="DIR", help="show a folder of pictures instead of a city, then end")
    return parser


def run(options: argparse.Namespace, name: str = "") -> int:
    """One drone, from start to summary."""
    for number in SIGNALS:  # SIGINT too: shells have it ignored in the background
        signal.signal(number, _interrupt_once)
    console = Console(highlight=False)
    handler = RichHandler(console=console, show_path=False, show_level=False, log_time_format="[%H:%M:%S]")
    logging.basicConfig(level=logging.INFO, handlers=[handler], format=f"{name}%(message)s")
    try:
        summary = _fly(options, name, console)
    except KeyboardInterrupt:  # before it took off
        return 0
    except (SlideshowError, RendererError, OSError) as error:
        console.print(f"{name}{error}", style="red", markup=False)
        return 2
    table = Table("", name or "flight", show_header=bool(name), box=None)
    for what, value in summary:
        table.add_row(what, value)
    console.print(table)
    return 0


def _interrupt_once(*_: object) -> None:
    """A second signal, as when Ctrl-C reaches a drone and the command that ends it, must not cost the summary."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


def _fly(options: argparse.Namespace, name: str, console: Console) -> list[tuple[str, str]]:
    with contextlib.ExitStack() as stack:
        track = stack.enter_context(options.log.open("w", encoding="utf-8")) if options.log else None
        show = _make_window(console) if options.window else None
        status = stack.enter_context(console.status("")) if console.is_terminal and not name else None
        flight_log = FlightLog(track)

        def on_frame(observation: Observation) -> None:
            flight_log.add(observation)
            if status is not None:
                status.update(flight_log.status())
            if show is not None and not show(observation.rendered.rgb):
                raise KeyboardInterrupt

        clients: list[Client] = []
        with contextlib.suppress(KeyboardInterrupt):
            _fly_episodes(options, clients, on_frame)
        return [*flight_log.summary(), ("commands ignored", str(sum(client.refused for client in clients)))]


def _fly_episodes(options: argparse.Namespace, clients: list[Client], on_frame: Callable[[Observation], None]) -> None:
    """One episode, and another whenever people want one; each has a client of its own: another world, another link."""
    while True:
        with _world(options) as world:
            duration, about = options.duration, {"seed": options.seed, "people": options.people}
            if options.frames:
                duration, about = min(world.duration, duration or world.duration), None
            ground_truth = options.ground_truth and bool(about)
            plan = FlightPlan(options.hz, options.speed, duration, options.lockstep, ground_truth)
            clients.append(Client(options.host, options.port, controls=bool(about)))
            with contextlib.closing(clients[-1]):
                wishes = fly(world, clients[-1], plan, on_frame, about)
            if wishes.episode is None:
                return
            options.seed, options.people, options.speed = wishes.episode.seed, wishes.episode.people, wishes.speed
            options.duration = duration and max(duration - world.time, 0.0)


def _run_one(options: argparse.Namespace, number: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    options.seed, options.window = options.seed + number, False
    if options.log:
        options.log = options.log.with_stem(f"{options.log.stem}_{number}")
    sys.exit(run(options, name=f"drone {number}: "))


def _end_with_parent() -> None:
    """A drone does not outlive the command that started it, however that ended."""
    multiprocessing.parent_process().join()
    _thread.interrupt_main()


@contextlib.contextmanager
def _world(options: argparse.Namespace) -> Iterator[Episode | Slideshow]:
    if options.frames:
        yield Slideshow(options.frames, options.hz)
        return
    city = generate_city(options.seed)
    with contextlib.closing(make_renderer(city, options.renderer)) as renderer:
        yield Episode(
            options.seed,
            renderer=renderer,
            city=city,
            people=options.people,
            turnover=options.turnover,
            respawn=options.respawn,
            lock_on=options.lock_on,
        )


def _make_window(console: Console) -> Callable[..., bool] | None:
    try:
        return Window().show
    except NoDisplay as error:
        console.print(f"no window: {error}. Going on without; --log FILE keeps the tracks.", markup=False)
        return None


def _host(text: str) -> str:
    """A name or an address as argparse takes it; whether anybody is there turns out later."""
    try:
        if ":" in text:
            IPv6Address(text)
        elif not text.encode("idna"):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected the name or the address of a machine, got {text!r}") from None
    return text


def _number(kind: type, low: float, high: float) -> Callable[[str], float]:
    """A parser for argparse that says what it takes."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low:g} to {high:g}, got {text!r}")
        return value

    return parse
