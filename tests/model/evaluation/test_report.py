"""Tables and pages of several models."""

from model.evaluation import report
from tests.model.evaluation.synthetic import evaluate


def test_several_models_stand_below_each_other(official):
    evaluations = [evaluate(official, "first"), evaluate(official, "second")]
    page = report.markdown("Two", evaluations)
    assert "| following_images | 2 | first | 1.0000 |" in page
    assert "|  |  | second | 1.0000 |" in page
    assert "| first | 0.3750 |" in page
    alone = report.markdown("One", evaluations[:1])
    assert "| following_images | 2 | 1.0000 |" in alone


def test_names_cannot_break_the_page(official):
    page = report.html_page("<b>", [evaluate(official, "<script>alert(1)</script>")])
    assert "<script" not in page
    assert "<b>" not in page
