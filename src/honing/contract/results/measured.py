"""A finished measurement, read back from its run: for comparing runs and for handing them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from honing.contract.results.outputs import CONTRACT, MODELS, SAMPLES
from honing.contract.results.unmeasured import METRICS, UNMEASURED
from honing.contract.samples.sample import Sample, sample_from_row
from honing.contract.spec import ContractSpec
from honing.contract.spec_file import load_contract
from honing.errors import UsageError
from honing.store import Run, parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one model came to in one run."""

    run: Run
    metrics: Mapping[str, Any]
    """metrics.json of this model."""
    samples: tuple[Sample, ...]
    contract: ContractSpec

    @property
    def name(self) -> str:
        return self.run.path.name

    @property
    def tree(self) -> str:
        """Identity of the target's content."""
        return str(self.run.config.get("tree", ""))

    @property
    def own_scorer(self) -> bool:
        """Whether Honing's scorer judged: rewards then lie in [0, 1], whatever the metric's range."""
        return self.contract.task is not None and not self.contract.stages.target_judges

    @property
    def calibrated(self) -> bool:
        return bool(self.metrics["label"] == "calibrated")


def read_measured(run: Run, *, model: str = "") -> Measured:
    """What a run measured.

    Args:
        run: A finished run.
        model: Which model, where the run measured several; the last where empty.

    Raises:
        UsageError: Its evaluation did not end, or it did not measure that model; the text names those it
            did.
    """
    missing = [name for name in (METRICS, SAMPLES, CONTRACT) if not (run.path / name).is_file()]
    if missing:
        raise UsageError(
            f"{run.path.name} holds no {missing[0]}: its evaluation did not end. `hone runs resume "
            f"{run.path.name}` goes on with it."
        )
    metrics: dict[str, Any] = run.read_json(METRICS)
    if metrics["label"] == UNMEASURED:
        raise UsageError(
            f"{run.path.name} has no evaluation: it stopped ({metrics['reason']}). `hone runs resume "
            f"{run.path.name}` goes on with it."
        )
    file = SAMPLES
    if model and model != metrics["model"]:
        several = run.read_json(MODELS)["models"] if (run.path / MODELS).is_file() else []
        found = next((one for one in several if one["model"] == model), None)
        if found is None:
            known = ", ".join([one["model"] for one in several] or [metrics["model"]])
            raise UsageError(f"{run.path.name} did not measure {model!r}; it measured {known}.")
        metrics, file = found, str(found["samples_jsonl"])
    lines = (run.path / file).read_bytes().splitlines()
    samples = tuple(
        sample_from_row(parse_json(line, where=f"{file}:{at}")) for at, line in enumerate(lines, 1)
    )
    return Measured(run=run, metrics=metrics, samples=samples, contract=load_contract(run.path / CONTRACT))
