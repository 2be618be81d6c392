"""Lines of a recording: what is read back, and what is refused."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.paths import printable
from dataset.previews.overlay import caption_of
from dataset.recordings.frame_record import FrameRecord, read_frame_records
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording
from dataset.recordings.statistics import statistics_of

LINE = (Path(__file__).with_name("recordings") / "walk" / "frames.jsonl").read_bytes().splitlines(keepends=True)[0]
VALUES = json.loads(LINE)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def use(record: FrameRecord) -> None:
    """Do everything that readers do with a line."""
    statistics_of(Recording(Path("flight"), {}, (record,), 0))
    caption_of(record)
    assert all("/" not in name.partition("/")[2] and ".." not in name for name in record.files())


def test_line_is_read_as_written():
    record = FrameRecord.from_line(LINE)
    assert FrameRecord.from_line(record.to_line()) == record
    assert json.loads(record.to_line()).items() >= VALUES.items()
    huge = LINE.replace(b'"number":0', b'"number":1' + 400 * b"0")
    with pytest.raises(RecordingError, match="number"):
        FrameRecord.from_line(huge)
    later = {**VALUES, "colour_of_the_sky": "blue"}  # of a later version
    assert FrameRecord.from_line(json.dumps(later).encode()) == FrameRecord.from_line(LINE)


@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_noise_is_refused(noise):
    with pytest.raises(RecordingError):
        FrameRecord.from_line(noise)


@given(st.sampled_from(sorted(VALUES)), anything)
def test_line_with_any_value_is_refused_or_usable(key, value):
    try:
        record = FrameRecord.from_line(json.dumps({**VALUES, key: value}).encode())
    except RecordingError:
        return
    use(record)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".hidden", "a b", "..", "C:\\x", "nul\0"])
def test_file_names_stay_in_their_folder(name):
    for key in ("frame", "image"):
        with pytest.raises(RecordingError, match=key):
            FrameRecord.from_line(json.dumps({**VALUES, key: name}).encode())


@given(st.integers(0, len(LINE) - 2))
def test_truncated_line_is_refused(length):
    with pytest.raises(RecordingError):
        FrameRecord.from_line(LINE[:length])


@given(st.lists(st.sampled_from('\\u"d8\ud83d\ude00\udce9😀é\n')).map("".join))
def test_any_text_is_written_so_that_it_is_read(text):
    """Characters of two halves are put together; a half alone, as in names that are no valid text, is escaped."""
    record = dataclasses.replace(FrameRecord.from_line(LINE), note=text)
    line = record.to_line()
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert FrameRecord.from_line(line).note == printable(whole)


def test_nan_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        dataclasses.replace(FrameRecord.from_line(LINE), world_point=(float("nan"), 0.0, 0.0)).to_line()


def test_frames_are_sorted_and_broken_lines_returned(tmp_path):
    first = FrameRecord.from_line(LINE)
    lines = [dataclasses.replace(first, frame=f"{number:06d}").to_line() for number in (999_998, 1, 1_000_000, 2)]
    (tmp_path / "frames.jsonl").write_bytes(b"".join(lines) + b'{"frame": "0000')
    records, broken = read_frame_records(tmp_path)
    assert [record.frame for record in records] == ["000001", "000002", "999998", "1000000"]
    assert broken == [b'{"frame": "0000']
    assert read_frame_records(tmp_path / "absent") == ([], [])
