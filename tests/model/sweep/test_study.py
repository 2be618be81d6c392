"""The state of a sweep: joining, refusing, taking trials, pruning."""

import json
import os
import shutil
import sys

import pytest

from model.sweep import report
from model.sweep.__main__ import main
from model.sweep.plan import Plan, Pruning
from model.sweep.study import LENGTH, Study
from model.sweep.trial import Outcome


def plan(**changes):
    return Plan(**({"train": {"data": ["a"]}, "space": {"learning_rate": [0.1, 0.01, 0.001]}} | changes))


def test_each_trial_of_a_grid_is_taken_once_by_all_who_join(tmp_path):
    first, second = (Study(plan(), tmp_path / "sweep") for _ in range(2))
    taken = [first.take(), second.take(), first.take()]
    assert sorted(each.values["learning_rate"] for each in taken) == [0.001, 0.01, 0.1]
    assert second.take() is None
    assert second.others_run()
    for attempt, value in zip(taken, (0.2, 0.5, 0.3), strict=True):
        first.end(attempt, value)
    assert not second.others_run()
    best = report.best_trial(second)
    assert (best.value, best.params["learning_rate"]) == (0.5, taken[1].values["learning_rate"])


def test_what_failed_is_tried_again_when_a_grid_is_joined_and_nothing_else(tmp_path):
    study = Study(plan(), tmp_path / "sweep")
    failed, succeeded, interrupted = (study.take() for _ in range(3))
    study.end(failed, None, error="the disk is full")
    study.end(succeeded, 0.5)
    study.give_back(interrupted)
    rates = set()
    again = Study(plan(), tmp_path / "sweep")
    while attempt := again.take():
        rates.add(attempt.values["learning_rate"])
        again.end(attempt, 0.4)
    assert rates == {failed.values["learning_rate"], interrupted.values["learning_rate"]}
    assert Study(plan(), tmp_path / "sweep").take() is None


def test_a_trial_that_is_given_back_is_next(tmp_path):
    study = Study(plan(), tmp_path / "sweep")
    attempt = study.take()
    study.give_back(attempt)
    rates = [study.take().values["learning_rate"] for _ in range(3)]
    assert sorted(rates) == [0.001, 0.01, 0.1]
    assert len(study.trials()) == 3


@pytest.mark.parametrize("step", ["tell", "enqueue_trial"])
def test_a_process_killed_while_it_gives_a_trial_back_loses_none(tmp_path, monkeypatch, step):
    study = Study(plan(), tmp_path / "sweep")
    attempt = study.take()

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(study.optuna, step, killed)
    with pytest.raises(KeyboardInterrupt):
        study.give_back(attempt)
    attempt.lock.release()  # as the system does
    again = Study(plan(), tmp_path / "sweep")
    rates = []
    while attempt := again.take():
        rates.append(attempt.values["learning_rate"])
        again.end(attempt, 0.4)
    assert sorted(rates) == [0.001, 0.01, 0.1]


def test_further_trials_may_be_added_to_a_search(tmp_path):
    space = {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "batch_size": {"low": 8, "high": 64}}
    study = Study(plan(space=space, sampler="tpe", trials=2), tmp_path / "sweep")
    for value in (0.1, 0.2):
        attempt = study.take()
        assert 1e-4 <= attempt.values["learning_rate"] <= 1e-1
        assert attempt.values["batch_size"] in range(8, 65)
        study.end(attempt, value)
    assert study.take() is None
    assert Study(plan(space=space, sampler="tpe", trials=3), tmp_path / "sweep").take() is not None


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_what_a_search_draws_depends_on_its_seed_and_not_on_who_draws(tmp_path, sampler):
    space = {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}

    def drawn(seed, name, processes):
        studies = [Study(plan(space=space, sampler=sampler, seed=seed), tmp_path / name) for _ in range(processes)]
        taken = [studies[number % processes].take() for number in range(4)]
        return [attempt.values["learning_rate"] for attempt in taken]

    first = drawn(1, "first", processes=1)
    assert len(set(first)) == 4
    assert drawn(1, "again", processes=2) == first
    assert not set(drawn(2, "other", processes=1)) & set(first)


@pytest.mark.parametrize("where", ["journal", "database"])
def test_trials_whose_state_is_gone_are_no_new_sweeps(tmp_path, where):
    study = Study(plan(), tmp_path / "sweep")
    study.end(study.take(), 0.5)
    if where == "journal":
        (tmp_path / "sweep" / "journal.log").unlink()
    url = f"sqlite:///{tmp_path / 'state.db'}" if where == "database" else None
    with pytest.raises(ValueError, match=r"holds trials of another sweep.*choose another --out"):
        Study(plan(), tmp_path / "sweep", url)


def test_a_folder_that_is_copied_goes_on(tmp_path):
    study = Study(plan(), tmp_path / "sweep")
    study.end(study.take(), 0.5)
    copy = shutil.copytree(tmp_path / "sweep", tmp_path / "copy")
    again = Study(plan(), copy)
    assert report.best_trial(again).value == 0.5
    assert again.left() == 2


def test_a_new_trial_takes_no_folder_that_exists(tmp_path):
    journal = tmp_path / "sweep" / "journal.log"
    study = Study(plan(), tmp_path / "sweep")
    before = journal.read_bytes()
    study.end(study.take(), 0.5)
    journal.write_bytes(before)  # as from a backup
    with pytest.raises(ValueError, match=r"trial-0000 exists.*choose another --out"):
        Study(plan(), tmp_path / "sweep").take()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "sweep").write_text("")
    for folder in (tmp_path / "sweep", tmp_path / "sweep" / "inside"):
        with pytest.raises(ValueError, match=r"expected a folder.*choose another --out"):
            Study(plan(), folder)


