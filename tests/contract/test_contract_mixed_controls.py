"""Controls that are partly right, or only talk: what they show that plain right and wrong answers do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from honing.contract import MetricSpec, Mode, RolloutOptions, SetupOptions, setup
from honing.contract.asking.rollout import Plan
from honing.contract.controls.calibrate import OracleSource, Taken, judge
from honing.contract.controls.control import Talk
from honing.contract.controls.gold import Gold
from honing.contract.controls.half_right import half_right, known_half, why_not_repeatable
from honing.contract.controls.leaks import why_prompts_leak
from honing.contract.data.tables import load_table
from honing.contract.grading.evaluate import Evaluation
from honing.contract.samples.sample import Sample
from honing.contract.session import EvaluationResult
from honing.contract.workbench.bench import Measurement, Rollout
from honing.errors import ContractError, TargetError
from honing.llm import Message, ModelRequest, Role

Write = Callable[..., Path]


def measure(target: Path, home: Path) -> EvaluationResult:
    with setup(target, SetupOptions(home=home)) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL))
        return session.evaluate()


GRADE = """
import json, os
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))
right = [answers[row["id"]].strip() == row["answer"] for row in rows]
json.dump({{"score": {score}}}, open("metrics.json", "w"))
"""


@pytest.mark.parametrize(
    ("score", "figure"),
    [
        ("float(right[0])", "1"),
        ("float(sum(right) > len(right) / 2)", "0"),
        ("sum(right) / max(1, sum(map(bool, answers.values())))", "1"),
    ],
    ids=["the first task stands for all", "most are right, or not", "unanswered tasks are left out"],
)
def test_a_judge_that_brackets_but_counts_wrongly_is_refused(
    write_target: Write, tmp_path: Path, score: str, figure: str
) -> None:
    result = measure(write_target(grade__py=GRADE.format(score=score)), tmp_path / "runs")

    assert (result.score, result.metrics["calibration"]["oracle"]) == (None, 1.0)
    assert f"half: scored {figure} where about half of the answers are right (6 of 12" in result.reason
    assert "a mean over tasks would be 0.5" in result.reason


def test_a_number_that_is_declared_no_mean_need_not_lie_half_way(write_target: Write, tmp_path: Path) -> None:
    target = write_target(grade__py=GRADE.format(score="(sum(right) / len(right)) ** 4"))
    contract = target / ".honing" / "contract.yaml"
    contract.write_text(contract.read_text() + "metric: {aggregation: other}\n")

    assert measure(target, tmp_path / "runs").score == 1.0


def judged(score: float | None, reason: str = "") -> Measurement:
    """A measurement that came to this score."""
    rollout = Rollout(plan=Plan(name="half", rows=(), model="m"), samples=(), tree=None)
    evaluation = Evaluation(score=score, n_planned=12, n_scored=12)
    return Measurement(rollout=rollout, samples=(), evaluation=evaluation, reason=reason)


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (judged(0.51), ""),
        (judged(0.61), "half: the same answers scored 0.5, and then 0.61: the judge cannot be repeated"),
        (judged(None, "it crashed"), "half: the same answers scored 0.5, and then nothing: it crashed"),
    ],
    ids=["nearly the same", "something else", "nothing"],
)
def test_the_same_answers_must_score_the_same(again: Measurement, said: str) -> None:
    assert why_not_repeatable(MetricSpec(), 0.5, again) == said


def test_the_mixture_is_asked_once_and_judged_twice(write_target: Write, tmp_path: Path) -> None:
    with setup(write_target(), SetupOptions(home=tmp_path / "runs")) as session:
        session.calibrate()
        stages = [one.body["stage"] for one in session.run.evidence().read() if one.kind == "command"]

    # Oracle, null, shuffled, half and talk; half is judged once more.
    assert (stages.count("rollout"), stages.count("evaluate")) == (5, 6)


def test_words_without_knowledge_must_not_score() -> None:
    taken = {"oracle": Taken(1.0, 12), "null": Taken(0.0, 12), "talk": Taken(0.5, 12)}

    verdict = judge(
        MetricSpec(), taken, oracle_source=OracleSource.FILE, rows=12, population=12, own_scorer=False
    )

    assert verdict.reasons == (
        "talk: scored 0.5 over 12 samples; repeating the prompt and claiming to be right must score at most "
        "0.25",
    )


def test_a_judge_that_cannot_read_mere_words_is_not_fooled_by_them() -> None:
    taken = {"oracle": Taken(1.0, 12), "null": Taken(0.0, 12), "talk": Taken(None, 12, "exited with 1")}

    assert judge(
        MetricSpec(), taken, oracle_source=OracleSource.FILE, rows=12, population=12, own_scorer=False
    ).ok


def test_talk_repeats_every_other_prompt_and_claims_to_be_right_about_the_rest() -> None:
    talk = Talk()

    said = [
        talk.answer(ModelRequest(model="m", messages=[Message(Role.USER, text)])).text
        for text in ("one", "two", "three", "one")
    ]

    assert said == ["one", Talk.CLAIM, "three", "one"]


GOLD = Gold(
    source=OracleSource.FILE,
    right={"a": "12", "b": "15", "c": "19", "d": "44"},
    texts={name: (f"question {name}",) for name in "abcd"},
)


def test_half_of_the_tasks_is_known_and_the_others_get_nothing() -> None:
    known = known_half(list(GOLD.right), seed=0)
    book = half_right(GOLD, known)

    said = {
        name: book.answer(ModelRequest(model="m", messages=[Message(Role.USER, f"question {name}")])).text
        for name in GOLD.right
    }

    assert len(known) == 2
    assert said == {name: text if name in known else "" for name, text in GOLD.right.items()}


def asked(prompt: str, **more: str) -> list[Sample]:
    """One sample a task; {gold} in the prompt is its right answer."""
    return [
        Sample(id=name, prompt=f"question {name} {prompt.format(gold=gold)}", **more)
        for name, gold in GOLD.right.items()
    ]


@pytest.mark.parametrize(
    ("prompt", "leaks"),
    [
        ("Correct answer: {gold}.", True),
        ("(gold = {gold})", True),
        ("Answer with a number.", False),
        ("For example: Answer: 12", False),
        ("The story: {gold} ships went to sea.", False),
        ("Answer: 12 or 15 or 19", False),
    ],
)
def test_a_prompt_leaks_where_it_announces_its_own_answer(prompt: str, *, leaks: bool) -> None:
    assert bool(why_prompts_leak(asked(prompt), GOLD)) is leaks


def test_what_the_model_itself_answered_before_is_no_leak() -> None:
    samples = [*asked("Think."), *asked("Your answer: {gold}. Are you sure?")]

    assert why_prompts_leak(samples, GOLD) == ""


def test_a_data_set_whose_questions_hold_their_solutions_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.mkdir()
    solutions = [f"Add {i} and {i + 1}.\n#### {2 * i + 1}" for i in range(24)]
    rows = [{"question": f"Row {i}? {text}", "answer": text} for i, text in enumerate(solutions)]
    (target / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    result = measure(target, tmp_path / "runs")

    assert result.score is None
    assert "the prompt of 24 of 24 tasks tells its right answer" in result.reason


def test_a_target_that_leaves_out_tasks_is_not_measured_on_all(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    (target / "run.py").write_text((target / "run.py").read_text().replace("in rows}", "in rows[:3]}"))
    lenient = (target / "grade.py").read_text().replace("answers = ", "rows = rows[:3]\nanswers = ")
    (target / "grade.py").write_text(lenient)

    result = measure(target, tmp_path / "runs")

    assert result.score is None
    assert "oracle: only 3 of 12 answers were judged" in result.reason


def test_a_pointer_to_a_large_file_is_not_taken_for_the_file(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n"
    (tmp_path / "test.jsonl").write_text(pointer)

    with pytest.raises(TargetError, match=r"^test\.jsonl: a pointer to a large file"):
        load_table(tmp_path / "test.jsonl")


def test_questions_that_repeat_themselves_are_named(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.mkdir()
    rows = [{"question": f"What is {i % 5} plus 1?", "answer": i % 5 + 1} for i in range(40)]
    (target / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    with pytest.raises(ContractError, match="'question' repeats itself: 5 different texts in 40 rows"):
        setup(target, SetupOptions(home=tmp_path / "runs"))


def test_a_rollout_that_tells_the_answer_is_refused(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    run = (target / "run.py").read_text().replace('+ " A:"', '+ " (answer: " + row["answer"] + ") A:"')
    (target / "run.py").write_text(run)

    result = measure(target, tmp_path / "runs")

    assert result.score is None
    assert (
        "the prompt of 12 of 12 tasks tells its right answer (task 'q0' is shown '0' as its answer)"
        in result.reason
    )


def test_the_published_controls_name_the_mixture(write_target: Write, tmp_path: Path) -> None:
    result = measure(write_target(), tmp_path / "runs")

    found = json.loads(json.dumps(result.metrics["calibration"]))
    assert {name: found[name] for name in ("oracle", "null", "half", "talk")} == {
        "oracle": 1.0,
        "null": 0.0,
        "half": 0.5,
        "talk": 0.0,
    }
