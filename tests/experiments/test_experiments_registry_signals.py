"""Done signals: what the language says, what it refuses, and what it never takes for true."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from registry_scene import evidence_of

from honing.errors import RegistryError
from honing.experiments.registry.evidence import Evidence, Places
from honing.experiments.registry.expression import Expression
from honing.experiments.registry.judging import Read

METRICS = {"ok": True, "score": 0.75, "one": 1, "name": "accuracy", "none": None, "ends": [0.5, 1.0]}
SUMMARY = {
    "targets": [
        {"target": "b", "rollout_ok": True, "metrics": {"ok": True, "score": 1.0}},
        {"target": "a", "rollout_ok": True, "metrics": {"ok": False, "score": None}},
    ],
    "order": ["b", "a"],
    "empty": [],
}


@pytest.mark.parametrize(
    ("signal", "holds"),
    [
        ("metrics.ok", True),
        ("metrics.ok == true", True),
        ("metrics.ok != true", False),
        ('metrics["ok"]', True),
        ("number(metrics.score)", True),
        ("number(metrics.ok)", False),
        ("number(metrics.none)", False),
        ("metrics.one == true", False),
        ("metrics.one == 1", True),
        ("metrics.none == null", True),
        ("0.7 < metrics.score <= 0.75", True),
        ("abs(metrics.score - 0.7) < 0.1", True),
        ("metrics.score * 4 == 3", True),
        ("-metrics.score < 0", True),
        ("not metrics.ok or metrics.one > 0", True),
        ("metrics.name in ['accuracy', 'f1']", True),
        ("'score' in metrics", True),
        ("'points' not in metrics", True),
        ("len(summary.targets) > 0", True),
        ("len(summary.empty) > 0", False),
        ("metrics.ends[-1] == max(metrics.ends)", True),
        ("sum(metrics.ends) == 1.5 and min(metrics.ends) == 0.5", True),
        ("all(t.rollout_ok for t in summary.targets)", True),
        ("all(t.metrics.ok for t in summary.targets)", False),
        ("any(t.metrics.ok for t in summary.targets)", True),
        ("all(number(t.metrics.score) for t in summary.targets if t.metrics.ok)", True),
        ("len([t for t in summary.targets if t.metrics.ok]) == 1", True),
        ('order(summary.targets, "targets.txt")', True),
        ('order(summary.order, "targets.txt")', True),
        ('order(["a", "b"], "targets.txt")', False),
        ("order([], [])", False),
        ("order([t.target for t in summary.targets], summary.order)", True),
        ("exists(metrics)", True),
        ("exists(metrics.score)", True),
        ("exists(metrics.points)", False),
        ("exists(nothing)", False),
        ("exists(metrics.none)", False),
        ("exists(metrics.points) and metrics.points > 1", False),
        ("rollout_ok", True),
        ("output.rollout_ok == true", True),
        ("count(metrics) == 1", True),
    ],
)
def test_a_signal_means_what_it_says(signal: str, *, holds: bool, tmp_path: Path) -> None:
    (tmp_path / "targets.txt").write_text("# in this order\nb\n\na  # the second\n")
    evidence = evidence_of(
        tmp_path,
        {"metrics.json": METRICS, "summary.json": SUMMARY, "commands/output.json": {"rollout_ok": True}},
        {"metrics": "metrics.json", "summary": "{run}/summary.json"},
    )

    assert evidence.judge(signal).holds is holds


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        ("metrics.points > 1", "metrics has no 'points'; it has ok, score, one, name, none, ends"),
        ("metrics.score", "it is 0.75, which is neither true nor false"),
        ("metrics.ends[5] == 1", "metrics.ends has 2 members, so there is no [5]"),
        ("metrics.score.ok", "metrics.score is 0.75, expected a record with 'ok' in it"),
        ("metrics.one and metrics.ok", "metrics.one is 1, expected true or false"),
        ("metrics.name > 1", "metrics.name > 1: 'accuracy' and 1 have no order"),
        ("metrics.name * 3 == 1", "metrics.name is 'accuracy', expected a number"),
        ("1 / (metrics.one - 1) > 0", "1 / (metrics.one - 1): division by zero"),
        ("all(x for x in [])", "all((x for x in [])): there is nothing to look at"),
        ("all(x for x in metrics.name)", "metrics.name is 'accuracy', expected a list"),
        ("len(metrics.score) > 0", "len(metrics.score): 0.75 has no length"),
        ("order(metrics.ends, metrics.ends)", "metrics.ends holds 0.5, expected texts or records of targets"),
        ("metrics.score > 0.9", "it does not hold: metrics.score is 0.75"),
        ("gone.ok", "no file matches gone ({run}/gone.json)"),
    ],
)
def test_a_signal_that_does_not_hold_says_why(signal: str, reason: str, tmp_path: Path) -> None:
    evidence = evidence_of(
        tmp_path, {"metrics.json": METRICS}, {"metrics": "{run}/metrics.json", "gone": "{run}/gone.json"}
    )

    verdict = evidence.judge(signal)

    assert (verdict.holds, verdict.reason) == (False, reason)


def test_a_verdict_shows_every_value_that_was_read(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, {"summary.json": SUMMARY})

    verdict = evidence.judge("len(summary.targets) == 2 and all(t.metrics.ok for t in summary.targets)")

    assert verdict.reads == (
        Read(name="summary.targets", value="a list of 2"),
        Read(name="t.metrics.ok", value=True),
        Read(name="t.metrics.ok", value=False),
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "metrics.__class__",
        "().__class__.__bases__[0]",
        "(lambda: 1)()",
        "metrics.ok if True else False",
        "metrics.items()",
        "f'{metrics}'",
        "{x: 1 for x in metrics}",
        "[x for x in a for y in b]",
        "all(x async for x in a)",
        "metrics[0:2]",
        "metrics[other]",
        "10 ** 10 ** 10",
        "1 << 99",
        "'a' % 1",
        "(x := 1)",
        "number(metrics.score, 2)",
        "len(obj=metrics)",
        "len(*metrics)",
        "...",
        "b'bytes'",
        "metrics is None",
        "yield",
        "import os",
        "ok; ok",
        "",
        "(" * 300 + "1" + ")" * 300,
        "a" + ".b" * 200,
        "-" * 400 + "1",
        "not " * 200 + "true",
        "a or " * 190 + "a",
        "x" * 2000,
        "metrics\x00.ok",
        "[len for len in metrics]",
    ],
)
def test_a_hostile_expression_is_refused_before_anything_is_read(hostile: str) -> None:
    with pytest.raises(RegistryError):
        Expression.parse(hostile)


def test_a_refusal_names_the_column() -> None:
    with pytest.raises(RegistryError, match="column 16: only these functions can be called: abs, all, any"):
        Expression.parse("metrics.ok and open('x')")


def test_an_endless_loop_over_long_lists_ends(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, {"long.json": list(range(2000))})

    verdict = evidence.judge("all(all(a != b + 5000 for b in long) for a in long)")

    assert (verdict.holds, "more than 500000 steps" in verdict.reason) == (False, True)


@pytest.mark.parametrize(
    ("name", "content", "signal"),
    [
        ("rows.tsv", "id\tscore\tok\na\t0.5\ttrue\nb\t1\tfalse\n", "rows[1].score == 1 and rows[0].ok"),
        ("rows.csv", 'id,text\n1,"a, b"\n', 'rows[0].text == "a, b" and rows[0].id == 1'),
        ("rows.jsonl", '{"ok": true}\n\n{"ok": true}\n', "len(rows) == 2 and all(r.ok for r in rows)"),
        ("rows.txt", "first\nsecond\n", 'rows[-1] == "second"'),
        ("rows.json", "[1, 2]", "sum(rows) == 3"),
    ],
)
def test_values_come_from_json_jsonl_tables_and_text(
    name: str, content: str, signal: str, tmp_path: Path
) -> None:
    assert evidence_of(tmp_path, {name: content}).judge(signal).holds


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("rows.json", '{"ok": true, "ok": true}', "the key 'ok' twice"),
        ("rows.json", '{"ok": NaN}', "contains NaN"),
        ("rows.json", "{", "not JSON"),
        ("rows.jsonl", '{"ok": true}\n{"ok"', "rows.jsonl:2"),
        ("rows.png", "x", "only exists() and count() can be asked"),
    ],
)
def test_a_damaged_artifact_holds_nothing(name: str, content: str, reason: str, tmp_path: Path) -> None:
    verdict = evidence_of(tmp_path, {name: content}).judge("exists(rows) and rows.ok")

    assert (verdict.holds, reason in verdict.reason) == (False, True)


def test_of_several_files_every_one_must_hold(tmp_path: Path) -> None:
    good: dict[str, Any] = {f"{name}/metrics.json": {"ok": True} for name in "ab"}
    pattern = {"metrics": "{run}/*/metrics.json"}
    before = evidence_of(tmp_path, good, pattern).judge("metrics.ok and count(metrics) == 2")
    after = evidence_of(tmp_path, {"c/metrics.json": {"ok": False}}, pattern).judge("metrics.ok")

    assert before.holds
    assert (after.holds, after.reason) == (False, "c/metrics.json: it does not hold: metrics.ok is False")


def test_what_is_only_counted_stands_for_all_its_files_at_once(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, {"a.csv": "x\n1\n", "b.csv": "x\n2\n"}, {"tables": "*.csv"})

    assert (evidence.value_of("count(tables)"), evidence.value_of("tables[0].x")) == (2, [1, 2])
    assert evidence.judge("count(tables) == 2 and exists(tables)").reads == ()


def test_a_link_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text('{"ok": true}')
    run = tmp_path / "run"
    (run / "folder").mkdir(parents=True)
    (run / "metrics.json").symlink_to(tmp_path / "elsewhere.json")
    evidence = evidence_of(run, {}, {"metrics": "metrics.json"})

    assert not evidence.judge("exists(metrics)").holds
    assert not evidence.judge("metrics.ok").holds


@pytest.mark.parametrize(("age_s", "holds"), [(10.0, True), (-10.0, False)], ids=["younger", "older"])
def test_a_file_outside_of_the_run_counts_where_it_is_younger_than_the_run(
    age_s: float, *, holds: bool, tmp_path: Path
) -> None:
    file = tmp_path / "metrics.json"
    file.write_text('{"ok": true}')
    os.utime(file, (1000.0 + age_s, 1000.0 + age_s))
    places = Places(values={"run": str(tmp_path / "run"), "root": str(tmp_path)}, created=1000.0)

    assert Evidence({"metrics": "{root}/metrics.json"}, places).judge("metrics.ok").holds is holds


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../other/metrics.json", "{root}/../x.json", "{root}/"])
def test_an_artifact_outside_of_its_folder_is_refused(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="must lie below"):
        evidence_of(tmp_path, {}, {"metrics": pattern}).judge("metrics.ok")
