"""Rewards as shares of their metric's range, whoever gave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from honing.contract import ContractSpec, MetricSpec, SetupOptions
from honing.contract.spec import EvaluateSpec, RolloutSpec, Stages
from honing.executors import InlineExecutor
from honing.experiments import (
    ContractOptions,
    ImproveOptions,
    ImproveSpec,
    contract_subject,
    improve_subject,
)
from honing.experiments.shares import share_of
from honing.llm import ModelRequest, ScriptedModel, ScriptedServer

PERCENT = """schema: 1
metric: {name: accuracy, unit: percent, range: [0, 100]}
task:
  files: [test.jsonl]
  kind: question_answer
  fields: {input: question, target: answer}
  reading: {form: after_marker, marker: '####'}
  scorer: {name: numeric}
  template: "{input}\\n\\nEnd with a line of the form\\n#### <number>"
  chance: 0.0
  split: test
"""


@pytest.mark.parametrize(
    ("direction", "reward", "expected"),
    [
        ("maximize", 25.0, 0.25),
        ("minimize", 25.0, 0.75),
        ("maximize", 120.0, 1.0),
    ],
    ids=["higher is better", "lower is better", "beyond its range"],
)
def test_a_reward_of_the_targets_own_judge_is_a_share_of_the_range(
    direction: Literal["maximize", "minimize"], reward: float, expected: float
) -> None:
    contract = ContractSpec(
        metric=MetricSpec(range=(0.0, 100.0), direction=direction),
        stages=Stages(rollout=RolloutSpec(commands=("ask",)), evaluate=EvaluateSpec(commands=("grade",))),
    )

    assert share_of(contract, reward) == expected


def test_right_answers_count_whole_where_the_score_is_in_percent(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [
        {"question": f"Ann has {i} and gets {i + 1} more. How many?", "answer": f"Add.\n#### {2 * i + 1}"}
        for i in range(12)
    ]
    (tmp_path / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "percent.yaml").write_text(PERCENT)
    (tmp_path / "prompts").mkdir()
    options = ContractOptions(
        target=str(tmp_path / "data"),
        harness=tmp_path / "prompts",
        model="careful",
        setup=SetupOptions(contract=tmp_path / "percent.yaml"),
    )

    with ScriptedServer(ScriptedModel(added)) as server:
        endpoints = {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "k"}
        asked = ImproveOptions(home=tmp_path / "runs", executor=InlineExecutor(), endpoints=endpoints)
        result = improve_subject(contract_subject(options), ImproveSpec(proposals=0, training_steps=0), asked)

    assert result.rows[0]["score"] == 1.0
    assert result.document["spent"]["task_runs"] == result.rows[0]["spent"]["held_out"]["task_runs"]


def added(request: ModelRequest) -> str:
    """The right answer to every question."""
    return f"#### {2 * int(request.messages[-1].text.split('Ann has ')[1].split()[0]) + 1}"
