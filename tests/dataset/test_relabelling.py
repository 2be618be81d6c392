"""Changing labels of recorded frames: nothing of what was there before is lost."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from dataset.__main__ import main
from dataset.masks.labels import decode_labels
from dataset.recordings.layout import RecordingError, lock
from dataset.recordings.recording import open_recording
from dataset.recordings.summary import SummaryCache
from dataset.review import relabelling
from dataset.review.relabelling import NewLabels, read_log, replace_labels, restore_labels
from dataset.schema import HERO, PEOPLE
from tests.walk import FRAMES, SIZE

WALK = Path(__file__).with_name("recordings") / "walk"


@pytest.fixture
def walk(tmp_path):
    """Copy of the recorded walk in a folder of its own."""
    return Path(shutil.copytree(WALK, tmp_path / "recordings" / "walk"))


def drawn(hero: int, people: int) -> np.ndarray:
    """Labels with so many pixels of hero and people."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels.ravel()[:hero] = HERO
    labels.ravel()[hero : hero + people] = PEOPLE
    return labels


def labels_of(recording: Path, frame: str) -> np.ndarray:
    return decode_labels((recording / "masks" / f"{frame}.png").read_bytes(), (SIZE, SIZE))


def test_a_frame_has_its_new_labels_and_whose_they_are(walk):
    new = drawn(hero=40, people=7)
    assert replace_labels(open_recording(walk), [NewLabels("000005", new, "person", "Ada")]) == 1
    np.testing.assert_array_equal(labels_of(walk, "000005"), new)
    before, after = open_recording(WALK).frames, open_recording(walk).frames
    assert [index for index in range(FRAMES) if before[index] != after[index]] == [5]
    changed = after[5]
    assert (changed.hero_pixels, changed.people_pixels) == (40, 7)
    assert (changed.label_source, changed.labelled_by) == ("person", "Ada")
    (old,) = read_log(walk)
    assert (old.frame, old.label_source, old.replaced_by) == ("000005", before[5].label_source, "Ada")
    assert (walk / "old_masks" / old.file).read_bytes() == (WALK / "masks" / "000005.png").read_bytes()


def test_lines_of_other_frames_keep_every_byte(walk):
    file = walk / "frames.jsonl"
    first, second, *others = file.read_bytes().splitlines(keepends=True)
    second = second.replace(b'{"frame"', b'{ "colour_of_the_sky": "blue", "frame"')  # by another program
    lines = [others[-1], first, b"no record\n", second, *others[:-1]]
    file.write_bytes(b"".join(lines) + b'{"frame":"0000')  # the end of an interruption
    changes = [NewLabels(frame, drawn(9, 0), "person", "Ada") for frame in ("000001", "000005")]
    assert replace_labels(open_recording(walk), changes) == 2
    after = file.read_bytes().splitlines(keepends=True)
    assert [place for place, line in enumerate(lines) if after[place] != line] == [3, 7]
    assert [json.loads(after[place])["labelled_by"] for place in (3, 7)] == ["Ada", "Ada"]
    assert after[len(lines) :] == [b'{"frame":"0000\n']


def test_of_several_lines_of_a_frame_the_last_counts(walk):
    file = walk / "frames.jsonl"
    line = file.read_bytes().splitlines(keepends=True)[5]
    damaged = line[:-9] + b"\n"
    with file.open("ab") as lines:
        lines.write(line.replace(b'"note":""', b'"note":"again"') + damaged)
    replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "person", "Ada")])
    changed = open_recording(walk).frames[5]
    assert (changed.note, changed.labelled_by) == ("again", "Ada")
    assert file.read_bytes().splitlines(keepends=True)[5] == line
    assert file.read_bytes().endswith(damaged)


def test_labels_that_are_the_same_are_left_alone(walk):
    recording = open_recording(walk)
    same = NewLabels("000005", labels_of(walk, "000005"), recording.frames[5].label_source, "Ada")
    assert replace_labels(recording, [same]) == 0
    assert read_log(walk) == []
    assert (walk / "frames.jsonl").read_bytes() == (WALK / "frames.jsonl").read_bytes()


def test_restored_labels_are_the_ones_before_and_a_second_time_the_later_ones(walk, capsys):
    first, second = drawn(10, 0), drawn(20, 3)
    for labels in (first, second):
        replace_labels(open_recording(walk), [NewLabels("000005", labels, "person", "Ada")])
    assert main(["restore-labels", str(walk), "4-6", "--also-people"]) == 0
    assert "restored the labels of 1 frames" in capsys.readouterr().out
    np.testing.assert_array_equal(labels_of(walk, "000005"), first)
    assert restore_labels(open_recording(walk), ["000005"]) == 1
    np.testing.assert_array_equal(labels_of(walk, "000005"), second)
    assert open_recording(walk).frames[5].hero_pixels == 20


