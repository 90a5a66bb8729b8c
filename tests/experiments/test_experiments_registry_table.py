"""Tables and statuses: judged from the disk each time, and nothing remembered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from registry_scene import WRITES, Scene, scene_of

from honing.errors import RegistryError
from honing.experiments import (
    ExperimentMode,
    registry_document,
    rows_of,
    standing_document,
    write_benchmark_results,
)
from honing.experiments.registry.table import cell, code, markdown_table, matrix_table, registry_table

ROWS = """\
  - id: Hosted
    name: hosted run
    category: Real benchmark
    target: numbers
    agent: hosted agent
    recorded: {baseline: 0.05, best: 1.0, source: a page, date: "2026-04-01", summary: solved | at once}
  - id: Early
    name: early run
    category: Early development
    target: numbers
    agent: local agent
    recorded: {baseline: 0.2, best: crash, status: historical, source: notes}
grids:
  - category: Real benchmark
    targets: [numbers, letters]
    agents: [a program, hosted agent]
    notes: "nobody has run {agent} on {target}"
"""


def registered(folder: Path) -> Scene:
    return scene_of(folder, WRITES + ROWS)


def edit(file: Path) -> None:
    file.write_text(file.read_text().replace("0.5", "0.9"))


def spoil(file: Path) -> None:
    file.write_text(json.dumps({"ok": False, "score": 0.5}))


CHANGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("runs/E1-smoke/metrics.json", Path.unlink, "runs/E1-smoke/metrics.json is gone"),
    ("runs/E1-smoke/metrics.json", edit, "runs/E1-smoke/metrics.json was changed since"),
    ("runs/E1-smoke/metrics.json", spoil, "runs/E1-smoke/metrics.json was changed since"),
    ("runs/E1-smoke/commands/output.json", Path.unlink, "runs/E1-smoke/commands/output.json is gone"),
    ("runs/E1-smoke", shutil.rmtree, "result.json is gone"),
    ("results/E1-smoke.json", edit, "E1-smoke.json differs from"),
    ("results/E1-smoke.json", lambda file: file.write_text("{"), "not JSON"),
    (
        "experiments.yaml",
        lambda file: file.write_text(file.read_text().replace("m.py {", "m.py  {")),
        "commands",
    ),
]


@pytest.mark.parametrize(
    ("name", "change", "told"),
    CHANGES,
    ids=[
        "deleted",
        "edited",
        "spoilt",
        "output",
        "run",
        "result edited",
        "result damaged",
        "command changed",
    ],
)
def test_a_box_is_unticked_once_its_evidence_is_not_what_it_was(
    name: str, change: Callable[[Path], object], told: str, tmp_path: Path
) -> None:
    scene = registered(tmp_path)
    scene.run()
    before = scene.states()
    change(tmp_path / name)

    ((experiment, state, reason),) = scene.states()

    assert before == [("E1", "passed", "")]
    assert (experiment, state, told in reason) == ("E1", "changed", True)
    assert (scene.standings()[0].status, "[ ] | - |" in matrix_table(scene.standings())) == ("missing", True)


def test_a_result_that_is_gone_was_never_there(tmp_path: Path) -> None:
    scene = registered(tmp_path)
    scene.run()
    (scene.results / "E1-smoke.json").unlink()

    assert scene.states() == [("E1", "absent", "not run here")]


def test_a_signal_that_was_added_since_is_judged_too(tmp_path: Path) -> None:
    scene = registered(tmp_path)
    scene.run()
    file = tmp_path / "experiments.yaml"
    file.write_text(file.read_text().replace("[rollout_ok,", "[metrics.score > 0.9, rollout_ok,"))

    assert scene.states() == [
        ("E1", "failed", "`metrics.score > 0.9`: it does not hold: metrics.score is 0.5")
    ]


def test_an_artifact_that_was_edited_together_with_its_records_still_has_to_hold(tmp_path: Path) -> None:
    """Whoever forges every record can forge figures, but cannot keep a signal from being judged."""
    scene = registered(tmp_path)
    scene.run()
    spoil(tmp_path / "runs/E1-smoke/metrics.json")
    found = scene.run(fresh=True).artifacts[0].sha256
    assert found
    records = [scene.results / "E1-smoke.json", tmp_path / "runs/E1-smoke-2/result.json"]
    spoil(tmp_path / "runs/E1-smoke-2/metrics.json")
    forged = sha256(tmp_path / "runs/E1-smoke-2/metrics.json")
    for record in records:
        record.write_text(record.read_text().replace(found, forged))

    ((_, state, reason),) = scene.states()

    assert (state, reason) == ("failed", "`metrics.ok == true`: it does not hold: metrics.ok is False")


def test_the_matrix_has_the_seeds_columns_and_a_dash_where_there_is_no_command(tmp_path: Path) -> None:
    scene = registered(tmp_path)
    scene.run()

    assert matrix_table(scene.standings()).splitlines() == [
        "| ID | Name | Config/Script | Command | Metrics | Artifacts | Smoke | Full |",
        "|---|---|---|---|---|---|---|---|",
        "| E1 | writes a score | - | `python program.py {run}/metrics.json` | `metrics.score` "
        "| `{run}/metrics.json` | [x] | - |",
    ]


def test_the_registry_says_what_each_figure_rests_on_and_what_nobody_has_run(tmp_path: Path) -> None:
    scene = registered(tmp_path)
    scene.run()

    assert registry_table(scene.standings()).splitlines()[2:] == [
        "| Tests | numbers | a program | `-` -> `0.500` | local artifact |  |",
        "| Real benchmark | numbers | hosted agent | `0.050` -> `1.000` | documented | solved \\| at once |",
        "| Early development | numbers | local agent | `0.200` -> `crash` | historical |  |",
        "| Real benchmark | letters | a program | - | missing | nobody has run a program on letters |",
        "| Real benchmark | letters | hosted agent | - | missing | nobody has run hosted agent on letters |",
    ]


def test_without_evidence_a_row_that_has_only_a_command_is_missing(tmp_path: Path) -> None:
    assert [one.status.value for one in registered(tmp_path).standings()][:2] == ["missing", "documented"]


def test_a_run_that_failed_is_evidence_too_with_an_empty_box(tmp_path: Path) -> None:
    scene = scene_of(
        tmp_path, program="import sys; open(sys.argv[1], 'w').write('{\"ok\": false, \"score\": 0.1}')"
    )
    scene.run()

    (row,) = rows_of(scene.standings())

    assert (row["status"], row["smoke"], row["best"]) == ("local artifact", "failed", 0.1)
    assert "[x]" not in matrix_table(scene.standings())


def test_figures_are_of_the_full_mode_where_it_passed(tmp_path: Path) -> None:
    text = WRITES.replace(
        "{run}/metrics.json\n    art",
        "{run}/metrics.json\n      full: python full.py {run}/metrics.json\n    art",
    )
    scene = scene_of(tmp_path, text)
    scene.write("full.py", (tmp_path / "program.py").read_text().replace("0.5", "0.75"))
    scene.run()
    smoke = scene.standings()[0].figures
    scene.run(mode=ExperimentMode.FULL)

    assert (smoke, scene.standings()[0].figures) == ((None, 0.5), (None, 0.75))


def test_the_details_hold_the_seeds_sections(tmp_path: Path) -> None:
    words = (
        "goal: To know.",
        "baseline: Nothing.",
        "resources: One core",
        "outputs: A file.",
        "notes: None.",
    )
    lines = "".join(f"    {line}\n" for line in words)
    scene = scene_of(tmp_path, WRITES.replace("    target:", f"{lines}    target:"))
    scene.run()

    text = registry_document(scene.standings(), details=True)

    titles = [line.strip("# ") for line in text.splitlines() if line.startswith("#")]
    assert titles == [
        "Matrix", "Latest Passing Runs", "Experiment Registry", "Details", "E1: writes a score",
    ]  # fmt: skip
    assert text.partition("### E1")[2].splitlines()[1:8] == [
        "- Goal: To know.",
        "- Baseline: Nothing.",
        "- Command:",
        "  - Smoke: `python program.py {run}/metrics.json`",
        "- Resources: One core.",
        "- Outputs: A file.",
        "- Required metrics: `rollout_ok`, `metrics.ok == true`, `number(metrics.score)`.",
    ]
    (passing,) = [line for line in text.splitlines() if line.startswith("- E1 smoke: passed ")]
    assert "UTC: `metrics.score = 0.5`, " in passing
    assert passing.endswith("run `runs/E1-smoke`.")


def test_writing_twice_writes_once_and_names_version_and_time(tmp_path: Path) -> None:
    scene = registered(tmp_path)
    scene.run()
    path, first = write_benchmark_results(scene.file(), scene.standings(), now=0.0)
    content = path.read_bytes()
    _, second = write_benchmark_results(scene.file(), scene.standings(), now=86400.0)

    assert (path.name, first, second, path.read_bytes() == content) == (
        "BENCHMARK_RESULTS.md",
        True,
        False,
        True,
    )
    assert b"Written by `hone experiment table --write` on 1970-01-01 00:00 UTC with honing " in content

    (tmp_path / "runs/E1-smoke/metrics.json").unlink()
    _, third = write_benchmark_results(scene.file(), scene.standings(), now=86400.0)

    assert third
    assert "[x]" not in path.read_text()


def test_a_file_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    scene = registered(tmp_path)
    path = scene.write("BENCHMARK_RESULTS.md", "# Mine\n")

    with pytest.raises(RegistryError, match="was not written by this command"):
        write_benchmark_results(scene.file(), scene.standings(), now=0.0)

    assert path.read_text() == "# Mine\n"


def test_what_is_shown_of_one_experiment_are_the_verdicts_of_now(tmp_path: Path) -> None:
    scene = registered(tmp_path)
    scene.run()

    found = standing_document(scene.standings()[0])

    assert found["smoke"]["signals"][2] == {
        "expression": "number(metrics.score)",
        "holds": True,
        "reason": "",
        "reads": [{"name": "metrics.score", "value": 0.5}],
    }
    assert (found["smoke"]["state"], found["full"], found["status"]) == ("passed", None, "local artifact")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a | b\nc", "a \\| b c"), ("<b>", "<b>"), ("", "")],
    ids=["bar and line end", "markup", "nothing"],
)
def test_no_text_breaks_out_of_its_cell(text: str, shown: str) -> None:
    assert cell(text) == shown
    assert markdown_table(("A",), [[text]]).count("\n") == 3


def test_code_with_backticks_is_fenced_by_more_of_them() -> None:
    assert (code("a"), code("`a` ``b``")) == ("`a`", "``` `a` ``b`` ```")


def sha256(file: Path) -> str:
    from honing.experiments.registry.evidence import Found

    return Found(file.parent, file.name).sha256()
