"""Where a target's number may stand: printed lines, pointers into documents, files found by a pattern."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from honing.contract.grading.metrics import read_metrics, read_printed
from honing.contract.spec import MetricSpec
from honing.contract.stages.copies import matching, set_aside
from honing.errors import MetricsError

FRACTION = MetricSpec()
PERCENT = MetricSpec(unit="percent", range=(0.0, 100.0))
PATTERN = r"accuracy\s*[:=]\s*(?P<score>\S+)"


@pytest.mark.parametrize(
    ("stdout", "stderr", "metric", "score"),
    [
        ("accuracy: 0.25\naccuracy: 0.75\n", "", FRACTION, 0.75),
        ("nothing here\n", "INFO accuracy = 1e-1\n", FRACTION, 0.1),
        ("accuracy: 0.5\n", "accuracy: 0.9\n", FRACTION, 0.5),
        ("accuracy: 62.5%\n", "", FRACTION, 0.625),
        ("accuracy: 62.5%\n", "", PERCENT, 62.5),
        ("accuracy: 62.5\n", "", PERCENT, 62.5),
        ("accuracy: .5\n", "", FRACTION, 0.5),
    ],
    ids=["the last line", "stderr where stdout has none", "stdout first", "a share of 100", "a percentage",
         "a percentage without its sign", "no leading zero"],
)  # fmt: skip
def test_the_last_printed_line_that_matches_counts(
    stdout: str, stderr: str, metric: MetricSpec, score: float
) -> None:
    assert read_printed(stdout, stderr, PATTERN, metric).score == pytest.approx(score)


@pytest.mark.parametrize(
    ("stdout", "said"),
    [
        ("accuracy is good", "no line that the stage printed matches"),
        ("accuracy: nan", "must be a number, got 'nan'"),
        ("accuracy: inf", "must be a number, got 'inf'"),
        ("accuracy: 0x1", "must be a number, got '0x1'"),
        ("accuracy: 1_0", "must be a number, got '1_0'"),
        ("accuracy: 0.5.1", "must be a number"),
        ("accuracy: 1e999", "must be a number"),
        ("accuracy: 75", "outside the declared range [0, 1]"),
        ("accuracy: 0.5\naccuracy: oops", "must be a number, got 'oops'"),
    ],
)
def test_a_printed_number_is_read_strictly(stdout: str, said: str) -> None:
    with pytest.raises(MetricsError) as caught:
        read_printed(stdout, "", PATTERN, FRACTION)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("path", "document", "score"),
    [
        ("/results/0/acc", {"results": [{"acc": 0.5}]}, 0.5),
        ("/a~1b/c~0d", {"a/b": {"c~d": 0.25}}, 0.25),
        ("results.1.acc", {"results": [{"acc": 0.5}, {"acc": 0.75}]}, 0.75),
        ("/1/acc", [{"acc": 0.5}, {"acc": 1}], 1.0),
        ("pass@1", {"pass@1": 0.5, "pass": {"@1": 0}}, 0.5),
        ("a.b", {"a.b": 0.5}, 0.5),
    ],
)
def test_a_number_is_found_by_dots_or_by_a_json_pointer(
    tmp_path: Path, path: str, document: object, score: float
) -> None:
    (tmp_path / "m.json").write_text(json.dumps(document))

    assert read_metrics(tmp_path, "m.json", MetricSpec(path=path), not_before=0.0).score == score


@pytest.mark.parametrize("path", ["/results/2/acc", "/results/-1/acc", "/results/acc", "results.x"])
def test_a_pointer_to_nothing_says_what_is_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "m.json").write_text('{"results": [{"acc": 0.5}], "time": 1}')

    with pytest.raises(MetricsError, match="it has results, time"):
        read_metrics(tmp_path, "m.json", MetricSpec(path=path), not_before=0.0)


def test_a_pattern_matches_within_one_folder_and_follows_no_link(tmp_path: Path) -> None:
    for name in ("out/run1/score.json", "out/run2/score.json", "out/score.json", "out/run1/deep/score.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "out" / "linked").symlink_to(tmp_path / "out" / "run1")

    assert matching(tmp_path, "out/*/score.json") == ["out/run1/score.json", "out/run2/score.json"]
    assert matching(tmp_path, "./out/score.*") == ["out/score.json"]
    assert matching(tmp_path, "nowhere/*.json") == []


def test_setting_aside_removes_what_matches_and_nothing_behind_a_link(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    (folder / "out").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "kept.json").write_text("{}")
    (folder / "out" / "a.json").write_text("{}")
    (folder / "out" / "b.json").symlink_to(elsewhere / "kept.json")
    (folder / "out" / "c.json").mkdir()
    (folder / "out" / "note.txt").write_text("")

    assert set_aside(folder, "out/*.json") == ["out/a.json", "out/b.json", "out/c.json"]
    assert [path.name for path in (folder / "out").iterdir()] == ["note.txt"]
    assert (elsewhere / "kept.json").is_file()


def test_a_link_among_the_folders_of_a_result_is_removed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (elsewhere / "m.json").write_text("{}")
    (folder / "out").symlink_to(elsewhere)

    assert set_aside(folder, "out/m.json") == []
    assert not (folder / "out").is_symlink()
    assert (elsewhere / "m.json").is_file()
