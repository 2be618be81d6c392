"""Trainings in the workshop, in a real browser."""

import json
import shutil
from pathlib import Path

import pytest

from tests.dashboard.browser import PATIENCE, SCREENSHOTS, until
from tests.dashboard.workshop.workbench import write_training


def points(page) -> int:
    """Return the number of epochs in the curves."""
    return int(page.locator("#curves .plot").first.get_attribute("data-points") or 0)


def inked(page, canvas: str) -> int:
    """Return the number of pixels of a chart that are not empty."""
    return page.locator(canvas).first.evaluate(
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
            return count;
        }"""
    )


def test_a_training_is_started_watched_and_stopped_on_the_page(open_workshop, bench):
    page = open_workshop(may_log_errors=True)  # of the two mistakes
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("expected at least one recording").wait_for()
    page.get_by_role("checkbox", name="meadow").check()
    page.fill("#data", str(bench.folder / "nowhere"))
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(f"there is no folder or .zip {bench.folder / 'nowhere'}").wait_for()
    page.fill("#data", "")
    page.fill("#training-name", "evening")
    page.uncheck("#promote")  # meadow has too few frames to tell which of two models is better
    page.get_by_role("button", name="Start training").click()
    page.locator("#training[data-name=evening][data-state=running]").wait_for()
    until(page, lambda: points(page) >= 2, PATIENCE)
    assert page.text_content("#training-word") == "Training"
    assert "images/s" in page.text_content("#training-detail")
    first, ink = points(page), inked(page, "#curves canvas")
    until(page, lambda: points(page) > first + 3, PATIENCE)
    assert inked(page, "#curves canvas") != ink
    page.locator("#training-pictures img").first.wait_for(timeout=PATIENCE * 1000)
    assert page.locator("#training-pictures img").first.evaluate(
        "(image) => image.decode().then(() => image.naturalWidth)"
    )
    page.reload()  # the training does not mind
    until(page, lambda: points(page) > first, PATIENCE)
    page.get_by_role("button", name="Stop").first.click()
    page.locator("#training[data-state=stopped]").wait_for(timeout=PATIENCE * 1000)
    page.get_by_role("button", name="Resume").wait_for()
    page.locator("#init option[value='evening/last.h5']").wait_for(state="attached")


@pytest.mark.parametrize(("epochs", "word"), [(5, "Not finished"), (2, "Done")])
def test_a_training_from_a_terminal_is_done_after_its_epochs(open_workshop, bench, epochs, word):
    run = write_training(bench.paths.runs / f"terminal-{epochs}", epochs)
    page = open_workshop()
    page.select_option("#chosen", run.name)
    page.locator(f"#training[data-name={run.name}]").wait_for()
    assert page.text_content("#training-word") == word
    assert page.locator("#progress").evaluate("(bar) => bar.value") == 2 / epochs
    assert page.get_by_role("button", name="Resume").is_visible() is (word == "Not finished")
    shutil.rmtree(run)


def test_problems_of_the_data_are_shown(open_workshop, bench):
    page = open_workshop()
    page.fill("#data", str(bench.folder / "bad"))
    page.fill("#training-name", "spoilt")
    page.get_by_role("button", name="Start training").click()
    page.locator("#training[data-state=failed]").wait_for(timeout=PATIENCE * 1000)
    assert "run_1_cam1_00001.jpeg" in page.text_content("#training-error")


@pytest.fixture
def pseudo_labelled(bench):
    """A recording like meadow, labelled by the model."""
    run = Path(shutil.copytree(bench.paths.recordings / "meadow", bench.paths.recordings / "evening"))
    lines = (run / "frames.jsonl").read_text()
    (run / "frames.jsonl").write_text(lines.replace('"label_source":"simulator"', '"label_source":"model"'))
    yield run
    shutil.rmtree(run)


def test_the_page_warns_of_pseudo_labels_before_and_after(open_workshop, pseudo_labelled):
    page = open_workshop()
    page.get_by_role("checkbox", name="meadow").check()
    assert page.locator("#pseudo-labels").is_hidden()
    page.get_by_role("checkbox", name="meadow").uncheck()
    page.get_by_role("checkbox", name="evening").check()
    page.get_by_text("Labelled by a model or propagated, mistakes included: evening.").wait_for()
    page.get_by_text("To replace the model, add data or recordings with ground truth.").wait_for()
    page.screenshot(
        path=Path(SCREENSHOTS or pseudo_labelled.parents[1]) / "screenshots" / "workshop_pseudo_labels.png",
        full_page=True,
    )
    page.get_by_label("Replace the model").uncheck()
    until(page, lambda: "ground truth" not in page.text_content("#pseudo-labels"))
    page.get_by_label("Replace the model").check()
    page.fill("#training-name", "circular")
    page.get_by_role("button", name="Start training").click()
    page.locator("#training[data-name=circular][data-state=failed]").wait_for(timeout=PATIENCE * 1000)
    assert "--promote" in page.text_content("#training-error")


def test_sweeps_are_listed_with_their_progress_and_best_settings(open_workshop, bench):
    sweep = bench.paths.runs / "widths"
    sweep.mkdir(parents=True)
    best = {"trial": 3, "value": 0.51234, "settings": {"learning_rate": 0.01, "network": {"encoders": [16, 32]}}}
    state = {"trials": 18, "metric": "score", "complete": 4, "pruned": 2, "failed": 0, "running": 1, "waiting": 11}
    (sweep / "sweep.json").write_text(json.dumps(state | {"best": best}))
    page = open_workshop()
    row = page.locator("#sweep-rows tr")
    row.wait_for()
    assert [cell.inner_text() for cell in row.locator("td").all()] == [
        "widths",
        "4 complete, 2 pruned, 1 running of 18",
        "score 0.5123, trial 3",
        'learning_rate 0.01, network {"encoders":[16,32]}',
    ]
    shutil.rmtree(sweep)
    page.locator("#sweeps").wait_for(state="hidden")
