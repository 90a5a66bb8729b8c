"""What a sweep decides without a model: fixed samples, what is left to train on, paired changes."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sweep_scene import TUNING, WORDS, spec_of, write_rows, write_target

from honing.contract import Session, SetupOptions
from honing.errors import (
    HoningError,
    LeakageError,
    ModelServerError,
    SandboxError,
    TargetError,
    UsageError,
)
from honing.experiments import SweepOptions, forecast_sweep, sweep
from honing.experiments.sweep.answering import StageModel
from honing.experiments.sweep.base_model import BaseModel
from honing.experiments.sweep.collecting import Collector, rows_of_files
from honing.experiments.sweep.fixed import KnownTarget, fix_samples, fixed_prompts
from honing.experiments.sweep.measuring import Outcome, Rows
from honing.experiments.sweep.opening import opened
from honing.experiments.sweep.report import report_of
from honing.experiments.sweep.spec import slugs
from honing.experiments.sweep.stages import Stage, change, ok, score_of_others
from honing.learn import TextRow, prompt_digest
from honing.store import Run
from honing.view import render


def fixed(tmp_path: Path, targets: tuple[str, ...], **given: object) -> list[KnownTarget]:
    run = Run.create(tmp_path / "runs", kind="sweep", config={}, command=(), seed=0)
    return fix_samples(run, spec_of("m", targets, **given), SweepOptions(), SetupOptions(home=tmp_path / "h"))


def outcome(target: str, scores: dict[str, list[float]], **given: Any) -> Outcome:
    prompts = {task: prompt_digest(task) for task in scores}
    usual: dict[str, Any] = {"rollout_ok": True, "evaluation_ok": True, "metrics": {"ok": True, "score": 0.5}}
    return Outcome(target=target, model="m", scores=scores, prompts=prompts, **{**usual, **given})


def stage(number: int, *outcomes: Outcome) -> Stage:
    return Stage(number=number, outcomes={Rows.SMOKE: list(outcomes)})


@pytest.fixture
def target(tmp_path: Path) -> str:
    return str(write_target(tmp_path / "words", {f"Which number has {w} ?": n for n, w in enumerate(WORDS)}))


def test_the_fixed_sample_and_what_is_left_to_train_on_share_no_row_and_no_prompt(
    tmp_path: Path, target: str
) -> None:
    (known,) = fixed(tmp_path, (target,))

    left = {row.id for row in known.pool}
    assert len(known.sample.ids) == 10
    assert left.isdisjoint(known.sample.ids)
    assert {prompt_digest(row.prompt) for row in known.pool}.isdisjoint(known.sample.prompts.values())
    assert len(left) + 10 == len(WORDS)


def test_a_row_that_asks_what_a_fixed_row_asks_is_not_trained_on(tmp_path: Path) -> None:
    folder = write_target(tmp_path / "words", {f"Number of {word} ?": n for n, word in enumerate(WORDS[:8])})
    path = folder / "test.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, *(line.replace(" ?", "  ?") for line in lines)]) + "\n")

    (known,) = fixed(tmp_path, (str(folder),), rows_per_target=6)

    assert len(known.sample.ids) == 6
    assert len({prompt_digest(row.prompt) for row in known.pool}) == 2
    assert fixed_prompts([known]).isdisjoint({prompt_digest(row.prompt) for row in known.pool})


def test_the_same_seed_fixes_the_same_rows_and_another_seed_others(tmp_path: Path, target: str) -> None:
    first, again, other = (
        fixed(tmp_path / name, (target,), seed=seed)[0] for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )

    assert first == again
    assert first.sample.ids != other.sample.ids


def test_the_fixed_sample_is_chosen_once_and_files_that_change_are_refused(
    tmp_path: Path, target: str
) -> None:
    run = Run.create(tmp_path / "runs", kind="sweep", config={}, command=(), seed=0)
    given = (spec_of("m", (target,)), SweepOptions(), SetupOptions(home=tmp_path / "h"))
    first = fix_samples(run, *given)

    assert fix_samples(run, *given) == first
    (Path(target) / "test.jsonl").write_text('{"question": "Which number has ka ?", "answer": "#### 3"}\n')
    with pytest.raises(UsageError, match="its files have changed since the sweep chose its fixed sample"):
        fix_samples(run, *given)


def test_segments_learn_from_other_rows_for_as_long_as_there_are_some(tmp_path: Path, target: str) -> None:
    (known,) = fixed(tmp_path, (target,))

    parts = tuple(known.rows_for(segment, 8) for segment in range(5))

    seen = [row.id for part in parts for row in part]
    assert len(seen) == 40
    assert set(seen) == {row.id for row in known.pool}
    assert len(set(seen)) == 38


def test_a_target_that_cannot_be_read_is_known_by_its_reason(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    (known,) = fixed(tmp_path, (str(tmp_path / "empty"),))

    assert (known.sample.ids, known.pool, known.sample.limit) == ((), (), 10)
    assert known.sample.reason


def test_rows_of_the_user_that_are_measured_are_removed_and_counted(tmp_path: Path, target: str) -> None:
    (known,) = fixed(tmp_path, (target,))
    (mine, *_) = known.pool
    overlap = [f"  Which number has {word} ?" for word in WORDS]
    asked = [TextRow(prompt=text + mine.prompt.partition("?")[2], completion="#### 1") for text in overlap]
    path = write_rows(tmp_path / "mine.jsonl", [*asked, TextRow(prompt="Say yes", completion="yes")])

    rows, files = rows_of_files(spec_of("m", (target,), train_data=(path,)), fixed_prompts([known]))

    assert [(one.rows, one.removed) for one in files] == [(49, 10)]
    assert len(rows) == 39
    assert {row.digest for row in rows}.isdisjoint(fixed_prompts([known]))


class Failing:
    """Targets that cannot be opened, for a reason of ours or of theirs."""

    def __init__(self, error: HoningError) -> None:
        self.error = error

    @contextmanager
    def session(self, name: str) -> Iterator[Session]:
        raise self.error
        yield


@pytest.mark.parametrize("error", [SandboxError("the disk is full"), ModelServerError("500")])
def test_a_failure_of_ours_while_rows_are_collected_is_no_word_on_the_target(
    tmp_path: Path, target: str, error: HoningError
) -> None:
    collect, folder = collector(tmp_path, target, error)

    with pytest.raises(type(error)):
        collect.rows_of(0, StageModel("base", folder))
    assert not (collect.run.path / "seg_0" / "train" / "data.json").exists()


def test_a_target_that_fails_while_rows_are_collected_is_left_out_with_its_reason(
    tmp_path: Path, target: str
) -> None:
    collect, folder = collector(tmp_path, target, TargetError("its grader is broken"))
    found = collect.rows_of(0, StageModel("base", folder))

    assert (found.rows, found.targets[0].reason) == ((), "TargetError: its grader is broken")


def collector(tmp_path: Path, target: str, error: HoningError) -> tuple[Collector, Path]:
    """What collects rows of a target that fails, and the folder of a model that is never loaded."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    run = Run.create(tmp_path / "sweeps", kind="sweep", config={}, command=(), seed=0)
    known = fixed(tmp_path, (target,))
    open_targets = Failing(error)
    spec = spec_of(model, (target,))
    return Collector(run=run, spec=spec, known=known, open=open_targets, fixed=fixed_prompts(known)), model


