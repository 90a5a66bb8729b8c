"""From a contract to a bench on which measurements can be made: sandbox, gateway, environment, prepared
tree."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.contract.controls.calibrate import Level
from honing.contract.controls.user_oracle import known_answers
from honing.contract.data.scoring import asks_model, needs_sandbox
from honing.contract.derivation.data_variables import data_mounts
from honing.contract.derivation.indexes import read_indexes
from honing.contract.derivation.installer import Workplace, find_uv
from honing.contract.derivation.settle import refuse_no_answers
from honing.contract.derive import Derived
from honing.contract.options import SetupOptions
from honing.contract.spec import ContractSpec, StageSpec, with_provenance
from honing.contract.spec_file import dump_contract
from honing.contract.stages.copies import fresh_copy
from honing.contract.stages.failures import Failure, FailureKind
from honing.contract.stages.limits import Deadline
from honing.contract.target import Target
from honing.contract.workbench.bench import Bench
from honing.contract.workbench.environment import LOCK_FILE, build_environment
from honing.contract.workbench.preparing import prepare as prepare
from honing.contract.workbench.preparing import tear_down as tear_down
from honing.contract.workbench.surroundings import Surroundings
from honing.errors import ContractError
from honing.executors import ThreadsExecutor
from honing.llm import Backoff, Channel, Client, ClientConfig, Endpoint, Gateway, GatewayConfig
from honing.sandbox import Sandbox, choose
from honing.store import Run, TreeStore

_CONNECTIONS = 1024
"""More than any executor has workers: the gateway limits what goes on to servers."""
_MOST_HOLES = 5
"""That a message lists; contract_gap.json lists them all."""
_CALL_LIMIT_S = 3600.0
"""The gateway's own limits and retries apply first; this only ends a call that nobody else ends."""


class HolesError(ContractError):
    """Places of a contract must still be filled; `document` is what contract_gap.json says."""

    def __init__(self, spec: ContractSpec, lines: Sequence[str]) -> None:
        self.failure = Failure(
            kind=FailureKind.HOLES,
            stage="contract",
            text=f"{len(lines)} places of the contract must still be filled",
            names=tuple(hole.name for hole in spec.holes),
        )
        self.document: dict[str, Any] = {
            "level": Level.COMMANDS_FOUND.value,
            "reason": "holes",
            "found": self.failure.text,
            "closes": " ".join(f"--set {hole.name}=VALUE" for hole in spec.holes),
            "candidates": [],
            "tried": [line.strip() for line in lines],
            "hints": [],
            "foreign": None,
        }
        more = f"\n  and {len(lines) - _MOST_HOLES} more" if len(lines) > _MOST_HOLES else ""
        super().__init__(
            f"the contract cannot run yet, {len(lines)} of its places must still be filled:\n"
            + "\n".join(lines[:_MOST_HOLES])
            + more
        )


@contextmanager
def build_bench(
    run: Run, derived: Derived, trees: TreeStore, target: Target, options: SetupOptions
) -> Iterator[Bench]:
    """Everything measurements stand on; the gateway serves while the block runs.

    Raises:
        ContractError: The contract has holes that nobody has filled.
        CalibrationError: Its number must be found, and there are no right answers to find it with.
        MissingToolError: Foreign code would run and no sandbox can contain it here.
        StageError: The target's environment cannot be installed.
    """
    refuse_holes(derived.spec)
    spec, task = derived.spec, derived.task
    sandbox = choose(options.sandbox) if _runs_foreign_code(spec, derived) else None
    with Gateway(_gateway(run, options)) as gateway, ExitStack() as until_end:
        gold, player = known_answers(derived, options.oracle)
        refuse_no_answers(spec, known=gold is not None)
        bench = Bench(
            run=run,
            contract=spec,
            task=task,
            scorer=task.make_scorer(sandbox) if task is not None else None,
            rows={row.id: row for row in task.rows()} if task is not None else {},
            gold=gold,
            book=gold.book(gold.right) if gold is not None else None,
            trees=trees,
            original=derived.folder,
            prepared=target.tree,
            gateway=gateway,
            surroundings=_surroundings(run, sandbox, options),
            client=_client,
            asking=ThreadsExecutor(workers=options.max_connections),
            judging=_judging(derived, options),
            sandbox_name=sandbox.name if sandbox is not None else "",
            policy=player,
            user_oracle=options.oracle is not None,
            until_end=until_end,
        )
        yield _installed(bench, options) if spec.environment is not None else bench


