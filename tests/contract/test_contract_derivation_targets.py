"""Contracts of whole targets from the commands that their own pages name, and what they measure."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from named_targets import ROWS, combined_target, judging_target, questions

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.derive import GapError, contract_for
from honing.contract.spec import MetricsSource
from honing.errors import MetricsError, TargetError, UsageError
from honing.executors import SilentProgress, Tally

FULL = RolloutOptions(mode=Mode.FULL)


def test_data_ask_and_the_target_s_own_command_judges(tmp_path: Path) -> None:
    derived = contract_for(judging_target(tmp_path / "sums"))

    stages = derived.spec.stages
    assert derived.by == "derivation"
    assert derived.task is not None
    assert stages.evaluate.commands == ("python grade.py my_samples.jsonl",)
    assert (stages.rollout.samples, stages.rollout.samples_columns) == (
        "my_samples.jsonl",
        {"id": "id", "response": "completion"},
    )
    assert derived.spec.metric.discover
    anchors = {one.part: one.anchor for one in derived.spec.provenance}
    assert anchors == {"stages.evaluate": "README.md:9", "stages.rollout.samples_columns": "README.md:6"}


def test_a_derived_contract_is_the_same_after_it_was_written_and_read(tmp_path: Path) -> None:
    from honing.contract import dump_contract, load_contract

    spec = contract_for(judging_target(tmp_path / "sums")).spec
    path = tmp_path / "contract.yaml"
    path.write_text(dump_contract(spec))

    assert load_contract(path) == spec


def test_whoever_asks_for_the_data_gets_our_scorer(tmp_path: Path) -> None:
    spec = contract_for(judging_target(tmp_path / "sums"), choices={"contract": "data"}).spec

    assert (spec.stages.evaluate.commands, spec.metric.discover) == ((), False)


@pytest.mark.parametrize(
    "needs_all",
    [
        pytest.param(False, id="takes some rows", marks=pytest.mark.slow),
        pytest.param(True, id="needs every row"),
    ],
)
def test_an_evaluate_command_is_measured_by_its_own_number(tmp_path: Path, needs_all: bool) -> None:  # noqa: FBT001
    target = judging_target(tmp_path / "sums", needs_all=needs_all)
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/skilled-0.75", RolloutOptions(mode=Mode.SMOKE))
        result = session.evaluate()
        rows = [json.loads(line) for line in (session.run.path / "samples.jsonl").read_text().splitlines()]
        settled = session.contract

    answers = {row["id"]: row["answer"] for row in ROWS}
    right = sum(row["completion"].strip() == answers[row["id"]] for row in rows)
    assert settled.metric.name == "accuracy"
    assert settled.stages.evaluate.source is MetricsSource.STDOUT
    assert settled.stages.rollout.whole is needs_all
    assert len(rows) == (24 if needs_all else 16)
    assert result.metrics["level"] == "L5"
    assert result.score == pytest.approx(right / len(rows))
    assert 0.4 < right / len(rows) < 1


def test_a_combined_command_is_led_to_the_gateway_and_its_gold_is_the_user_s_file(tmp_path: Path) -> None:
    data = tmp_path / "elsewhere" / "questions.jsonl"
    data.parent.mkdir()
    data.write_text(questions())
    options = SetupOptions(home=tmp_path / "runs", env={"QUESTIONS_PATH": str(data)})
    with setup(combined_target(tmp_path / "sums"), options) as session:
        derived = session.contract
        session.rollout("scripted/perfect", FULL)
        result = session.evaluate()
        settled = session.contract

    assert derived.stages.benchmark.commands == (
        'python evaluate.py --model "$HONING_MODEL" --output honing-output '
        '--base-url "$OPENAI_BASE_URL" --api-key "$OPENAI_API_KEY"',
    )
    assert derived.oracle is not None
    assert derived.oracle.table is not None
    assert (derived.oracle.table.variable, derived.oracle.table.match, derived.oracle.table.completion) == (
        "QUESTIONS_PATH",
        "question",
        ("answer",),
    )
    assert (settled.metric.path, settled.stages.evaluate.metrics_path) == (
        "scores.accuracy",
        "honing-output/*.json",
    )
    assert (result.ok, result.score, result.metrics["level"]) == (True, 1.0, "L5")
    assert result.metrics["n_scored"] == len(ROWS)


def test_the_command_in_a_container_is_named_as_passed_over_when_nothing_else_is_left(tmp_path: Path) -> None:
    target = combined_target(tmp_path / "sums")
    page = (target / "README.md").read_text()
    (target / "README.md").write_text(page.partition("Without a container")[0])

    with pytest.raises(GapError) as raised:
        contract_for(target)

    assert raised.value.document["level"] == "L2"
    assert raised.value.document["hints"][0].startswith("README.md:9: `docker run --rm example/sums")
    assert "it needs a container engine" in raised.value.document["hints"][0]


def test_a_metric_that_no_answer_moves_ends_before_the_model_is_asked(tmp_path: Path) -> None:
    target = judging_target(tmp_path / "sums")
    (target / "grade.py").write_text("print('accuracy: 1.0')\n")
    with (
        setup(target, SetupOptions(home=tmp_path / "runs")) as session,
        pytest.raises(MetricsError) as raised,
    ):
        session.rollout("scripted/perfect", FULL)

    run = next((tmp_path / "runs").glob("2*"))
    assert "accuracy: oracle 1, null 1, shuffled 1" in str(raised.value)
    assert json.loads((run / "metric_discovery.json").read_text())["found"] is False
    assert "model.scripted/perfect" not in (run / "logs" / "calls.jsonl").read_text()


class Interrupting(SilentProgress):
    """Somebody presses Ctrl-C as soon as the controls begin."""

    def begin(self, tally: Tally) -> None:
        if tally.step == "calibrate":
            raise KeyboardInterrupt


def test_an_interrupted_measurement_takes_its_trials_from_the_journal(tmp_path: Path) -> None:
    target = judging_target(tmp_path / "sums")
    options = SetupOptions(home=tmp_path / "runs")
    settled, commands = [], []
    for _ in range(2):
        session = setup(target, options, intent={"model": "scripted/perfect"})
        session.progress = Interrupting()
        with pytest.raises(KeyboardInterrupt), session:
            session.calibrate()
        settled.append(session.contract)
        commands.append(sum(record.kind == "command" for record in session.run.evidence().read()))

    assert len(list((tmp_path / "runs").glob("2*"))) == 1
    assert settled[0] == settled[1]
    assert not settled[1].metric.discover
    assert commands[0] == commands[1]


HOLED = """
    # Sums

    ## Evaluation

    ```bash
    python evaluate.py --model <model> --output results --profile <PROFILE_NAME>
    ```
    """


def test_holes_are_kept_shown_and_filled_by_the_user(tmp_path: Path) -> None:
    target = combined_target(tmp_path / "sums")
    (target / "README.md").write_text(textwrap.dedent(HOLED))

    open_ = contract_for(target).spec
    name = open_.holes[0].name
    closed = contract_for(target, choices={name: "small"}).spec

    assert [(hole.text, hole.anchor) for hole in open_.holes] == [("<PROFILE_NAME>", "README.md:7")]
    assert f"{{{{{name}}}}}" in open_.stages.benchmark.commands[0]
    assert (closed.holes, "--profile small" in closed.stages.benchmark.commands[0]) == ((), True)


def test_damaged_data_without_commands_is_a_gap_and_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"a": 1')

    with pytest.raises(TargetError, match=r"rows\.json") as raised:
        contract_for(tmp_path)

    assert isinstance(raised.value, GapError)
    assert raised.value.document["reason"] == "unreadable"


@pytest.mark.parametrize("date", ["yesterday", "2024-13-01", "2024-1-1"])
def test_a_date_is_a_date(date: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        contract_for(judging_target(tmp_path / "sums"), as_of=date)


def test_other_data_handed_over_by_a_variable_is_another_run(tmp_path: Path) -> None:
    from honing.contract.results.outputs import run_config
    from honing.contract.target import resolve
    from honing.store import TreeStore

    data = tmp_path / "questions.jsonl"
    target = resolve(combined_target(tmp_path / "sums"), TreeStore(tmp_path / "trees"))
    configs = []
    for text in (questions(), questions() + "\n"):
        data.write_text(text)
        configs.append(run_config(target, SetupOptions(env={"QUESTIONS_PATH": str(data)}), {}))

    assert configs[0] != configs[1]
    assert configs[0]["options"]["env"] == configs[1]["options"]["env"]
