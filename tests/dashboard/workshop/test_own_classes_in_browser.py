"""Models with classes of their own, compared in a real browser."""

import keras
import numpy as np

from dataset.schema import Classes
from model.networks import build
from model.weights import save_model
from tests.dashboard.browser import PATIENCE, grid_colours, slide, until
from tests.model.own_classes import MASK_COLOURS, NAMES, write_dataset

SIZE = 64


def test_masks_are_shown_in_the_colours_of_their_classes(open_workshop, bench):
    data = write_dataset(bench.folder / "road", 3)
    colours = tuple(int(f"{red:02x}{green:02x}{blue:02x}", 16) for red, green, blue in MASK_COLOURS)
    for seed, name in enumerate(("left", "right")):
        keras.utils.set_random_seed(seed)
        network = build("fcn-1", SIZE, classes=len(NAMES))
        save_model(network, bench.folder / "models" / f"{name}.h5", classes=Classes(NAMES, None, colours))
    page = open_workshop()
    for choice, value in (("first", "left.h5"), ("second", "right.h5"), ("source", "/")):
        page.select_option(f"#{choice}", value)
    page.fill("#folder", str(data))
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("3 frames compared.").wait_for(timeout=PATIENCE * 1000)
    assert page.locator("#own-classes .key").all_text_contents() == list(NAMES)
    assert page.is_hidden("#usual-classes")
    page.get_by_text("IoU of each class").wait_for()
    until(page, lambda: page.text_content("#first-result").startswith("mean IoU 0."))
    page.get_by_label("Labels").check(force=True)
    slide(page, "opacity", 100)
    shown = grid_colours(page, "#first-view", SIZE).reshape(-1, 3)
    found = {tuple(colour) for colour in MASK_COLOURS.tolist() if (np.abs(shown - colour).max(axis=1) <= 2).any()}
    assert {(70, 130, 180), (128, 64, 128)} <= found
