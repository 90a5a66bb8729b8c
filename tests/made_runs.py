"""Finished runs made up for tests: metrics, samples and contract as a measurement leaves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.contract import dump_contract
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.spec import ContractSpec, MetricSpec
from honing.store import Run, make_home

TASK: Mapping[str, Any] = {
    "files": ["test.jsonl"],
    "kind": "question_answer",
    "fields": {"input": "question", "target": "answer"},
    "reading": {"form": "plain"},
    "scorer": {"name": "numeric"},
    "template": "{input}",
    "chance": 0.0,
}


def made_run(
    home: Path,
    rewards: Sequence[float | None],
    *,
    epochs: int = 1,
    metric: Mapping[str, Any] | None = None,
    name: str = "made",
    **changed: Any,
) -> Run:
    """A run whose samples have these rewards in order (None: lost to infrastructure).

    Args:
        home: The folder of runs.
        rewards: Of row 0's epochs, then of row 1's, and so on.
        epochs: Samples of each row.
        metric: Fields of the declared metric.
        name: The contract's.
        **changed: Fields of metrics.json that differ.
    """
    spec = ContractSpec.model_validate(
        {"schema": 1, "name": name, "task": TASK, "metric": dict(metric or {})}
    )
    make_home(home)
    config = {"tree": "t1", "target": "/somewhere/sums"}
    run = Run.create(home, kind="measure", config=config, command=(), seed=0)
    with run.supervise():
        samples = [_sample(at // epochs, at % epochs, reward) for at, reward in enumerate(rewards)]
        run.write_jsonl("samples.jsonl", [sample.as_row() for sample in samples])
        run.write_text("contract.yaml", dump_contract(spec))
        run.write_json("metrics.json", {**_metrics(run, spec, rewards), **changed})
    return run


def _sample(row: int, epoch: int, reward: float | None) -> Sample:
    lost = reward is None
    return Sample(
        id=f"r{row:03d}",
        epoch=epoch,
        prompt=f"What is {row} plus 1?",
        completion="" if lost else f"#### {row + 1}",
        target=str(row + 1),
        reward=reward,
        status=SampleStatus.INFRA_ERROR if lost else SampleStatus.COMPLETED,
        error="the server failed" if lost else "",
        extracted=None if lost else str(row + 1),
        why="" if lost else "the marked answer",
        usage={} if lost else {"input_tokens": 9, "output_tokens": 4},
        model="made/model",
        seed=0,
        started=None if lost else 1_790_000_000.0 + row,
        ended=None if lost else 1_790_000_000.5 + row,
    )


def _metrics(run: Run, spec: ContractSpec, rewards: Sequence[float | None]) -> dict[str, Any]:
    judged = [reward for reward in rewards if reward is not None]
    metric = MetricSpec.model_validate(spec.metric.model_dump())
    low, high = metric.range
    return {
        "ok": True,
        "score": low + (high - low) * sum(judged) / len(judged),
        "reason": "",
        "level": "L5",
        "label": "calibrated",
        "model": "made/model",
        "mode": "full",
        "metric": {
            "name": metric.name,
            "unit": metric.unit,
            "direction": metric.direction,
            "range": list(metric.range),
            "chance": metric.chance,
        },
        "ci95": [0.2, 0.8],
        "interval_method": "wilson",
        "n_planned": len(rewards),
        "n_scored": len(judged),
        "coverage": len(judged) / len(rewards),
        "population": len(rewards),
        "epochs": 1,
        "tokens": {"input": 9 * len(judged), "output": 4 * len(judged)},
        "contract_hash": spec.digest,
        "commit": "t1",
        "run_id": run.id,
        "ts": "2026-11-21T10:00:00+00:00",
    }
