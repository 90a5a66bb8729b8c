"""From a bench to one that is ready: environment, setup stages, right answers, deployment; and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.contract.commands import INLINE
from honing.contract.controls.gold import gold_in
from honing.contract.controls.policy_oracle import PolicyOracle
from honing.contract.spec import StageSpec, TeardownPolicy
from honing.contract.stages.copies import fresh_copy, place, remove_copies, set_aside
from honing.contract.stages.failures import Failure, StageFailedError, failure_of
from honing.contract.stages.stage import checked, run_stage
from honing.contract.workbench.bench import Bench
from honing.contract.workbench.deployment import deployed
from honing.errors import HoningError, StageError
from honing.executors import MapOptions, UnitStatus, run_map
from honing.sandbox import remove_tree
from honing.store import TreeId

SETUP_VERSION = "2"


def prepare(bench: Bench) -> Bench:
    """Run auth, bootstrap, tests and deploy; the bench then stands on the tree they left.

    What bootstrap left is kept over sessions; a deployment is not, since teardown ends it.

    Raises:
        StageError: A stage failed; the error carries the typed failure.
    """
    stages = bench.contract.stages
    bench = _kept(bench, {"auth": stages.auth, "bootstrap": stages.bootstrap, "tests": stages.tests})
    return deployed(_with_oracle(bench))


def _kept(bench: Bench, steps: Mapping[str, StageSpec]) -> Bench:
    """Run steps as one unit of the journal."""
    if not any(step.commands for step in steps.values()):
        return bench
    return replace(bench, prepared=_unit(bench, "setup", steps))


def _unit(bench: Bench, name: str, steps: Mapping[str, StageSpec], only: str | None = None) -> TreeId:
    """The tree that steps left, or of it one file; done once for the run.

    Raises:
        StageFailedError: A step failed.
    """
    failures: list[Failure] = []

    def work(_: Any) -> dict[str, Any]:
        try:
            return _run_steps(bench, name, steps, only)
        except HoningError as error:
            failures.append(failure_of(error, name))
            raise

    unit = {"tree": bench.prepared, "contract": bench.contract.digest}
    options = MapOptions(version=SETUP_VERSION)
    (result,) = run_map(bench.run, name, work, [unit], executor=INLINE, options=options)
    if result.status is UnitStatus.DONE:
        return TreeId(result.result["tree"])
    failure = failures[-1] if failures else failure_of(StageError(result.error), name)
    bench.run.evidence().append("failure", failure.as_document())
    raise StageFailedError(failure)


def _run_steps(bench: Bench, name: str, steps: Mapping[str, StageSpec], only: str | None) -> dict[str, Any]:
    folder = fresh_copy(bench.run, bench.trees, bench.prepared, name)
    if only is not None:
        set_aside(folder, only)
    context = bench.context(folder, None, None)
    for step, spec in steps.items():
        checked(run_stage(step, spec, context))
    if only is None:
        return {"tree": bench.trees.snapshot(folder)}
    return {"tree": _alone(bench, folder, only)}


def _alone(bench: Bench, folder: Path, name: str) -> TreeId:
    """A tree that holds one file of a folder, whatever else lies there."""
    gold_in(folder, name)  # read strictly before it is kept
    kept = place(bench.run, "oracle-kept")
    remove_tree(kept)
    (kept / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).rename(kept / name)
    return bench.trees.snapshot(kept)


def _with_oracle(bench: Bench) -> Bench:
    """The bench with the right answers that the contract has programs for."""
    oracle = bench.contract.oracle
    if oracle is None or bench.user_oracle:
        return bench
    if oracle.policy is not None:
        player = PolicyOracle(bench, oracle.policy)
        bench.until_end.callback(player.close)
        return replace(bench, policy=player)
    if not oracle.commands or oracle.file is None:
        return bench
    made = _unit(bench, "oracle", {"oracle": StageSpec(commands=oracle.commands)}, only=oracle.file)
    folder = fresh_copy(bench.run, bench.trees, made, "oracle")
    gold = gold_in(folder, oracle.file)
    return replace(bench, gold=gold, book=gold.book(gold.right))


def tear_down(bench: Bench, *, ok: bool) -> None:
    """Run deploy.teardown where its policy says so, and remove the working copies.

    Raises:
        StageError: The teardown failed: something may still be running.
    """
    deploy = bench.contract.stages.deploy
    due = {
        TeardownPolicy.ALWAYS: True,
        TeardownPolicy.ON_SUCCESS: ok,
        TeardownPolicy.ON_FAILURE: not ok,
        TeardownPolicy.NEVER: False,
    }[deploy.policy]
    try:
        if due and deploy.teardown.commands:
            folder = fresh_copy(bench.run, bench.trees, bench.prepared, "teardown")
            # The total limit is for measuring: what was started is stopped even after it.
            context = replace(bench.context(folder, None, None), deadline=None)
            checked(run_stage("deploy.teardown", deploy.teardown, context))
    finally:
        bench.until_end.close()
        remove_copies(bench.run)
