"""A reward as a share of its metric's range: what every comparison of tasks counts in."""

from __future__ import annotations

from honing.contract import ContractSpec


def share_of(contract: ContractSpec, reward: float) -> float:
    """A sample's reward as a share of the metric's range, higher is better.

    Args:
        contract: Of the target. Honing's own scorers give shares, whatever the range; a target's own judge
            gives rewards in the metric's unit.
        reward: As samples.jsonl has it.
    """
    if not contract.stages.target_judges:
        return reward
    low, high = contract.metric.range
    share = min(1.0, max(0.0, (reward - low) / (high - low)))
    return share if contract.metric.direction == "maximize" else 1.0 - share
