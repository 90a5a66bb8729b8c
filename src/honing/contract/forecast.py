"""What a measurement would ask and may cost, before anything is asked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from honing.contract.asking.rollout import Plan, choose_rows
from honing.contract.controls.calibrate import Level
from honing.contract.controls.user_oracle import known_answers
from honing.contract.derivation.settle import refuse_no_answers
from honing.contract.derive import Derived, contract_of
from honing.contract.options import RolloutOptions, SetupOptions
from honing.contract.overlay import with_contract
from honing.contract.results.outputs import check_heeded
from honing.contract.results.unmeasured import shortened, spoken_of
from honing.contract.target import resolve
from honing.contract.workbench.bench import Bench
from honing.contract.workbench.workbench import refuse_holes
from honing.errors import HoningError
from honing.llm import Usage, cost
from honing.store import TREES, TreeStore, free_disk
from honing.store import forecast as forecast_disk

_ANSWER_TOKENS = 256
"""Assumed length of an answer where no limit is set."""
_BYTES_PER_SAMPLE = 6_000
"""Journal, call log, samples and report together, beside the texts themselves."""
_COPIES = 8
"""How often a text is written: journal (input and result), log, samples, report."""


def forecast(target: str | Path, setup: SetupOptions, model: str, options: RolloutOptions) -> dict[str, Any]:
    """Counts, tokens and money of a measurement. No run is opened or made, nothing of the target is run.

    Returns:
        Plain data. What only the target's own commands decide is None.

    Raises:
        TargetError: The target cannot be read.
        ContractError: It has no valid contract.
    """
    with tempfile.TemporaryDirectory(prefix="honing-") as scratch:
        trees = TreeStore(Path(scratch) / TREES)
        folder = Path(scratch) / "target"
        resolved = resolve(target, trees, leave_out=setup.home, options=setup.fetching())
        resolved, setup = with_contract(resolved, setup.completed(resolved), trees)
        trees.materialise(resolved.tree, folder)
        with spoken_of(folder, str(target)):
            derived = contract_of(folder, setup)
        task, by_commands = derived.task, derived.spec.stages.target_asks
        rows = task.rows() if task is not None else []
        chosen = choose_rows(rows, options.rows(len(rows)), setup.seed)
        level, stops = _reachable(derived, setup, options)
        characters = 0 if task is None else sum(len(task.prompt(row)) for row in chosen) * options.epochs
    found: dict[str, Any] = {"model": model, "population": len(rows) or None}
    found |= {"level_reachable": level.value, "would_stop": stops}
    if not by_commands:
        calls = len(chosen) * options.epochs
        leaving = calls * (options.sampling.max_tokens or _ANSWER_TOKENS)
        price = cost(model, Usage(input_tokens=characters // 4, output_tokens=leaving))
        found["cost_usd"] = None if price is None else round(float(price), 4)
        found["disk_bytes"] = _bytes(calls, characters + 4 * leaving)
        found |= {"rows": len(chosen), "calls": calls, "input_tokens": characters // 4}
        found["output_tokens_assumed"] = leaving
    else:
        unknown = ("rows", "calls", "input_tokens", "output_tokens_assumed", "cost_usd", "disk_bytes")
        found |= dict.fromkeys(unknown)
    return {**found, "disk_free_bytes": free_disk(setup.home)}


def _reachable(derived: Derived, setup: SetupOptions, options: RolloutOptions) -> tuple[Level, str]:
    """The highest level that a measurement could reach, and what would stop it there; "" where nothing known
    would."""
    spec = derived.spec
    try:
        refuse_holes(spec)
        check_heeded(spec, options)
        gold, player = known_answers(derived, setup.oracle)
        refuse_no_answers(spec, known=gold is not None)
    except HoningError as error:
        return Level.COMMANDS_FOUND, shortened(str(error))
    made = spec.oracle is not None and (spec.oracle.commands or spec.oracle.policy)
    if gold is None and player is None and not made:
        return (
            Level.METRIC_DECLARED,
            "no right answers are known, so it cannot be calibrated: give --oracle FILE",
        )
    return Level.CALIBRATED, ""


def check_disk(bench: Bench, plan: Plan, options: RolloutOptions) -> None:
    """Refuse a rollout that the disk has no room for.

    Raises:
        StoreError: The text says how much is missing.
    """
    if bench.task is None or not plan.rows:
        return
    characters = sum(len(bench.task.prompt(row)) for row in plan.rows) * plan.epochs
    answers = 4 * plan.planned * (options.sampling.max_tokens or _ANSWER_TOKENS)
    per_sample = _bytes(plan.planned, characters + answers) / plan.planned
    forecast_disk(bench.run.path, units=plan.planned, bytes_per_unit=per_sample)


def _bytes(samples: int, characters: int) -> int:
    return samples * _BYTES_PER_SAMPLE + _COPIES * characters
