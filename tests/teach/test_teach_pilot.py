"""`hone teach pilot`: the smallest study, with and without a real call to a teacher."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from teacher_servers import endpoints, first_valid, server_that

from honing.cli.app import run

pytestmark = [pytest.mark.teach, pytest.mark.timeout(300)]

PARTS = (
    "phase1_labeling/labeled_snapshots.jsonl",
    "phase2_training/training_summary.json",
    "phase3_eval/overall_task_results.csv",
    "phase4_predictor/training_result.json",
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny student lies that both pilots teach."""
    return tmp_path_factory.mktemp("cache")


def pilot(folder: Path, environ: dict[str, str], *words: str) -> int:
    usual = ["--quiet", "--no-progress", "teach", "pilot", "--mock-env", "--out-dir", "pilot", "--json"]
    return run([*usual, "--n-tasks", "2", "--max-steps", "10", *words], environ=environ, cwd=folder)


# `make test` runs the same two pilots in tests/test_from_the_seeds.py, by their exit codes and parts.
@pytest.mark.slow
def test_a_pilot_without_any_call_leaves_all_its_parts(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = pilot(tmp_path, {"HONING_CACHE": str(cache)}, "--skip-api")
    found = json.loads(capsys.readouterr().out)

    assert [part for part in PARTS if not (tmp_path / "pilot" / part).is_file()] == []
    assert (code, found["ok"], [each["met"] for each in found["criteria"]]) == (0, True, [True] * 4)


@pytest.mark.slow
def test_a_pilot_with_a_teacher_counts_its_real_calls(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with server_that(first_valid) as server:
        code = pilot(tmp_path, {"HONING_CACHE": str(cache), **endpoints(server)})
        asked = len(server.requests)
    found = json.loads(capsys.readouterr().out)
    calls = {each["name"]: each["value"] for each in found["criteria"]}["pilot_teacher"]

    assert (code, calls == asked, asked > 0) == (0, True, True)


@pytest.mark.slow
def test_a_pilot_whose_teacher_cannot_be_reached_fails_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a cache of its own: advice that was once paid for is not asked for again."""
    nobody = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "none"}
    code = pilot(tmp_path, {"HONING_CACHE": str(tmp_path / "cache"), **nobody})

    assert code != 0
    assert "127.0.0.1:9" in capsys.readouterr().err
