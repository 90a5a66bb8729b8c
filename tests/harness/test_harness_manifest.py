"""The change manifest: read strictly, held against results, never believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from briefed_runs import change, judged
from judged_folders import lay_out

from honing.errors import MetricsError
from honing.harness.manifest import SCHEMA, Verdict, manifest_from, moved_tasks, observed, read_manifest

PLACE = ".honing/change_manifest.json"
EARLIER = ".metaharness/change_manifest.json"
KNOWN = ("a-1", "b-2", "c-3")


def read(content: str) -> dict[str, Any]:
    return manifest_from(content.encode(), source="m.json", known_tasks=KNOWN)


def test_everything_declared_is_kept_and_what_is_left_out_is_empty() -> None:
    found = read(
        '{"changes": [{"id": "x", "predicted_fixes": ["a-1", "a-1", "z"], "risk_tasks": ["b-2"], "more": 1}]}'
    )

    assert found == {
        "schema": SCHEMA,
        "changes": [
            {
                "id": "x",
                "component": "",
                "description": "",
                "files": [],
                "failure_pattern": "",
                "evidence_refs": [],
                "root_cause": "",
                "targeted_fix": "",
                "predicted_fixes": ["a-1"],
                "risk_tasks": ["b-2"],
                "notes": "",
                "unknown_tasks": ["z"],
            }
        ],
    }


def test_one_change_may_stand_alone() -> None:
    assert read('{"id": "x", "description": "y"}')["changes"][0]["description"] == "y"


def test_texts_are_made_safe_to_show() -> None:
    found = read(json.dumps({"id": "\x1b[31mred\u202e", "notes": "a\rb", "files": ["\u200bx"]}))["changes"][0]

    assert (found["id"], found["notes"], found["files"]) == ("red\\u202e", "a\nb", ["\\u200bx"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "m.json:1: not JSON"),
        ("[]", "expected an object with 'changes', found list"),
        ('{"changes": []}', "a list of 1 to 50 changes"),
        ('{"changes": "x"}', "a list of 1 to 50 changes"),
        (json.dumps({"changes": [{}] * 51}), "a list of 1 to 50 changes"),
        ('{"changes": [1]}', r"changes\[0\]: Input should be a valid dictionary"),
        ('{"changes": [{}, {"id": 7}]}', r"changes\[1\]\.id: Input should be a valid string"),
        ('{"files": "AGENTS.md"}', r"changes\[0\]\.files: Input should be a valid list"),
        ('{"files": [1]}', r"changes\[0\]\.files\.0: Input should be a valid string"),
        (json.dumps({"notes": "x" * 4001}), "at most 4000 characters"),
        (json.dumps({"files": ["x"] * 201}), "at most 200 items"),
        ('{"id": "a", "id": "b"}', "the key 'id' twice"),
        ('{"id": NaN}', "contains NaN"),
        ("[" * 100_000, "nested too deeply"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_manifest_of_another_shape_is_refused_with_its_place(content: str, says: str) -> None:
    with pytest.raises(MetricsError, match=says):
        read(content)


def test_half_a_surrogate_does_not_break_what_is_written_later() -> None:
    try:
        told = json.dumps(read('{"id": "\\ud800x"}'), ensure_ascii=False)
    except MetricsError as error:
        told = str(error)

    assert told.encode("utf-8")


@pytest.mark.parametrize("place", [PLACE, EARLIER])
def test_it_is_found_in_both_places(tmp_path: Path, place: str) -> None:
    workspace = lay_out(tmp_path, {place: '{"id": "x"}'})

    found, problem = read_manifest(workspace, known_tasks=KNOWN)

    assert found is not None
    assert (found["changes"][0]["id"], problem) == ("x", "")


def test_no_manifest_is_no_problem_and_a_bad_one_is(tmp_path: Path) -> None:
    large = lay_out(tmp_path / "large", {PLACE: "x" * 70_000})
    bad = lay_out(tmp_path / "bad", {PLACE: "{"})

    assert read_manifest(lay_out(tmp_path / "none", {}), known_tasks=KNOWN) == (None, "")
    assert read_manifest(bad, known_tasks=KNOWN)[1].startswith(f"{PLACE}:1: not JSON")
    assert "at most 65536 are read" in read_manifest(large, known_tasks=KNOWN)[1]


def test_the_manifest_of_the_parent_is_never_credited_to_its_child(tmp_path: Path) -> None:
    declared = {key: value for key, value in change()["changes"][0].items() if key != "unknown_tasks"}
    workspace = lay_out(tmp_path, {PLACE: json.dumps({"changes": [declared]})})
    known = ("reads-the-guide-1",)

    first, _ = read_manifest(workspace, known_tasks=known)
    again, problem = read_manifest(workspace, known_tasks=known, inherited=first)

    assert first == change()
    assert (again, problem) == (
        None,
        f"{PLACE}: it is word for word that of the parent, and says nothing of this change",
    )


@pytest.mark.parametrize(
    ("hopes", "fears", "verdict", "hit_rate"),
    [
        (["up-1"], [], Verdict.EFFECTIVE, 1.0),
        (["up-1", "up-2"], ["same-1"], Verdict.EFFECTIVE, 1.0),
        (["up-1", "same-1"], [], Verdict.PARTLY, 0.5),
        (["up-1"], ["down-1"], Verdict.MIXED, 1.0),
        (["up-1", "down-1"], [], Verdict.MIXED, 0.5),
        (["same-1"], [], Verdict.INEFFECTIVE, 0.0),
        (["down-1"], [], Verdict.HARMFUL, 0.0),
        ([], ["down-1"], Verdict.HARMFUL, None),
        ([], [], Verdict.NO_PREDICTION, None),
        ([], ["same-1"], Verdict.NO_PREDICTION, None),
    ],
)
def test_a_change_is_judged_by_the_tasks_it_speaks_of(
    hopes: list[str], fears: list[str], verdict: Verdict, hit_rate: float | None
) -> None:
    parent = judged({"up-1": 0.0, "up-2": 0.5, "same-1": 0.5, "down-1": 1.0})
    child = judged({"up-1": 1.0, "up-2": 0.75, "same-1": 0.5, "down-1": 0.5})

    found = observed(change(predicted_fixes=hopes, risk_tasks=fears), parent, child)

    assert (found["changes"][0]["verdict"], found["changes"][0]["hit_rate"]) == (verdict.value, hit_rate)


def test_predictions_are_held_against_results_as_a_whole() -> None:
    parent = judged({"up-1": 0.0, "up-2": 0.5, "down-1": 1.0, "down-2": 1.0})
    child = judged({"up-1": 1.0, "up-2": 0.75, "down-1": 0.5, "down-2": 0.0})
    manifest = change(predicted_fixes=["up-1", "down-1"], risk_tasks=["down-2"], files=["AGENTS.md", "x"])

    assert observed(manifest, parent, child, changed=["AGENTS.md", "y"]) == {
        "declared": True,
        "fixed": [
            {"task": "up-1", "before": 0.0, "after": 1.0},
            {"task": "up-2", "before": 0.5, "after": 0.75},
        ],
        "regressed": [
            {"task": "down-1", "before": 1.0, "after": 0.5},
            {"task": "down-2", "before": 1.0, "after": 0.0},
        ],
        "changes": [
            {
                "id": "guide",
                "component": "prompt",
                "verdict": "mixed",
                "hit_rate": 0.5,
                "fixed": ["up-1"],
                "missed": ["down-1"],
                "harmed": ["down-1", "down-2"],
            }
        ],
        "predicted": 2,
        "hits": 1,
        "hit_rate": 0.5,
        "fixed_unpredicted": ["up-2"],
        "regressions_foreseen": ["down-2"],
        "regressions_unforeseen": ["down-1"],
        "files_unsaid": ["y"],
        "files_unchanged": ["x"],
    }


def test_without_a_manifest_what_moved_is_told_all_the_same() -> None:
    found = observed(None, judged({"a-1": 0.0}), judged({"a-1": 1.0}))

    assert (found["declared"], found["fixed_unpredicted"], found["hit_rate"]) == (False, ["a-1"], None)


def test_a_difference_within_the_margin_and_a_task_that_one_side_lacks_count_for_nothing() -> None:
    assert moved_tasks(judged({"a-1": 0.5, "b-2": 0.0}), judged({"a-1": 0.6}), margin=0.2) == ([], [])