def test_a_sweep_of_a_name_is_never_begun_anew_in_its_place(tmp_path: Path, target: str) -> None:
    base = BaseModel(name="m", folder=tmp_path, digest="d")
    spec = spec_of(tmp_path, (target,))
    first = opened(spec, SweepOptions(home=tmp_path / "runs", name="mine"), base)

    with pytest.raises(UsageError, match="mine is there already"):
        opened(spec, SweepOptions(home=tmp_path / "runs", name="mine", fresh=True), base)
    assert first.path.is_dir()


def test_a_file_of_nothing_but_measured_rows_is_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "mine.jsonl", [TextRow(prompt="a", completion="b")])

    with pytest.raises(LeakageError, match="all 1 rows have prompts of the fixed samples"):
        rows_of_files(spec_of("m", ("t",), train_data=(path,)), {prompt_digest("a")})


def test_a_target_that_moved_and_one_that_did_not_are_told_apart() -> None:
    tasks = [str(n) for n in range(40)]
    base = stage(
        -1,
        outcome("moved", {task: [0.0] for task in tasks}),
        outcome("still", {task: [float(n % 2)] for n, task in enumerate(tasks)}),
    )
    after = stage(
        0,
        outcome("moved", {task: [float(n < 20)] for n, task in enumerate(tasks)}),
        outcome("still", {task: [float((n + (n < 4)) % 2)] for n, task in enumerate(tasks)}),
    )

    moved, still = change(base, after, "moved")[0], change(base, after, "still")[0]

    assert moved is not None
    assert still is not None
    assert (moved.direction, moved.difference, moved.gained, moved.lost) == ("better", 0.5, 20, 0)
    assert (still.direction, still.difference, still.gained, still.lost) == ("undecided", 0.0, 2, 2)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"a": [1.0]}, None, "one of the two measurements is not ok"),
        ({}, {"a": [1.0]}, "the target gives no reward for each sample"),
        ({"a": [1.0]}, {"b": [1.0]}, "the two measured no task in common"),
    ],
    ids=["not measured", "no rewards", "other tasks"],
)
def test_a_change_that_cannot_be_paired_says_why(
    first: dict[str, list[float]], second: dict[str, list[float]] | None, reason: str
) -> None:
    after = stage(0) if second is None else stage(0, outcome("t", second))

    assert change(stage(-1, outcome("t", first)), after, "t") == (None, reason)


