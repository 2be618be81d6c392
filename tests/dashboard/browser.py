"""Helpers for tests in a real browser: a network, a simulator, reading the page. Fixtures: tests/bridge_fixtures.py."""

import os
import shutil
import threading
import time

import numpy as np

GRID = 32
COMES_BACK = 'dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))'  # from the browser's memory
PATIENCE = 120  # seconds, for a process of ours to start on a busy machine
HERO, PEOPLE = (255, 160, 46), (74, 168, 255)  # the overlay's colours
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder to keep pictures of the page in; else pytest's own


def hero_and_people() -> tuple[np.ndarray, np.ndarray]:
    """Return the network's output for every image: a hero that fades from right to left, people above."""
    hero, people = np.zeros((2, GRID, GRID), np.float32)
    hero[8:24] = np.arange(GRID) / (GRID - 1)
    people[:4, 8:] = 0.9
    return hero, people


class Network:
    typical_fraction = 0.95

    def predict(self, images):
        hero, people = hero_and_people()
        one = np.stack([1 - np.maximum(hero, people), people, hero], axis=-1)
        return np.repeat(one[None], len(images), axis=0)


class Stream(threading.Thread):
    """A simulator whose camera moves along x through brighter and brighter images, the target beside it."""

    def __init__(self, client, payload, hz: float = 10.0):
        super().__init__(daemon=True)
        self.client, self.payload, self.hz = client, payload, hz
        self.ended = threading.Event()
        self.number = 0

    def run(self):
        while not self.ended.wait(1 / self.hz):
            self.number += 1
            frame = self.payload(timestamp=self.number, brightness=50 + self.number % 100)
            frame["gimbal_pose"] = f"{self.number / 10},5,10,0,20,30"
            frame["ground_truth_target"] = f"{self.number / 10 + 8},7,0"
            try:
                self.client.send_frame(frame)
            except OSError:
                return


def chromium() -> str | None:
    """Return the path of the installed Chromium or Chrome; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


def until(page, condition, seconds: float = 30.0) -> None:
    """Wait for a condition; Playwright's own waiting needs `eval`, which the page forbids."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(30)


def cut_off(page, calls: str = "**/api/**", such_as: str = "/api/controls") -> None:
    """Let no such call reach the follower any more. The browser obeys some time after it has been told to."""
    page.route(calls, lambda route: route.abort())
    until(page, lambda: page.evaluate("(call) => fetch(call).then(() => false, () => true)", such_as))


def grid_colours(page, canvas: str = "#camera-view", grid: int = GRID) -> np.ndarray:
    """Return (grid, grid, 3): the image's colour in the middle of each square."""
    flat = page.evaluate(
        """([selector, grid]) => {
            const canvas = document.querySelector(selector);
            const side = Math.min(canvas.width, canvas.height);
            const [left, top] = [(canvas.width - side) / 2, (canvas.height - side) / 2];
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const colours = [];
            for (let row = 0; row < grid; row++) for (let column = 0; column < grid; column++) {
                const [x, y] = [column, row].map((place) => Math.floor((place + 0.5) * side / grid));
                const place = (y + Math.round(top)) * canvas.width + x + Math.round(left);
                colours.push([...pixels.data.slice(4 * place, 4 * place + 3)]);
            }
            return colours;
        }""",
        [canvas, grid],
    )
    return np.array(flat).reshape(grid, grid, 3)


def slide(page, name: str, value: int) -> None:
    page.locator(f"#{name}").evaluate(
        f"(slider) => {{ slider.value = {value}; slider.dispatchEvent(new Event('input')); }}"
    )


def is_colour(colours: np.ndarray, colour: tuple) -> np.ndarray:
    return (np.abs(colours - colour) <= 2).all(axis=-1)
