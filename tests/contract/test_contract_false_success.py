"""No false success: what is no evidence of a score yields none, and says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.session import EvaluationResult
from honing.errors import MetricsError, ModelServerError, StageError, UsageError
from honing.llm import ModelReply, ModelRequest
from honing.store import Run, RunStatus

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)


def measure(target: Path, home: Path, llm: str = "scripted/perfect") -> EvaluationResult:
    with setup(target, SetupOptions(home=home)) as session:
        session.rollout(llm, FULL)
        return session.evaluate()


EVALUATE = """
schema: 1
oracle: {{file: oracle.jsonl}}
stages:
  rollout: {{commands: [python3 run.py]}}
  evaluate: {{commands: ['{command}']}}
"""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo evaluation done", "was not written. The stage must write it; its exit code is not a score"),
        ("echo ''{\"ok\": true, \"score\": 1.0}'' > metrics.json", "null: scored 1 over 12 samples"),
        ("echo ''{\"score\": 0.0}'' > metrics.json", "oracle: scored 0 over 12 samples"),
        ("python3 grade.py; touch -d 1970-01-01 metrics.json", "a stale result"),
        ("echo ''{\"score\": NaN}'' > metrics.json", "contains NaN"),
        ("echo ''{\"score\": 1e999}'' > metrics.json", "contains 1e999"),
        ("echo ''{\"score\": \"1.0\"}'' > metrics.json", "must be a number, got ''1.0''"),
        ("echo ''{\"score\": true}'' > metrics.json", "must be a number, got True"),
        ("echo ''{\"score\": 0, \"score\": 1}'' > metrics.json", "the key ''score'' twice"),
        ("mkfifo metrics.json", "found a FIFO"),
        ("ln -s /dev/zero metrics.json", "found a symbolic link to ''/dev/zero''"),
        ("python3 grade.py; exit 3", "exited with 3"),
    ],
    ids=lambda value: value[:40],
)
def test_what_is_no_evidence_of_a_score_yields_none(
    write_target: Write, tmp_path: Path, command: str, said: str
) -> None:
    result = measure(write_target(EVALUATE.format(command=command)), tmp_path / "runs")

    assert (result.ok, result.score, result.metrics["ci95"]) == (False, None, None)
    assert said.replace("''", "'") in result.reason


def test_a_result_that_lies_there_already_is_set_aside(write_target: Write, tmp_path: Path) -> None:
    target = write_target(EVALUATE.format(command="true"), metrics__json='{"ok": true, "score": 0.93}')

    assert "was not written" in measure(target, tmp_path / "runs").reason


def test_a_rollout_that_asks_no_model_is_invalid(write_target: Write, tmp_path: Path) -> None:
    cheat = 'import json\njson.dump({f"q{i}": str(4 * i) for i in range(12)}, open("answers.json", "w"))\n'

    result = measure(write_target(run__py=cheat), tmp_path / "runs")

    assert (result.ok, result.score) == (False, None)
    assert "no call reached the gateway during the rollout" in result.reason


def test_a_target_cannot_tell_a_control_from_the_model(write_target: Write, tmp_path: Path) -> None:
    spying = (
        "import os\nseen = sorted(f'{k}={v}' for k, v in os.environ.items() if not k.endswith('_KEY'))\n"
        "print('seen', '|'.join(seen).replace(os.path.basename(os.getcwd()), 'HERE'))\n"
    )
    target = write_target()
    (target / "run.py").write_text(spying + (target / "run.py").read_text())
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/skilled-0.6", FULL)
        session.evaluate()
        records = [record.body for record in session.run.evidence().read() if record.kind == "command"]

    seen = [record["stdout"] for record in records if record["stage"] == "rollout"]
    assert len(seen) == 6
    assert len(set(seen)) == 1
    assert "HONING_MODEL=scripted/skilled-0.6" in seen[0]


def test_without_a_gold_a_score_is_unverified_and_withheld(write_target: Write, tmp_path: Path) -> None:
    without = """
    schema: 1
    stages:
      rollout: {commands: [python3 run.py]}
      evaluate: {commands: [python3 grade.py]}
    """
    with setup(write_target(without), SetupOptions(home=tmp_path / "runs")) as session:
        refused = session.rollout("scripted/empty", FULL)
        withheld = session.evaluate()
        session.rollout("scripted/empty", RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True))
        allowed = session.evaluate()

    assert not refused.ok
    assert (withheld.score, withheld.metrics["label"]) == (None, "unverified")
    assert "oracle: unavailable" in withheld.reason
    assert (allowed.score, allowed.metrics["label"], allowed.metrics["level"]) == (0.0, "uncalibrated", "L4")


class Failing:
    """Answers the gold, but fails on every fourth question."""

    def __init__(self) -> None:
        self.broken = True

    def answer(self, request: ModelRequest) -> ModelReply:
        number = int(request.messages[-1].text.split("Ann has ")[1].split()[0])
        if self.broken and number % 4 == 0:
            raise ModelServerError("down for a while")
        return ModelReply(text=f"#### {2 * number + 1}")


def test_a_failure_of_infrastructure_is_never_a_zero_and_only_it_is_retried(
    write_data: Write, tmp_path: Path
) -> None:
    target, options, model = write_data(), SetupOptions(home=tmp_path / "runs"), Failing()
    with setup(target, options, intent={"model": "x"}) as session:
        session.rollout(model, FULL)
        withheld = session.evaluate()
        stored = [json.loads(line) for line in (session.run.path / "samples.jsonl").read_text().splitlines()]
    unfinished = Run.open(session.run.path).status
    model.broken = False
    with setup(target, options, intent={"model": "x"}) as again:
        samples = again.rollout(model, FULL).samples
        complete = again.evaluate()

    assert (withheld.score, withheld.metrics["n_scored"], unfinished) == (None, 30, RunStatus.FAILED)
    assert withheld.metrics["outcomes"]["infra_error"] == 10
    assert {row["reward"] for row in stored if row["status"] == "infra_error"} == {None}
    assert "10 of 40 samples were not judged (10 infra_error; the first: ModelServerError" in withheld.reason
    assert again.run.path == session.run.path
    assert (complete.score, complete.metrics["n_scored"]) == (1.0, 40)
    assert sorted(sample.attempt for sample in samples) == [1] * 30 + [2] * 10


EVALUATE_ONLY = """
schema: 1
task: {task}
stages:
  rollout: {{samples: samples.jsonl}}
  evaluate: {{commands: [python3 judge.py]}}