def test_a_driver_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ValueError, match=r"a driver that is not installed.*psycopg.*pip install"):
        Study(plan(), tmp_path / "sweep", "postgresql+psycopg://host/name")


def test_another_plan_is_refused(tmp_path):
    Study(plan(), tmp_path / "sweep")
    with pytest.raises(ValueError, match=r"began with other values of settings, space: .* choose another --out"):
        Study(plan(space={"seed": [1]}, settings={"seed": 3}), tmp_path / "sweep")


@pytest.mark.parametrize("damage", [b"not JSON\n", b'{"op_code": 99}\n', b"\xff\xfe\x00\n"])
def test_an_unreadable_journal_is_refused(tmp_path, damage):
    Study(plan(), tmp_path / "sweep")
    journal = tmp_path / "sweep" / "journal.log"
    journal.write_bytes(damage + journal.read_bytes())
    with pytest.raises(ValueError, match=r"sweep cannot be read \(.*\): restore it, or choose another --out"):
        Study(plan(), tmp_path / "sweep")


def test_a_file_that_is_no_journal_stays_as_it_is(tmp_path):
    journal = tmp_path / "journal.log"
    for content in (b"a diary\nwithout a last line", b"one line only"):
        journal.write_bytes(content)
        with pytest.raises(ValueError, match=r"journal.log is no journal of a sweep.*choose another --out"):
            Study(plan(), tmp_path)
        assert journal.read_bytes() == content


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on the size of files")
def test_a_sweep_goes_on_after_the_disk_was_full(tmp_path):
    import resource

    study = Study(plan(), tmp_path / "sweep")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "sweep" / "journal.log").stat().st_size + 20, unlimited[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            study.take()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    again = Study(plan(), tmp_path / "sweep")
    taken = [study.take(), again.take(), again.take()]
    assert sorted(each.values["learning_rate"] for each in taken) == [0.001, 0.01, 0.1]


def test_a_sweep_goes_on_after_a_process_was_killed_while_it_wrote(tmp_path):
    Study(plan(), tmp_path / "sweep")
    with (tmp_path / "sweep" / "journal.log").open("ab") as stream:
        stream.write(b'{"op_code": 4, "work')
    for _ in range(2):
        assert Study(plan(), tmp_path / "sweep").take() is not None


def test_trials_that_are_behind_end_early(tmp_path):
    values = [index / 100 for index in range(1, 28)]
    pruning = Pruning(min_fraction=0.2, factor=3)
    study = Study(plan(space={"seed": list(range(27))}, pruning=pruning), tmp_path / "sweep")
    lengths = {}
    for value in reversed(values):  # the best first
        attempt = study.take()
        for step in range(20, LENGTH + 1, 20):
            attempt.trial.report(value, step)
            lengths[value] = step
            if pruned := step < LENGTH and attempt.trial.should_prune():
                break
        study.end(attempt, value, pruned=pruned)
    assert lengths[values[-1]] == LENGTH
    assert sum(length < LENGTH for length in lengths.values()) > 9
    assert min(lengths.values()) >= 20


def test_the_report_sorts_trials_and_tells_why_some_failed(tmp_path):
    space = {"learning_rate": [0.1, 0.01, 0.001, 0.3], "network": [{"widths": [8, 16]}, {"widths": [16, 32]}]}
    study = Study(plan(space=space, settings={"seed": 5}), tmp_path / "sweep")
    for number in range(8):
        attempt = study.take()
        if number == 2:
            study.end(attempt, None, error="the training | collapsed")
        else:
            attempt.trial.report(0.1 * number, LENGTH)
            study.end(attempt, 0.1 * number, pruned=number == 7)
        if number == 6:
            best = attempt.values
    report.write(study)
    folder = tmp_path / "sweep"
    rows = [line.split(" | ") for line in (folder / "sweep.md").read_text().splitlines() if line.startswith("| ")]
    assert [row[0].strip("| ") for row in rows[2:10]] == ["6", "5", "4", "3", "1", "0", "7", "2"]
    assert "the training \\| collapsed" in (folder / "sweep.md").read_text()
    assert (folder / "slices.png").read_bytes().startswith(b"\x89PNG")
    state = json.loads((folder / "sweep.json").read_text())
    assert state["best"] == {"trial": 6, "value": pytest.approx(0.6), "settings": best}
    assert (state["complete"], state["pruned"], state["failed"]) == (6, 1, 1)
    assert f"learning_rate = {best['learning_rate']}" in (folder / "best.toml").read_text()


def test_a_search_whose_trials_fail_in_a_row_ends(tmp_path, monkeypatch, capsys):
    """After one that has succeeded: the disk is full, or the data are gone."""
    outcomes = iter([Outcome(value=0.5), *[Outcome(error="no data")] * 20])
    monkeypatch.setattr("model.sweep.trial.run", lambda attempt, plan, show: next(outcomes))
    (tmp_path / "plan.toml").write_text(
        'sampler = "random"\ntrials = 10\n[train]\ndata = ["a"]\n[space]\nlearning_rate = {low = 0.001, high = 0.1}\n'
    )
    assert main([str(tmp_path / "plan.toml"), "--out", str(tmp_path / "sweep")]) == 2
    assert "3 trials in a row have failed" in capsys.readouterr().err
    assert len(list(outcomes)) == 17
