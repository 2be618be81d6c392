"""audit.csv is read as it was written, and what cannot be read is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.archives import DatasetError
from dataset.audit.findings import COLUMNS, KINDS, Finding, read_findings, write_findings

FINDING = Finding("yes", "hidden", 0.91, "a", "a/images/1.jpeg", "people", 1, 2, 9, 8, 256, 256, "0-1", "", "leaves")


@given(kind=st.sampled_from(KINDS), texts=st.lists(st.text(), min_size=3, max_size=3), box=st.integers(0, 999))
def test_what_is_written_is_read(tmp_path_factory, kind, texts, box):
    path = tmp_path_factory.mktemp("findings") / "audit.csv"
    texts = [text.encode(errors="backslashreplace").decode().replace("\r", "") for text in texts]
    found = Finding("no", kind, 0.5, *texts[:2], "hero", box, box, box + 1, box + 2, 256, 256, "0-1", "2-3", texts[2])
    write_findings(path, [FINDING, found])
    assert read_findings(path) == [FINDING, found]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("maybe,hidden,0.9,a,b,people,1,2,9,8,256,256,0-1,,x", "line 2: leave_out is 'maybe'"),
        ("yes,ghost,0.9,a,b,people,1,2,9,8,256,256,0-1,,x", "line 2: kind is 'ghost'"),
        ("yes,hidden,0.9,a,b,people,1,2,9,-8,256,256,0-1,,x", "line 2: right is '-8'"),
        ("yes,hidden,0.9", "line 2: expected 15 values, got 3"),
        (
            "yes,hidden,0.9,a,b,dog,1,2,9,8,256,256,0-1,,x",
            "line 2: label is 'dog': .*expected background, people, hero",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, line, message):
    path = tmp_path / "audit.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{line}\n")
    with pytest.raises(DatasetError, match=message):
        read_findings(path)


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("epoch,loss\n1,2\n")
    with pytest.raises(DatasetError, match=r"expected the audit\.csv .* begins with epoch,loss"):
        read_findings(path)
