"""What is asked where a target only judges and brings no data: the prompts that its right answers name.

The controls are asked by them, so that such a target is calibrated like any other. A model is not: a text by
which a prompt is recognised is no prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from honing.contract.asking.rollout import Plan
from honing.contract.scorers import Row
from honing.contract.workbench.bench import Bench
from honing.errors import UsageError


@dataclass(frozen=True, slots=True)
class KnownPrompts:
    """Asks for the right answers of a target, one by one."""

    def prompt(self, row: Row) -> str:
        return str(row.inputs["input"])

    def expected(self, row: Row) -> str:
        return row.gold


def judges_only(bench: Bench) -> bool:
    """Whether a target brings neither data that Honing reads nor commands that ask."""
    return bench.task is None and not bench.contract.stages.target_asks


def planned_from_gold(bench: Bench, plan: Plan) -> Plan:
    """The plan, over every right answer that is known.

    Raises:
        UsageError: None is known, so nothing can be asked.
    """
    if bench.gold is None:
        raise UsageError(
            "this target only judges, and no right answers are known to calibrate it: give --oracle FILE, or "
            "name one in its contract (`oracle: {file: oracle.jsonl}`)."
        )
    rows = [
        Row(
            id=row_id,
            inputs={"input": "\n".join(bench.gold.texts[row_id])},
            golds=(answer,),
            anchor=f"oracle:{row_id}",
        )
        for row_id, answer in bench.gold.right.items()
    ]
    return replace(plan, rows=rows)


def refuse_to_ask(bench: Bench, name: str) -> None:
    """Refuse to ask a model of a target that has no prompts.

    Raises:
        UsageError: The text says what to give instead.
    """
    if judges_only(bench):
        raise UsageError(
            f"{name}: this target only judges answers, it has no prompts to ask a model with. Give --samples "
            "FILE with answers."
        )
