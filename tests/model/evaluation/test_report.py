"""Tables and pages of several models."""

import io

import pytest
from rich.console import Console

from model.evaluation.reports import report
from tests.model.evaluation.synthetic import evaluate


def test_several_models_stand_below_each_other(official):
    evaluations = [evaluate(official, "first"), evaluate(official, "second")]
    page = report.markdown("Two", evaluations)
    assert "| following_images | 2 | first | 1.0000 |" in page
    assert "|  |  | second | 1.0000 |" in page
    assert "| first | 0.3750 |" in page
    alone = report.markdown("One", evaluations[:1])
    assert "| following_images | 2 | 1.0000 |" in alone


@pytest.mark.parametrize("width", [80, 120])
def test_no_number_of_several_models_is_broken_into_lines(official, monkeypatch, width):
    """Names may be: two trainings' best models have long ones."""
    names = [f"runs/20261121-10150{number}-of-the-meadow/best.h5" for number in range(3)]
    output = io.StringIO()
    monkeypatch.setattr(report, "console", Console(file=output, width=width))
    report.print_tables([evaluate(official, name) for name in names])
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    for whole in ("background", "hero IoU", "1.0000", "following_images: 2 frames", "as background", "false positives"):
        assert any(whole in line for line in lines), whole
    first_column = "".join(line.split("│")[1].strip() for line in lines if line.startswith("│"))
    for name in names:
        assert first_column.count(name) > 5  # in each table


def test_names_cannot_break_the_page(official):
    page = report.html_page("<b>", [evaluate(official, "<script>alert(1)</script>")])
    assert "<script" not in page
    assert "<b>" not in page