def test_undoing_a_relabelling_keeps_what_people_have_changed(walk, capsys):
    def change(frame, labels, source, by):
        replace_labels(open_recording(walk), [NewLabels(frame, labels, source, by)])

    before, relabelled, corrected = drawn(10, 0), drawn(20, 3), drawn(30, 5)
    names = relabelled_only, ada, propagated, taken_back = "000004", "000005", "000006", "000007"
    for frame in names:
        change(frame, before, "model", "first")
    change(ada, corrected, "person", "Ada")
    change(propagated, corrected, "propagated", "Ada")
    change(taken_back, corrected, "person", "Ada")
    restore_labels(open_recording(walk), [taken_back])
    change(relabelled_only, relabelled, "model", "second")

    def labelled():
        return [(open_recording(walk).frames[int(name)].label_source, labels_of(walk, name).tolist()) for name in names]

    with_relabelled = labelled()
    for expected in (before, relabelled):  # the second time undoes the first
        assert main(["restore-labels", str(walk), "4-7"]) == 0
        assert labelled() == [("model", expected.tolist()), *with_relabelled[1:]]
        assert capsys.readouterr().out == (
            "restored the labels of 1 frames\n"
            "kept those of 3 frames that people have changed; --also-people restores them, too\n"
        )


def test_what_follows_an_unfinished_line_of_the_log_can_be_restored(walk):
    replace_labels(open_recording(walk), [NewLabels("000004", drawn(9, 0), "person", "Ada")])
    log = walk / "old_masks" / "log.jsonl"
    log.write_bytes(log.read_bytes() + b'{"frame": "0000')
    replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "person", "Ada")])
    assert [old.frame for old in read_log(walk)] == ["000004", "000005"]
    assert restore_labels(open_recording(walk), ["000005"]) == 1


@pytest.mark.parametrize("file", ["../../secret.png", "/secret.png", "..", ""])
def test_a_log_does_not_lead_out_of_the_recording(walk, file):
    replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "person", "Ada")])
    shutil.copy(walk / "masks" / "000004.png", walk.parent.parent / "secret.png")
    log = walk / "old_masks" / "log.jsonl"
    log.write_text(log.read_text().replace("000005.1.png", file))
    assert read_log(walk) == []
    assert restore_labels(open_recording(walk), ["000005"]) == 0


def test_what_a_person_has_labelled_meanwhile_is_kept(walk):
    recording = open_recording(walk)
    replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "person", "Ada")])
    by_model = [NewLabels(frame, drawn(20, 0), "model", "net") for frame in ("000005", "000006")]
    assert replace_labels(recording, by_model, keep=("person",)) == 1
    assert [np.count_nonzero(labels_of(walk, frame) == HERO) for frame in ("000005", "000006")] == [9, 20]
    assert open_recording(walk).frames[5].label_source == "person"


@pytest.mark.parametrize("by", ["Ada", "Ada, Countess of Lovelace"])  # the file shrinks, or grows
def test_a_list_of_recordings_is_not_misled_by_a_new_file_with_the_number_of_an_old_one(walk, by):
    """File systems give the inode of a deleted file away again."""
    summaries, file, kept = SummaryCache(), walk / "frames.jsonl", walk.parent / "kept"
    before, number = summaries.summarise(walk), file.stat().st_ino
    os.link(file, kept)
    replace_labels(open_recording(walk), [NewLabels("000005", drawn(0, 0), "person", by)])
    content = file.read_bytes()
    file.unlink()
    os.link(kept, file)
    file.write_bytes(content)
    assert file.stat().st_ino == number
    after = summaries.summarise(walk)
    assert (after.frames, after.visible) == (before.frames, before.visible - 1)


def test_a_list_of_recordings_shows_the_new_counts(walk):
    summaries = SummaryCache()
    before = summaries.summarise(walk)
    change = NewLabels("000005", drawn(0, 0), "person", "Ada")
    replace_labels(open_recording(walk), [change])
    after = summaries.summarise(walk)
    assert (after.frames, after.visible) == (before.frames, before.visible - 1)
    assert after.state == "finished"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (NewLabels("000099", drawn(1, 0), "person", "Ada"), "walk has no frame 000099"),
        (NewLabels("000007", np.zeros((8, 8), np.uint8), "person", "Ada"), "got (8, 8)"),
    ],
)
def test_what_does_not_fit_is_refused_and_what_came_before_stays(walk, change, message):
    good = NewLabels("000005", drawn(9, 0), "person", "Ada")
    with pytest.raises(RecordingError) as caught:
        replace_labels(open_recording(walk), [good, change])
    assert message in str(caught.value)
    assert open_recording(walk).frames[5].hero_pixels == 9
    assert len(read_log(walk)) == 1