"""
JUDGE = """
import json
rows = [json.loads(line) for line in open("samples.jsonl")]
right = sum(row["completion"].strip() == "#### " + row["target"] for row in rows)
json.dump({"score": right / len(rows)}, open("metrics.json", "w"))
"""


def test_a_resumed_rollout_is_judged_anew_by_the_targets_own_grader(
    write_data: Write, tmp_path: Path
) -> None:
    target, model = write_data(), Failing()
    with setup(target, SetupOptions(home=tmp_path / "first")) as session:
        task = session.contract.task
    (target / "judge.py").write_text(JUDGE)
    (target / ".honing").mkdir()
    (target / ".honing" / "contract.yaml").write_text(EVALUATE_ONLY.format(task=json.dumps(task)))
    options, asked = (
        SetupOptions(home=tmp_path / "runs"),
        RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True),
    )
    with setup(target, options, intent={"model": "x"}) as session:
        session.rollout(model, asked)
        session.evaluate()
    model.broken = False
    with setup(target, options, intent={"model": "x"}) as again:
        again.rollout(model, asked)
        complete = again.evaluate()

    assert (complete.score, complete.metrics["n_scored"]) == (1.0, 40)


class Always:
    """Says one thing."""

    def __init__(self, text: str, name: str = "always") -> None:
        self.text = text
        self.name = name

    def answer(self, request: ModelRequest) -> ModelReply:
        return ModelReply(text=self.text)


def test_a_model_that_is_named_like_a_control_is_asked_itself(write_data: Write, tmp_path: Path) -> None:
    with setup(write_data(), SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout(Always("no", "oracle"), FULL)

        assert session.evaluate().score == 0.0


def test_two_answerers_of_one_name_are_refused(write_data: Write, tmp_path: Path) -> None:
    with setup(write_data(), SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout(Always("#### 1"), FULL)

        with pytest.raises(UsageError, match="two answerers are named 'always'"):
            session.rollout(Always("#### 2"), FULL)


def test_several_answers_to_one_row_are_refused(write_data: Write, tmp_path: Path) -> None:
    target = write_data()
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        (sample, *_) = session.rollout("scripted/perfect", FULL).samples
    answers = tmp_path / "answers.jsonl"
    answers.write_text((json.dumps({"id": sample.id, "completion": sample.completion}) + "\n") * 2)
    with (
        setup(target, SetupOptions(home=tmp_path / "runs"), fresh=True) as session,
        pytest.raises(MetricsError, match=r"answers.jsonl:2: a further answer to row"),
    ):
        session.rollout(answers, FULL)


def test_a_rollout_that_rewrites_the_grader_is_invalid(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    rewrite = "open('grade.py', 'w').write('open(\"metrics.json\", \"w\").write(\\'{\"score\": 1.0}\\')')\n"
    (target / "run.py").write_text((target / "run.py").read_text() + rewrite)

    result = measure(target, tmp_path / "runs", "scripted/empty")

    assert (result.ok, result.score) == (False, None)
    assert "the rollout changed what the target brought (grade.py)" in result.reason


def test_a_file_that_the_contract_lets_the_rollout_write_may_change(
    write_target: Write, tmp_path: Path
) -> None:
    target = write_target(
        """
        schema: 1
        oracle: {file: oracle.jsonl}
        stages:
          rollout: {commands: [python3 run.py], writes: [answers.json]}
          evaluate: {commands: [python3 grade.py]}
        """,
        answers__json="{}",
    )

    assert measure(target, tmp_path / "runs").score == 1.0


def test_the_right_answers_are_not_in_the_copy_the_rollout_sees(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    (target / "run.py").write_text(
        "import os\nassert not os.path.exists('oracle.jsonl')\n" + (target / "run.py").read_text()
    )

    assert measure(target, tmp_path / "runs").score == 1.0


def test_a_prompt_that_the_controls_cannot_answer_fails_the_calibration(
    write_target: Write, tmp_path: Path
) -> None:
    target = write_target()
    warm = "try:\n    ask('hello there')\nexcept Exception:\n    pass\n"
    (target / "run.py").write_text((target / "run.py").read_text().replace("rows = [", warm + "rows = [", 1))

    result = measure(target, tmp_path / "runs")

    assert result.score is None
    assert "got no answer" in result.reason or "joined no row" in result.reason


def test_a_constant_between_the_controls_limits_is_no_measurement(
    write_target: Write, tmp_path: Path
) -> None:
    wide = """
    schema: 1
    oracle: {file: oracle.jsonl}
    metric: {range: [-1000, 1]}
    stages:
      rollout: {commands: [python3 run.py]}
      evaluate: {commands: ['echo ''{"score": 0.5}'' > metrics.json']}
    """

    result = measure(write_target(wide), tmp_path / "runs")

    assert (result.ok, result.score) == (False, None)


def test_the_denominator_is_tasks_not_calls(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    text = (
        (target / "run.py")
        .read_text()
        .replace('ask("Q: "', '[ask("Q: " + row["question"]) for _ in range(3)] and ask("Q: "')
    )
    (target / "run.py").write_text(text)

    metrics = measure(target, tmp_path / "runs").metrics

    assert (metrics["calls"], metrics["n_planned"], metrics["n_scored"]) == (48, 12, 12)
    assert metrics["ci95"][0] == pytest.approx(0.7575, abs=0.001)


def test_golds_that_do_not_differ_cannot_calibrate(tmp_path: Path) -> None:
    target = tmp_path / "same"
    target.mkdir()
    rows = [{"question": f"Is {i} a number?", "answer": "#### 1"} for i in range(20)]
    (target / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    result = measure(target, tmp_path / "runs")

    assert result.score is None
    assert "shuffled: cannot be made: the golds of these rows do not differ" in result.reason


def test_a_failed_setup_is_torn_down(write_target: Write, tmp_path: Path) -> None:
    deploying = """
    schema: 1
    oracle: {file: oracle.jsonl}
    stages:
      deploy:
        setup: {commands: [echo up]}
        health: {commands: [exit 3], timeout_s: 1}
        teardown: {commands: [echo down]}
      rollout: {commands: [python3 run.py]}
      evaluate: {commands: [python3 grade.py]}
    """
    with pytest.raises(StageError, match=r"stage deploy.health: `exit 3` exited with 3"):
        setup(write_target(deploying), SetupOptions(home=tmp_path / "runs"))
    (run,) = [Run.open(path.parent) for path in (tmp_path / "runs").glob("*/run.json")]

    stages = [record.body["stage"] for record in run.evidence().read() if record.kind == "command"]
    assert (set(stages[:-1]), stages[-1]) == ({"deploy.setup", "deploy.health"}, "deploy.teardown")
    assert not (run.path / "work").exists()


def test_options_that_the_targets_commands_cannot_heed_are_refused(
    write_target: Write, tmp_path: Path
) -> None:
    with (
        setup(write_target(), SetupOptions(home=tmp_path / "runs")) as session,
        pytest.raises(UsageError, match=r"^--epochs: this target asks the model with commands of its own"),
    ):
        session.rollout("scripted/perfect", RolloutOptions(epochs=2))


def test_the_folder_of_runs_may_lie_inside_the_target(write_data: Write) -> None:
    target = write_data()

    first = measure(target, target / "runs")
    second = measure(target, target / "runs")

    assert first.metrics["commit"] == second.metrics["commit"]
