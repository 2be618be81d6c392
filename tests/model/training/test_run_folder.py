"""The files of a training."""

from dataset.schema import DEFAULT_CLASSES
from model.training.pictures import plot_curves
from model.training.run_folder import RunFolder


def test_results_of_an_older_version_get_new_columns(tmp_path):
    run = RunFolder(tmp_path)
    run.append_results({"epoch": 1, "minutes": 0.5, "loss": 0.8, "score": 0.1})
    run.append_results({"epoch": 2, "minutes": 1.0, "loss": 0.7, "score": 0.2, "cross_entropy": 0.05})
    assert [row["cross_entropy"] for row in run.results()] == ["", "0.05"]
    plot_curves(run.results(), tmp_path / "results.png", DEFAULT_CLASSES)
    assert (tmp_path / "results.png").stat().st_size > 1000