def _gateway(run: Run, options: SetupOptions) -> GatewayConfig:
    return GatewayConfig(
        max_connections=options.max_connections,
        requests_per_minute=options.requests_per_minute,
        tokens_per_minute=options.tokens_per_minute,
        log_path=run.artifact("logs/calls.jsonl"),
        socket_path=run.artifact("logs/gateway.sock"),
    )


def _surroundings(run: Run, sandbox: Sandbox | None, options: SetupOptions) -> Surroundings:
    return Surroundings(
        run_id=run.id,
        sandbox=sandbox,
        record=run.evidence().append,
        env=options.env,
        mounts=data_mounts(options.env),
        max_command_s=options.max_command_s,
        deadline=Deadline(options.max_total_s) if options.max_total_s is not None else None,
    )


def _one_of(choices: Sequence[str]) -> str:
    """The alternatives in words; a set that could not be read is only said to be one."""
    if not choices:
        return ""
    known = [choice for choice in choices if choice != "..."]
    return f"; one of {', '.join(known)}" if known else "; its program takes only a fixed set of values"


def refuse_holes(spec: ContractSpec) -> None:
    """Refuse a contract that somebody must still complete.

    Raises:
        ContractError: The text lists each hole, where it was found and how to fill it.
    """
    if not spec.holes:
        return
    lines = [
        f"  {hole.name} ({hole.kind.value}): the target writes {hole.text!r}"
        + (f" at {hole.anchor}" if hole.anchor else "")
        + _one_of(hole.choices)
        + f". Fill it with --set {hole.name}=VALUE"
        for hole in spec.holes
    ]
    raise HolesError(spec, lines)


def _installed(bench: Bench, options: SetupOptions) -> Bench:
    """The bench with the target's own environment, made or kept from an earlier run.

    Raises:
        StageError: A package cannot be installed.
    """
    surroundings, spec = bench.surroundings, bench.contract
    assert surroundings.sandbox is not None
    assert spec.environment is not None
    place = Workplace(
        # A folder of runs inside another one may share its cache by a link; programs in it keep their path.
        root=(options.home / "cache").resolve() / "environments",
        sandbox=surroundings.sandbox,
        indexes=read_indexes(options.source.variables, [Path(sys.prefix)]),
        record=surroundings.record,
        uv=find_uv(),
    )
    hidden = spec.oracle.files if spec.oracle is not None else ()
    built = build_environment(
        spec.environment, bench.original, identity=bench.prepared, place=place, hidden=hidden
    )
    bench.run.write_text(LOCK_FILE, built.lock)
    if built.provenance():
        spec = with_provenance(spec, built.provenance())
        bench.run.write_text("contract.yaml", dump_contract(spec))
    bench = replace(bench, contract=spec, surroundings=replace(surroundings, built=built))
    if not built.generated:
        return bench
    folder = fresh_copy(bench.run, bench.trees, bench.prepared, "generated")
    built.copy_generated(folder)
    return replace(bench, prepared=bench.trees.snapshot(folder))


def _client(channel: Channel) -> Client:
    endpoint = Endpoint(base_url=f"{channel.base_url}/v1", key=channel.token, wire="openai_chat")
    # Retries, backoff and rate limits are the gateway's: a second layer would multiply them.
    config = ClientConfig(
        read_s=_CALL_LIMIT_S,
        attempt_s=_CALL_LIMIT_S,
        total_s=_CALL_LIMIT_S,
        backoff=Backoff(retries=0),
        max_connections=_CONNECTIONS,
    )
    return Client(endpoint, config)


def _runs_foreign_code(spec: ContractSpec, derived: Derived) -> bool:
    stages = spec.stages
    deploy = stages.deploy
    every: tuple[StageSpec, ...] = (
        stages.auth,
        stages.bootstrap,
        stages.tests,
        deploy.setup,
        deploy.health,
        deploy.teardown,
        stages.rollout,
        stages.evaluate,
        stages.benchmark,
    )
    plays = spec.oracle is not None and (spec.oracle.commands or spec.oracle.policy)
    installs = spec.environment is not None
    return any(stage.commands for stage in every) or bool(plays) or installs or _judging_costs(derived)


def _judging(derived: Derived, options: SetupOptions) -> ThreadsExecutor | None:
    """Who judges, where a verdict costs something: a model is waited for, a program is worked for."""
    if derived.task is not None and asks_model(derived.task.scorer):
        return ThreadsExecutor(workers=options.max_connections)
    return ThreadsExecutor(workers=options.judges) if _judging_costs(derived) else None


def _judging_costs(derived: Derived) -> bool:
    return derived.task is not None and needs_sandbox(derived.task.scorer)
