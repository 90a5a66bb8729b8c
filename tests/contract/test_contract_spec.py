"""A contract file is checked whole, and every error names its line."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from honing.contract.spec import Answers, ContractSpec, MetricSpec, StageSpec, json_schema
from honing.contract.spec_file import dump_contract, load_contract, parse_contract
from honing.errors import ContractError

GOOD = """\
schema: 1
name: sums
metric:
  name: pass@1
  path: base.pass@1
  chance: 0.25
stages:
  bootstrap:
    commands: [pip install -e .]
    network: open
  rollout:
    commands:
      - python run.py --model "$HONING_MODEL" | tee log.txt
    retries: 2
  evaluate:
    commands: [python grade.py]
    metrics_path: out/metrics.json
    required_keys: [ok, score]
"""


def refusal(text: str) -> str:
    with pytest.raises(ContractError) as caught:
        parse_contract(text.encode(), source="contract.yaml")
    return str(caught.value)


def test_a_contract_is_read_as_written() -> None:
    spec = parse_contract(GOOD.encode(), source="contract.yaml")

    assert spec.metric == MetricSpec(name="pass@1", path="base.pass@1", chance=0.25)
    assert spec.stages.rollout.commands == ('python run.py --model "$HONING_MODEL" | tee log.txt',)
    assert spec.stages.rollout.answers is Answers.GATEWAY
    assert spec.stages.evaluate.required_keys == ("ok", "score")
    assert spec.stages.tests == StageSpec()


def test_writing_and_reading_a_contract_changes_nothing(tmp_path: Path) -> None:
    spec = parse_contract(GOOD.encode(), source="contract.yaml")
    (tmp_path / "contract.yaml").write_text(dump_contract(spec))

    assert load_contract(tmp_path / "contract.yaml") == spec


def test_the_digest_ignores_provenance_and_sees_everything_else() -> None:
    spec = parse_contract(GOOD.encode(), source="contract.yaml")
    told = parse_contract(
        (GOOD + "provenance:\n- {part: metric, by: user}\n").encode(), source="contract.yaml"
    )
    other = parse_contract(GOOD.replace("grade.py", "grades.py").encode(), source="contract.yaml")

    assert told.digest == spec.digest
    assert other.digest != spec.digest


LINES: list[tuple[str, str, str]] = [
    ("retries: 2", "retrys: 2", ":14: unknown key 'stages.rollout.retrys'; did you mean 'retries'?"),
    ("retries: 2", "retries: -1", ":14: stages.rollout.retries: input should be greater than or equal to 0"),
    ("metric:", "metrics:", ":3: unknown key 'metrics'; did you mean 'metric'?"),
    ("chance: 0.25", "chance: 2", ":3: metric: chance 2.0 lies outside the range [0.0, 1.0]"),
    ("schema: 1", "schema: 9", ":1: 'schema' must be 1, got 9."),
    ("schema: 1\n", "", "'schema' must be 1, got None"),
    (
        "out/metrics",
        "../metrics",
        ":17: stages.evaluate.metrics_path: must be a path inside the working copy",
    ),
    ("network: open", "network: wifi", ":10: stages.bootstrap.network: input should be 'none' or"),
    ("name: sums", "name: a\nname: b", ":3: not a contract: the key 'name' stands twice."),
    ("name: sums", "name: &a x\nx: *a", ":3: not a contract: aliases (*name) are not used"),
    ("name: sums", "name: [x", "not a contract"),
    ("    commands: [python grade.py]\n", "", ":1: the contract: stages.evaluate.commands is empty"),
]


@pytest.mark.parametrize(("good", "bad", "said"), LINES, ids=[said for _, _, said in LINES])
def test_every_error_names_its_line(good: str, bad: str, said: str) -> None:
    assert said in refusal(GOOD.replace(good, bad))


def test_every_problem_is_listed_not_just_the_first() -> None:
    text = GOOD.replace("retries: 2", "retries: -1").replace("network: open", "network: wifi")

    assert len(refusal(text).splitlines()) == 2


def test_words_that_yaml_1_1_reads_as_booleans_stay_words() -> None:
    spec = parse_contract(GOOD.replace("name: sums", "name: on").encode(), source="contract.yaml")

    assert spec.name == "on"


def test_a_document_that_is_no_mapping_is_refused() -> None:
    assert refusal("- a\n- b\n") == "contract.yaml:1: a contract is a mapping with 'schema: 1', got list."


def test_the_json_schema_accepts_a_good_contract_and_refuses_a_bad_one() -> None:
    schema = json_schema()
    bad = yaml.safe_load(GOOD.replace("retries: 2", "retrys: 2"))

    jsonschema.validate(yaml.safe_load(GOOD), schema)
    with pytest.raises(jsonschema.ValidationError, match="retrys"):
        jsonschema.validate(bad, schema)


def test_a_contract_without_any_way_to_ask_a_model_is_refused() -> None:
    text = "schema: 1\nstages:\n  evaluate:\n    commands: [echo evaluation done]\n"

    assert "no model would ever be asked" in refusal(text)


def test_a_contract_may_say_that_nobody_answers() -> None:
    rollout = "rollout: {answers: none, commands: [python bench.py]}"
    text = f"schema: 1\nstages:\n  {rollout}\n  evaluate:\n    commands: [python grade.py]\n"

    assert isinstance(parse_contract(text.encode(), source="c"), ContractSpec)


@pytest.mark.parametrize(
    ("rollout", "said"),
    [
        ("{answers: samples, commands: [x]}", "names no file of samples"),
        ("{answers: policy, commands: [x]}", "does not say where the target writes how each episode ended"),
        ("{answers: none}", "there are no rollout commands: nothing would run"),
    ],
)
def test_a_way_to_answer_that_cannot_be_run_is_refused(rollout: str, said: str) -> None:
    text = f"schema: 1\nstages:\n  rollout: {rollout}\n  evaluate:\n    commands: [python grade.py]\n"

    assert said in refusal(text)


def test_where_nothing_is_said_chance_is_the_worst_value() -> None:
    assert MetricSpec.model_validate({"direction": "minimize", "range": [0, 50]}).chance == 50
    assert MetricSpec.model_validate({"range": [-5, 5]}).chance == -5


def test_a_chance_near_the_best_value_is_refused() -> None:
    assert "too near the best value" in refusal(GOOD.replace("chance: 0.25", "chance: 0.95"))
