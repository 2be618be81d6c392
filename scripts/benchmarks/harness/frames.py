"""Payloads of frames to send to a bridge."""

import argparse
from pathlib import Path

from model.inference.quiet_tensorflow import suppressed_stderr
from scripts.benchmarks.harness.command import console
from simulator.episode import Episode
from simulator.flight import LOCKSTEP_EPOCH
from simulator.link.frames import sensor_frame
from simulator.rendering import renderer
from simulator.slideshow import Slideshow
from simulator.world.city_generator import generate_city

HZ = 5.0
Payload = dict[str, str]


def get_frames(options: argparse.Namespace) -> list[Payload]:
    """Return the frames of the folder in the options, or else views of the built-in simulator."""
    with console.status("drawing frames"):
        return read_frames(options.frames) if options.frames else draw_frames()


def read_frames(folder: Path, limit: int = 100) -> list[Payload]:
    """Return the first pictures of a folder. Raises SlideshowError if there are none."""
    slideshow = Slideshow(folder, HZ)
    payloads = []
    while slideshow.time < min(slideshow.duration, limit / HZ) - 1e-9:
        payloads.append(sensor_frame(slideshow.observe(), LOCKSTEP_EPOCH))
        slideshow.step(1 / HZ)
    return payloads


def draw_frames(count: int = 40, after: float = 20.0) -> list[Payload]:
    """Return views of a quad that has followed the target for `after` seconds. Raises RendererError."""
    city = generate_city(0)
    with suppressed_stderr():  # Panda3D reports that there is no display, although it needs none
        drawer = renderer.Renderer(city)
    episode = Episode(0, city=city, renderer=drawer)
    payloads: list[Payload] = []
    while len(payloads) < count:
        observation = episode.observe()
        if episode.time > after:
            payloads.append(sensor_frame(observation, LOCKSTEP_EPOCH))
        episode.target_detected(observation.target_centre)
        episode.step(1 / HZ)
    return payloads