def test_a_target_whose_files_changed_is_not_compared() -> None:
    before = stage(-1, outcome("t", {"a": [0.0]}, content="x"))
    after = stage(0, outcome("t", {"a": [1.0]}, content="y"))

    assert change(before, after, "t") == (None, "the target's files changed between the two")


def test_a_sweep_is_ok_only_where_every_stage_measured_every_target() -> None:
    good, bad = outcome("t", {"a": [1.0]}), outcome("t", {}, evaluation_ok=False)

    assert ok([stage(-1, good)], ("t",), 0)
    assert not ok([stage(-1, good)], ("t",), 1)
    assert not ok([stage(-1, good), stage(0, good)], ("t",), 1), "a segment without training is not ok"
    assert not ok([stage(-1, bad)], ("t",), 0)
    assert not ok([stage(-1)], ("t",), 0)


def test_rows_that_were_trained_on_do_not_count_in_the_score_of_the_others() -> None:
    found = score_of_others(outcome("t", {"a": [1.0], "b": [0.0], "c": [0.0]}), {prompt_digest("a")})

    assert (found["n"], found["trained_on"], found["score"]) == (2, 1, 0.0)
    assert score_of_others(outcome("t", {"a": [1.0]}), {prompt_digest("a")}) == {
        "n": 0,
        "trained_on": 1,
        "score": None,
        "ci95": None,
    }


def test_folders_are_named_after_targets_and_numbered_where_names_repeat() -> None:
    targets = ("x/data/", "y/data", "https://hub.example/datasets/who/set", "pypi:tool==1.0")

    assert slugs(targets) == dict(zip(targets, ("data", "data~2", "set", "tool-1.0"), strict=True))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"targets": ()}, "no target is named"),
        ({"targets": ("t", "t")}, "a target is named twice: t"),
        ({"segments": 0}, "segments must be at least 1"),
        ({"collect_from": ("u",)}, "trained on but not among the targets: u"),
        ({"samples_per_target": 0}, "nothing to train on"),
        ({"training": replace(TUNING, learning_rate=0.0)}, "learning_rate must be above 0"),
    ],
    ids=["no target", "twice", "no segment", "unknown", "no data", "no rate"],
)
def test_a_sweep_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        spec_of("m", given.pop("targets", ("t",)), **given)


def test_a_forecast_counts_answers_and_steps_without_a_model(tmp_path: Path, target: str) -> None:
    found = forecast_sweep(
        spec_of("m", (target,), full_after_last=True), SweepOptions(home=tmp_path / "runs")
    )

    assert found == {
        "base_model": "m",
        "targets": [
            {
                "target": target,
                "population": 48,
                "fixed_rows": 10,
                "smoke_answers": 30,
                "training_answers": 16,
                "full_answers": 48,
                "reason": "",
            }
        ],
        "segments": 2,
        "optimiser_steps": 24,
        "rows_trained_on": 288,
        "smoke_answers": 30,
        "training_answers": 16,
        "full_answers": 48,
        "cost_usd": 0.0,
    }
    assert not (tmp_path / "runs").exists()


def test_the_page_of_a_sweep_that_has_just_begun_renders() -> None:
    document = {
        "ok": False,
        "base_model": {"name": "<m>"},
        "segments_planned": 1,
        "steps_per_segment": 2,
        "targets": ["<t>"],
        "base": None,
        "segments": [],
    }

    page = render(report_of(document, []))

    assert "&lt;m&gt;" in page
    assert "<m>" not in page


def test_no_code_of_a_sweep_compares_a_target_with_a_name() -> None:
    """Every string that a sweep compares with is one of its own words."""
    own = {"feature", "maximize"}
    for path in Path(sweep.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                texts = {
                    one.value
                    for side in (node.left, *node.comparators)
                    for one in ast.walk(side)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
                assert "target" not in ast.unparse(node).partition("[")[0] or not texts - own, json.dumps(
                    [path.name, ast.unparse(node)]
                )
