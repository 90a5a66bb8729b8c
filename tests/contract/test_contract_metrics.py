"""A metrics file is read as if it were hostile: each way to be wrong has its own sentence."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from honing.contract.grading.metrics import Reading, read_metrics
from honing.contract.spec import MetricSpec
from honing.errors import MetricsError

LONG_AGO = 0.0


def read(root: Path, content: str | bytes, **metric: object) -> Reading:
    data = content.encode() if isinstance(content, str) else content
    (root / "metrics.json").write_bytes(data)
    return read_metrics(root, "metrics.json", MetricSpec.model_validate(metric), not_before=LONG_AGO)


def refusal(root: Path, content: str | bytes, **metric: object) -> str:
    with pytest.raises(MetricsError) as caught:
        read(root, content, **metric)
    return str(caught.value)


def test_a_plain_score_is_read(tmp_path: Path) -> None:
    reading = read(tmp_path, '{"ok": true, "score": 0.25}')

    assert reading == Reading(0.25, {"ok": True, "score": 0.25})


def test_a_nested_metric_is_found_by_its_path(tmp_path: Path) -> None:
    assert read(tmp_path, '{"base": {"pass@1": 0.5}}', path="base.pass@1").score == 0.5


def test_a_key_that_contains_a_dot_is_found_whole(tmp_path: Path) -> None:
    assert read(tmp_path, '{"acc.strict": 1}', path="acc.strict").score == 1.0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"score": NaN}', "contains NaN"),
        ('{"score": Infinity}', "contains Infinity"),
        ('{"score": -Infinity}', "contains -Infinity"),
        ('{"score": 1e999}', "contains 1e999, which is too large"),
        ('{"score": "1.0"}', "'score' must be a number, got '1.0'"),
        ('{"score": true}', "'score' must be a number, got True"),
        ('{"score": null}', "'score' must be a number, got None"),
        ('{"score": [1]}', "'score' must be a number, got [1]"),
        ('{"score": 0, "score": 1}', "has the key 'score' twice"),
        ('{"score": -0.5}', "outside the declared range [0, 1]"),
        ('{"score": 1.5}', "outside the declared range [0, 1]"),
        ('{"score": ' + "1" * 5000 + "}", "an integer of 5000 digits"),
        ("[" * 200_000, "nested too deeply"),
        ('{"accuracy": 1.0}', "has no 'score'; it has accuracy"),
        ("{}", "has no 'score'; it has nothing"),
        ("[]", "must be a JSON object, got list"),
        ("1.0", "must be a JSON object, got float"),
        ("", "metrics.json:1: not JSON"),
        ("score: 1.0", "metrics.json:1: not JSON"),
        ('{"ok": false, "score": 1.0}', "'ok' is False"),
        ('{"ok": 1, "score": 1.0}', "'ok' is 1"),
        (b'{"score": "\xff"}', "not UTF-8 at byte 11"),
        (b'{"score": 1.0}' + b" " * (5 * 1024 * 1024), "at most 4194304 are read"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_not_a_finite_number_in_range_is_refused(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    assert said in refusal(tmp_path, content)


def test_a_missing_file_says_that_an_exit_code_is_not_a_score(tmp_path: Path) -> None:
    with pytest.raises(
        MetricsError, match=r"was not written\. The stage must write it; its exit code is not a score"
    ):
        read_metrics(tmp_path, "metrics.json", MetricSpec(), not_before=LONG_AGO)


def test_a_missing_required_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"score": 1.0}')

    with pytest.raises(MetricsError, match="lacks the required key 'ok', 'n'"):
        read_metrics(
            tmp_path, "metrics.json", MetricSpec(), required_keys=["ok", "n", "score"], not_before=LONG_AGO
        )


def test_a_file_dated_1970_is_stale(tmp_path: Path) -> None:
    started = time.time()
    path = tmp_path / "metrics.json"
    path.write_text('{"score": 1.0}')
    os.utime(path, (0, 0))

    with pytest.raises(MetricsError, match=r"was modified \d+ s before the stage that must write it began"):
        read_metrics(tmp_path, "metrics.json", MetricSpec(), not_before=started)


def test_a_file_touched_forward_is_stale_by_its_creation(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text('{"score": 1.0}')
    started = time.time() + 60
    os.utime(path, (started + 5, started + 5))

    with pytest.raises(MetricsError, match="was created"):
        read_metrics(tmp_path, "metrics.json", MetricSpec(), not_before=started)


def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metrics.json")

    with pytest.raises(MetricsError, match="must be a plain file, found a FIFO"):
        read_metrics(tmp_path, "metrics.json", MetricSpec(), not_before=LONG_AGO)


def test_a_link_to_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").symlink_to("/dev/zero")

    with pytest.raises(MetricsError, match="found a symbolic link to '/dev/zero'"):
        read_metrics(tmp_path, "metrics.json", MetricSpec(), not_before=LONG_AGO)


def test_a_link_in_the_middle_of_the_path_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "metrics.json").write_text('{"score": 1.0}')
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(outside)

    with pytest.raises(MetricsError, match="found a symbolic link to"):
        read_metrics(root, "out/metrics.json", MetricSpec(), not_before=LONG_AGO)


def test_a_hard_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text('{"score": 1.0}')
    os.link(tmp_path / "elsewhere.json", tmp_path / "metrics.json")

    with pytest.raises(MetricsError, match="has 2 hard links"):
        read_metrics(tmp_path, "metrics.json", MetricSpec(), not_before=LONG_AGO)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").mkdir()

    with pytest.raises(MetricsError, match="must be a plain file, found a folder"):
        read_metrics(tmp_path, "metrics.json", MetricSpec(), not_before=LONG_AGO)


@pytest.mark.parametrize("path", ["../metrics.json", "/etc/hostname", "a/../../b", "", "a\0b"])
def test_a_path_that_leaves_the_working_copy_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(MetricsError, match="must be a path inside the working copy"):
        read_metrics(tmp_path, path, MetricSpec(), not_before=LONG_AGO)
