"""The number that right answers move is the metric, wherever it stands."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from honing.contract.derivation.metric import MetricFound, MetricMissing, Observation, choose_metric
from honing.contract.derivation.numbers import numbers_in_files, numbers_in_output
from honing.contract.derivation.result_names import pattern_of
from honing.contract.grading.metrics import read_printed
from honing.contract.spec import EvaluateSpec, MetricsSource

SCORES = {"oracle": 1.0, "null": 0.0, "shuffled": 0.0}
ANSWERED = {"oracle": 1.0, "null": 0.0, "shuffled": 1.0}


def printed(text: str) -> dict[str, Observation]:
    """What a grader prints under each control: {score}, {percent}, {answered} and {wrong} are filled in."""
    return {
        name: Observation(
            output=text.format(
                score=score, percent=100 * score, answered=ANSWERED[name], wrong=1 - score, zero=0
            ),
            documents={},
        )
        for name, score in SCORES.items()
    }


def filed(documents: Mapping[str, object], **others: object) -> dict[str, Observation]:
    """Files of a grader under each control; the values 'score' and 'answered' are filled in."""

    def put(value: object, name: str) -> object:
        if isinstance(value, dict):
            return {key: put(one, name) for key, one in value.items()}
        return {"score": SCORES[name], "answered": ANSWERED[name]}.get(str(value), value)

    return {
        name: Observation(documents={file: put(document, name) for file, document in documents.items()})
        for name in SCORES
    }


def found(observations: Mapping[str, Observation], **options: object) -> MetricFound:
    metric = choose_metric(observations, **options)  # type: ignore[arg-type]
    assert isinstance(metric, MetricFound), metric
    return metric


@pytest.mark.parametrize(
    ("text", "name", "high"),
    [
        ("{{'pass@1': {score}}}", "pass@1", 1.0),
        ("{{'pass@1': np.float64({score}), 'seconds': 3.5}}", "pass@1", 1.0),
        ("Accuracy = {percent}%", "Accuracy", 100.0),
        ("accuracy: {percent} %", "accuracy", 100.0),
        ("base\npass@1:\t{score}\nbase and extra\npass@1:\t{score}", "pass@1", 1.0),
        ("| task | score |\n|------|------|\n| all | {score} |", "all", 1.0),
        ("Final score is {score}", "Final score", 1.0),
        ("| exact_match | {score} | ± 0.01 |", "exact_match", 1.0),
        ("overall accuracy    {score}", "overall accuracy", 1.0),
        ('"success_rate": {score},', "success_rate", 1.0),
        ("**Accuracy**: {score}", "Accuracy", 1.0),
        ("INFO:root:score={score} time=1.5", "score", 1.0),
        ("answered: {answered}\nmean reward: {score}\nelapsed: 3.2", "mean reward", 1.0),
        ("100%|#####| 16/16 [00:01<00:00, 1.0it/s]\nEM: {percent}", "EM", 100.0),
    ],
)
def test_a_labelled_number_in_the_output_is_found_with_its_range(text: str, name: str, high: float) -> None:
    metric = found(printed(text))

    assert (metric.metric.name, metric.metric.range, metric.metric.direction, metric.evaluate["source"]) == (
        name,
        (0.0, high),
        "maximize",
        MetricsSource.STDOUT,
    )


@pytest.mark.parametrize(
    ("text", "line", "value"),
    [
        ("{{'pass@1': {score}}}", "{'pass@1': 0.6829268292682927}", 0.6829268292682927),
        ("Accuracy = {percent}%", "Accuracy = 75.0%", 75.0),
        ("Final score is {score}", "Final score is 0.5", 0.5),
    ],
)
def test_the_found_place_reads_a_model_s_number(text: str, line: str, value: float) -> None:
    metric = found(printed(text))
    spec = metric.placed(EvaluateSpec())

    reading = read_printed(f"noise\n{line}\n", "", spec.pattern, metric.metric)

    assert reading.score == value


def test_a_number_that_wrong_answers_move_as_well_is_not_the_metric() -> None:
    missing = choose_metric(printed("answered: {answered}\nvalid rate: {answered}"))

    assert isinstance(missing, MetricMissing)
    assert missing.seen[0].endswith("oracle 1, null 0, shuffled 1")


@pytest.mark.parametrize(
    "text",
    ["score: 1.0", "elapsed seconds: {score}", "nothing at all", "errors: {wrong}9"],
    ids=["constant", "a duration by its name", "no number", "beyond every scale"],
)
def test_what_does_not_behave_as_a_score_is_refused(text: str) -> None:
    assert isinstance(choose_metric(printed(text)), MetricMissing)


def test_an_error_rate_is_minimised() -> None:
    metric = found(printed("word error rate: {wrong}")).metric

    assert (metric.direction, metric.range, metric.chance) == ("minimize", (0.0, 1.0), 1.0)


def test_guessing_counts_as_worthless_up_to_chance() -> None:
    quarter = {
        "oracle": Observation(output="accuracy: 1.0", documents={}),
        "null": Observation(output="accuracy: 0.0", documents={}),
        "shuffled": Observation(output="accuracy: 0.27", documents={}),
    }

    assert isinstance(choose_metric(quarter), MetricMissing)
    assert found(quarter, chance=0.25).metric.chance == 0.25


def test_names_decide_between_numbers_that_behave_alike_and_the_others_are_reported() -> None:
    metric = found(printed("precision: {score}\npass@1: {score}\npass@10: {score}"))

    assert metric.metric.name == "pass@1"
    assert [one.partition(":")[0] for one in metric.alternatives] == [
        "output, 'pass@10'",
        "output, 'precision'",
    ]


def test_a_file_is_preferred_to_the_output_and_the_last_of_equals_is_the_main_one() -> None:
    seen = filed({"out/results.json": {"base": {"pass@1": "score"}, "plus": {"pass@1": "score"}, "n": 164}})
    seen = {
        name: Observation(output=f"pass@1: {SCORES[name]}", documents=one.documents)
        for name, one in seen.items()
    }

    metric = found(seen)

    assert (metric.metric.path, metric.evaluate) == (
        "plus.pass@1",
        {"source": MetricsSource.FILE, "metrics_path": "out/results.json"},
    )


def test_a_key_with_dots_becomes_a_json_pointer() -> None:
    assert found(filed({"r.json": {"v1.0": {"acc": "score"}}})).metric.path == "/v1.0/acc"


def test_figures_of_categories_are_no_metric_while_their_mean_is() -> None:
    parts = {"mean_scores": {"sums": "score", "primes": "score"}}

    assert isinstance(choose_metric(filed({"summary.json": parts})), MetricMissing)
    assert found(filed({"summary.json": {**parts, "average": "score"}})).metric.path == "average"


def test_file_names_lose_what_belongs_to_one_run() -> None:
    names = {"oracle": "20261121_132029", "null": "20261121_132108", "shuffled": "20261121_132211"}
    seen = {
        name: Observation(documents={f"results/lab--m_{stamp}/summary.json": {"accuracy": SCORES[name]}})
        for name, stamp in names.items()
    }

    assert found(seen, model="lab/m").evaluate["metrics_path"] == "results/*_*/summary.json"


@pytest.mark.parametrize(
    ("path", "model", "pattern"),
    [
        ("out/gpt-4o-mini_temp_0.json", "gpt-4o-mini", "out/*_temp_0.json"),
        ("out/lab/model-1/r.json", "lab/model-1", "out/*/*/r.json"),
        ("out/0b1c2d3e-1111-2222-3333-444455556666.json", "", "out/*.json"),
        ("metrics.json", "m", "metrics.json"),
        ("v2/r.json", "", "v2/r.json"),
    ],
)
def test_a_pattern_keeps_what_stays(path: str, model: str, pattern: str) -> None:
    # A model called "m" must not eat letters of other words.
    assert pattern_of(path, model) == pattern


def test_lists_and_large_objects_hold_one_entry_for_each_task() -> None:
    per_task = {f"task {index}": 1.0 for index in range(500)}

    assert numbers_in_files({"r.json": {"scores": [1.0, 0.0], "by_task": per_task, "ok": True}}) == []


def test_progress_bars_are_not_read() -> None:
    assert numbers_in_output("score: 1.0 |##| 3/4 [00:01<00:00, 2.0it/s]\nscore 50%|#####") == []


def test_without_right_answers_nothing_is_chosen() -> None:
    seen = {"null": Observation(output="accuracy: 0.0", documents={})}

    assert isinstance(choose_metric(seen), MetricMissing)