def test_a_recording_that_is_being_written_is_left_alone(walk):
    claim = lock(walk)
    try:
        with pytest.raises(RecordingError, match="is being written by another process"):
            replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "person", "Ada")])
    finally:
        claim.release()
    np.testing.assert_array_equal(labels_of(walk, "000005"), labels_of(WALK, "000005"))


@pytest.mark.parametrize("step", range(4))
def test_a_kill_at_any_step_leaves_one_of_the_two_masks(walk, monkeypatch, step):
    """The n-th file that is written is the last one: nothing that follows, such as clean-up, happens."""
    written = []

    def killed(path, content):
        if len(written) == step:
            raise KeyboardInterrupt
        written.append(path)
        path.write_bytes(content)

    monkeypatch.setattr(relabelling, "write_atomically", killed)
    new = drawn(33, 0)
    change = NewLabels("000005", new, "person", "Ada")
    if step < 3:
        with pytest.raises(KeyboardInterrupt):
            replace_labels(open_recording(walk), [change])
    else:
        replace_labels(open_recording(walk), [change])
    monkeypatch.undo()
    old, now = labels_of(WALK, "000005"), labels_of(walk, "000005")
    assert np.array_equal(now, old) or np.array_equal(now, new)
    recording = open_recording(walk)
    assert len(recording.frames) == FRAMES
    replace_labels(recording, [change])  # done again, it is complete
    np.testing.assert_array_equal(labels_of(walk, "000005"), new)
    kept = [walk / "old_masks" / each.file for each in read_log(walk)]
    assert any(np.array_equal(decode_labels(file.read_bytes(), (SIZE, SIZE)), old) for file in kept)


def test_relabelling_again_after_a_kill_records_what_the_masks_show(walk):
    """Killed before the records were written: the masks are new, the records are not."""
    file = walk / "frames.jsonl"
    before = file.read_bytes()
    changes = [NewLabels(frame, drawn(40, 7), "model", "better") for frame in ("000005", "000006")]
    replace_labels(open_recording(walk), changes)
    complete = file.read_bytes()
    file.write_bytes(before)
    assert replace_labels(open_recording(walk), changes) == 2
    assert file.read_bytes() == complete
    assert len(read_log(walk)) == 2  # the new masks are not kept as old ones


def test_records_are_written_now_and_then_while_a_long_recording_is_relabelled(walk, monkeypatch):
    monkeypatch.setattr(relabelling, "CHANGES_PER_WRITE", 2)
    recorded = []

    def changes():
        for index in range(5):
            recorded.append([record.labelled_by for record in open_recording(walk).frames].count("better"))
            yield NewLabels(f"00000{index}", drawn(40, index), "model", "better")

    assert replace_labels(open_recording(walk), changes()) == 5
    assert recorded == [0, 0, 2, 2, 4]


@pytest.mark.parametrize("folder", ["masks", ""])  # of the first file that cannot be written
def test_a_full_disk_makes_no_ground_truth_of_a_models_labels(walk, monkeypatch, folder):
    by_ada = drawn(9, 0)
    replace_labels(open_recording(walk), [NewLabels("000005", by_ada, "person", "Ada")])
    write = relabelling.write_atomically

    def write_if_it_fits(path, content):
        if path.parent == walk / folder:
            raise OSError("no space left")
        write(path, content)

    monkeypatch.setattr(relabelling, "write_atomically", write_if_it_fits)
    with pytest.raises(OSError, match="no space left"):
        restore_labels(open_recording(walk), ["000005"])
    record = open_recording(walk).frames[5]
    assert record.label_source == "model" or np.array_equal(labels_of(walk, "000005"), by_ada)


def test_an_unfinished_line_of_the_log_is_skipped(walk):
    replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "person", "Ada")])
    with (walk / "old_masks" / "log.jsonl").open("ab") as log:
        log.write(json.dumps({"frame": "000006"}).encode()[:-3])
    assert len(read_log(walk)) == 1


def test_any_name_can_be_read_back_from_the_log(walk):
    replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "model", "caf\udce9.h5")])
    assert [old.replaced_by for old in read_log(walk)] == [open_recording(walk).frames[5].labelled_by]
    assert restore_labels(open_recording(walk), ["000005"]) == 1


def test_kept_masks_are_not_taken_for_a_dataset(walk):
    from dataset.pairs import find_pairs

    replace_labels(open_recording(walk), [NewLabels("000005", drawn(9, 0), "person", "Ada")])
    pairs, problems = find_pairs(walk)
    assert (len(pairs), problems) == (FRAMES, [])
