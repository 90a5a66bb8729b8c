"""What a run writes: atomic, deterministic, safe to open; and what identity leaves out."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honing.errors import StoreError
from honing.store import Run, canonical_json, identity, parse_json, tsv_bytes

WRITE_WITH_A_SMALL_LIMIT = """
import resource, sys
from pathlib import Path
from honing.errors import StoreError
from honing.store import Run
run = Run.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    run.write_text("big.txt", "new" * 5000)
except StoreError as error:
    print(error)
"""


# Loading the table of characters takes seconds on a busy machine, which is no property of the test.
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", kind="k", config={}, command=["x"], seed=1, name="r")


def test_json_has_sorted_keys_two_spaces_and_a_final_newline(run: Run) -> None:
    path = run.write_json("out/result.json", {"b": [1, 2.5, None], "a": "é"})

    assert path.read_bytes() == '{\n  "a": "é",\n  "b": [\n    1,\n    2.5,\n    null\n  ]\n}\n'.encode()
    assert run.read_json("out/result.json") == {"b": [1, 2.5, None], "a": "é"}


def test_jsonl_has_one_sorted_row_a_line(run: Run) -> None:
    path = run.write_jsonl("rows.jsonl", [{"b": 1, "a": "x\ny"}, {}])

    assert path.read_bytes() == b'{"a": "x\\ny", "b": 1}\n{}\n'


@pytest.mark.parametrize("value", [math.nan, math.inf, {"x": -math.inf}, {1, 2}, object()])
def test_what_is_not_json_is_refused_and_leaves_no_file(run: Run, value: Any) -> None:
    with pytest.raises(StoreError, match="cannot be written as JSON"):
        run.write_json("x.json", value)

    assert not (run.path / "x.json").exists()


def test_a_lone_surrogate_is_written_as_valid_utf8_and_reads_back(run: Run) -> None:
    path = run.write_json("x.json", {"text": "a\udc80b"})

    assert path.read_bytes().decode("utf-8") == '{\n  "text": "a\\udc80b"\n}\n'
    assert run.read_json("x.json") == {"text": "a\udc80b"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1.5e3", "-1.5e3"),
        ("+12%", "+12%"),
        (-3, "-3"),
        (0.1, "0.1"),
        (True, "true"),
        (None, ""),
        ([1, {"b": 2, "a": 1}], '[1,{"a":1,"b":2}]'),
        ("\x1b[31mred\x07", "\\u001b[31mred\\u0007"),
        ("a\u2028b\x85c\x0b", "a\\u2028b\\u0085c\\u000b"),
        ("plain = text", "plain = text"),
    ],
)
def test_a_tsv_cell_is_neutral(value: Any, cell: str) -> None:
    assert tsv_bytes(["v"], [{"v": value}]).decode() == f"v\n{cell}\n"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_tsv_cell_is_never_a_nan(value: float) -> None:
    with pytest.raises(StoreError, match="finite"):
        tsv_bytes(["v"], [{"v": value}])


@QUICK
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text() | st.integers() | st.none()), max_size=5
    )
)
def test_any_text_keeps_a_tsv_rectangular(rows: list[dict[str, Any]]) -> None:
    lines = tsv_bytes(["a", "b", "c"], rows).decode("utf-8").splitlines()

    assert [line.count("\t") for line in lines] == [2] * (len(rows) + 1)
    cells = [cell for line in lines for cell in line.split("\t")]
    assert [
        c for c in cells if c[:1] in "=+-@" and c and not re.fullmatch(r"[+-]?[\d.]+([eE][+-]?\d+)?%?", c)
    ] == []


@QUICK
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_canonical_json_reads_back_to_the_same_value(value: Any) -> None:
    text = canonical_json(value)

    assert parse_json(text, where="here") == value
    assert canonical_json(parse_json(text, where="here")) == text


@pytest.mark.parametrize(
    ("relative", "message"),
    [
        ("/etc/passwd", "stays inside the run"),
        ("../other", "stays inside the run"),
        ("a/../../other", "stays inside the run"),
        ("", "stays inside the run"),
        ("nul\0", "stays inside the run"),
        ("run.json", "belongs to the run itself"),
        ("journal.sqlite-wal", "belongs to the run itself"),
        ("blobs/x", "belongs to the run itself"),
    ],
)
def test_an_artifact_stays_inside_and_spares_the_runs_own_files(
    run: Run, relative: str, message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        run.write_text(relative, "x")


def test_an_artifact_does_not_follow_a_link_out_of_the_run(run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("theirs")
    (run.path / "folder").symlink_to(outside)
    (run.path / "file").symlink_to(outside / "file")

    for relative in ("folder/x", "folder/deep/x", "file"):
        with pytest.raises(StoreError, match="a symbolic link on the way leads out"):
            run.write_text(relative, "ours")
    assert sorted(path.name for path in outside.iterdir()) == ["file"]
    assert (outside / "file").read_text() == "theirs"


def test_a_failed_write_leaves_the_old_file_and_no_draft(run: Run) -> None:
    run.write_text("big.txt", "old")

    done = subprocess.run(
        [sys.executable, "-c", WRITE_WITH_A_SMALL_LIMIT, str(run.path)], capture_output=True, text=True
    )

    assert "big.txt: cannot write: File too large. The file would exceed the file size limit" in done.stdout
    assert (run.path / "big.txt").read_text() == "old"
    assert sorted(path.name for path in run.path.iterdir()) == ["big.txt", "run.json"]


def test_a_reader_sees_the_old_or_the_new_file_and_never_a_part(run: Run) -> None:
    texts = {letter * 200_000 for letter in "ab"}
    run.write_text("x.txt", "a" * 200_000)
    script = (
        "import sys; from pathlib import Path; from honing.store import Run\n"
        "run = Run.open(Path(sys.argv[1]))\n"
        "for n in range(60): run.write_text('x.txt', 'ab'[n % 2] * 200_000)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(run.path)])

    seen = []
    while writer.poll() is None:
        seen.append((run.path / "x.txt").read_text() in texts)

    assert writer.returncode == 0
    assert set(seen) == {True}


def test_identity_leaves_out_volatile_files_and_fields_and_nothing_else(run: Run) -> None:
    run.write_json("metrics.json", {"score": 0.5, "ts": 1.0, "run_id": run.id})
    run.write_jsonl("samples.jsonl", [{"id": 1, "started": 5.0, "scores": {"attempt": 2, "x": 1}}])
    run.write_tsv("t.tsv", ["id", "duration_s"], [{"id": 1, "duration_s": 0.5}])
    (run.artifact("t.csv")).write_text('id,worker\n"a,b",w1\n')
    run.write_text(f"artifacts/{run.id}/log.txt", "same")
    run.write_text("work/scratch", "x")
    run.write_bytes("weights.bin", b"\0\1")
    before = identity(run.path)

    run.write_json("metrics.json", {"score": 0.5, "ts": 2.0, "run_id": "other"})
    run.write_jsonl("samples.jsonl", [{"id": 1, "started": 9.0, "scores": {"attempt": 7, "x": 1}}])
    run.write_tsv("t.tsv", ["id", "duration_s"], [{"id": 1, "duration_s": 99}])
    (run.path / "t.csv").write_text('id,worker\n"a,b",w2\n')
    run.write_text("work/scratch", "y")
    run.journal().close()
    run.evidence().append("x", {})

    assert list(before) == [
        "artifacts/RUN_ID/log.txt",
        "metrics.json",
        "samples.jsonl",
        "t.csv",
        "t.tsv",
        "weights.bin",
    ]
    assert identity(run.path) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("m.json", '{"score": 1, "ts": 5}', '{"score": 2, "ts": 5}'),
        ("m.json", '{"a": 1, "b": 1, "ts": 5}', '{"b": 1, "a": 1, "ts": 5}'),
        ("m.json", '{"a": 1}', '{"a":1}'),
        ("m.json", "not json", "nor this"),
        ("s.jsonl", '{"a": 1}\n{"a": 2}\n', '{"a": 2}\n{"a": 1}\n'),
        ("t.tsv", "id\tts\n1\t5\n", "id\tts\n2\t5\n"),
        ("t.csv", "id,x\n1,5\n", "id,x\n1,6\n"),
        ("x.bin", "a", "b"),
    ],
)
def test_identity_sees_every_other_difference(run: Run, name: str, old: str, new: str) -> None:
    (run.path / name).write_text(old)
    before = identity(run.path)
    (run.path / name).write_text(new)

    assert identity(run.path)[name] != before[name]


def test_identity_takes_a_link_for_its_target_and_does_not_follow_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").write_text("outside")
    (run.path / "link").symlink_to(tmp_path / "folder")
    before = identity(run.path)
    (run.path / "link").unlink()
    (run.path / "link").symlink_to(tmp_path)

    assert list(before) == ["link"]
    assert identity(run.path)["link"] != before["link"]
