"""What a measurement would ask and may cost, before anything is asked."""

from __future__ import annotations

from typing import Any

from honing.contract.measurement import Bench
from honing.contract.options import RolloutOptions
from honing.contract.rollout import Plan
from honing.llm import Usage, cost
from honing.store import forecast as forecast_disk

_ANSWER_TOKENS = 256
"""Assumed length of an answer where no limit is set."""
_BYTES_PER_SAMPLE = 6_000
"""Journal, call log, samples and report together, beside the texts themselves."""
_COPIES = 8
"""How often a text is written: journal (input and result), log, samples, report."""


def forecast(bench: Bench, plan: Plan, options: RolloutOptions) -> dict[str, Any]:
    """Counts, tokens and money of a rollout, and the disk it needs.

    Raises:
        StoreError: The disk has no room for it.
    """
    characters = sum(len(bench.task.prompt(row)) for row in plan.rows) if bench.task is not None else 0
    entering = characters * options.epochs // 4
    leaving = plan.planned * (options.sampling.max_tokens or _ANSWER_TOKENS)
    price = cost(plan.model, Usage(input_tokens=entering, output_tokens=leaving))
    texts = _COPIES * (characters * options.epochs + 4 * leaving)
    disk = forecast_disk(
        bench.run.path, units=plan.planned, bytes_per_unit=_BYTES_PER_SAMPLE + texts / max(plan.planned, 1)
    )
    return {
        "model": plan.model,
        "rows": len(plan.rows),
        "population": len(bench.rows),
        "calls": plan.planned,
        "input_tokens": entering,
        "output_tokens_assumed": leaving,
        "cost_usd": None if price is None else round(float(price), 4),
        "disk_bytes": disk.needed_bytes,
        "disk_free_bytes": disk.free_bytes,
    }
