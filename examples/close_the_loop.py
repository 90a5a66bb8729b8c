"""The closed loop on a subject whose true skills are known: the harness step helps, the weights step is luck.

Run it: python examples/close_the_loop.py
(no model, no key; `hone improve` and `hone demo` do the same with real ones)

The gate sees only attempts at tasks. It keeps the gain that is there and rejects the other, and the sealed
tasks say by how much.
"""

from __future__ import annotations

from collections.abc import Sequence

import honing
from honing.experiments.improve import ScriptedSubject, Skill


def shown(value: float | None, ends: Sequence[float] | None) -> str:
    """A number with its 95% interval; a rejected step's version is never measured on sealed tasks."""
    return "not measured" if value is None or ends is None else f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"


def main() -> None:
    subject = ScriptedSubject(
        name="a scripted agent",
        baseline=Skill(mean=0.50),
        rewritten=Skill(mean=0.70),
        taught=Skill(mean=0.70, own_draws="luck"),
    )
    result = honing.improve(subject)
    for row in result.rows:
        print(f"{row['name']:<12}{row['ending']:<10}{shown(row['score'], row['ci95'])}", end="  ")
        gain = row["over_baseline"]
        print("" if gain is None else f"gain {shown(gain['difference'], gain['ci95'])}")
    print("improved" if result.improved else "not improved")


if __name__ == "__main__":
    main()
