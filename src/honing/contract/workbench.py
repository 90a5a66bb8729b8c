"""From a contract to a bench on which measurements can be made: sandbox, gateway, environment, prepared
tree."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.contract.bench import Bench
from honing.contract.commands import INLINE
from honing.contract.copies import fresh_copy, remove_copies
from honing.contract.derive import Derived
from honing.contract.gold import gold_of
from honing.contract.options import SetupOptions
from honing.contract.rollout import Plan
from honing.contract.scoring import needs_sandbox
from honing.contract.spec import ContractSpec, StageSpec, TeardownPolicy
from honing.contract.stages import StageContext, checked, run_stage
from honing.contract.target import Target
from honing.errors import StageError
from honing.executors import MapOptions, ThreadsExecutor, UnitStatus, run_map
from honing.llm import Backoff, Channel, Client, ClientConfig, Endpoint, Gateway, GatewayConfig
from honing.sandbox import Capability, Forward, Sandbox, choose, python_mounts
from honing.store import Run, TreeId, TreeStore

SETUP_VERSION = "1"
GATEWAY_PORT = 4141
"""Where a command with a network of its own finds the gateway."""
_CONNECTIONS = 1024
"""More than any executor has workers: the gateway limits what goes on to servers."""
_CALL_LIMIT_S = 3600.0
"""The gateway's own limits and retries apply first; this only ends a call that nobody else ends."""


@contextmanager
def build_bench(
    run: Run, derived: Derived, trees: TreeStore, target: Target, options: SetupOptions
) -> Iterator[Bench]:
    """Everything measurements stand on; the gateway serves while the block runs.

    Raises:
        MissingToolError: Foreign code would run and no sandbox can contain it here.
    """
    spec, task = derived.spec, derived.task
    sandbox = choose(options.sandbox) if _runs_foreign_code(spec, derived) else None
    config = GatewayConfig(
        max_connections=options.max_connections,
        requests_per_minute=options.requests_per_minute,
        tokens_per_minute=options.tokens_per_minute,
        log_path=run.artifact("logs/calls.jsonl"),
        socket_path=run.artifact("logs/gateway.sock"),
    )
    with Gateway(config) as gateway:
        environment = _Environment(run, sandbox, gateway, run.evidence().append, options)
        gold = gold_of(derived)
        yield Bench(
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
            context=environment.context,
            client=_client,
            asking=ThreadsExecutor(workers=options.max_connections),
            judging=ThreadsExecutor(workers=options.judges) if _judging_costs(derived) else None,
            sandbox_name=sandbox.name if sandbox is not None else "",
        )


def prepare(bench: Bench) -> Bench:
    """Run auth, bootstrap, tests and deploy; the bench then stands on the tree they left.

    What bootstrap left is kept over sessions; a deployment is not, since teardown ends it.

    Raises:
        StageError: A stage failed.
    """
    stages = bench.contract.stages
    bench = _kept(bench, {"auth": stages.auth, "bootstrap": stages.bootstrap, "tests": stages.tests})
    deploy = {"deploy.setup": stages.deploy.setup, "deploy.health": stages.deploy.health}
    if not any(step.commands for step in deploy.values()):
        return bench
    return replace(bench, prepared=TreeId(_run_steps(bench, deploy)["tree"]))


def _kept(bench: Bench, steps: Mapping[str, StageSpec]) -> Bench:
    """Run steps as one unit of the journal."""
    if not any(step.commands for step in steps.values()):
        return bench
    unit = {"tree": bench.prepared, "contract": bench.contract.digest}
    options = MapOptions(version=SETUP_VERSION)
    (result,) = run_map(
        bench.run, "setup", lambda _: _run_steps(bench, steps), [unit], executor=INLINE, options=options
    )
    if result.status is not UnitStatus.DONE:
        raise StageError(result.error)
    return replace(bench, prepared=TreeId(result.result["tree"]))


def _run_steps(bench: Bench, steps: Mapping[str, StageSpec]) -> dict[str, Any]:
    folder = fresh_copy(bench.run, bench.trees, bench.prepared, "setup")
    context = bench.context(folder, None, None)
    for name, step in steps.items():
        checked(run_stage(name, step, context))
    return {"tree": bench.trees.snapshot(folder)}


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
            checked(run_stage("deploy.teardown", deploy.teardown, bench.context(folder, None, None)))
    finally:
        remove_copies(bench.run)


class _Environment:
    """Where stages run: the same folders, variables and sandbox for every measurement of a run."""

    def __init__(
        self, run: Run, sandbox: Sandbox | None, gateway: Gateway, record: Any, options: SetupOptions
    ) -> None:
        self._run = run
        self._sandbox = sandbox
        self._gateway = gateway
        self._record = record
        self._options = options

    def context(self, folder: Path, channel: Channel | None, plan: Plan | None) -> StageContext:
        """The context of one measurement's stages; a stage without a channel reaches no model."""
        assert self._sandbox is not None  # chosen whenever a stage has commands
        address, forwards = self._way_to_gateway(channel)
        return StageContext(
            sandbox=self._sandbox,
            workspace=folder,
            env={
                **_base_env(folder),
                **(channel.env(address) if channel is not None else {}),
                **(_plan_env(plan) if plan is not None else {}),
                "HONING_RUN_ID": self._run.id,
                **self._options.env,
                **(plan.env if plan is not None else {}),
            },
            mounts=python_mounts(),
            forwards=forwards,
            record=self._record,
            max_command_s=self._options.max_command_s,
        )

    def _way_to_gateway(self, channel: Channel | None) -> tuple[str | None, tuple[Forward, ...]]:
        """The gateway's address as the command sees it, and the forward that leads there."""
        if channel is None or channel.socket is None or self._sandbox is None:
            return None, ()
        own_network = Capability.NET_CUT in self._sandbox.capabilities
        port = GATEWAY_PORT if own_network else _free_port()
        return f"127.0.0.1:{port}", (Forward(port, channel.socket),)


def _free_port() -> int:
    """A port of this machine that nobody has now, for a command that shares the machine's network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _base_env(folder: Path) -> dict[str, str]:
    python = Path(sys.base_prefix) / "bin"
    return {
        "PATH": f"{python}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "CI": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "PIP_NO_INPUT": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HONING_TARGET": str(folder),
    }


def _plan_env(plan: Plan) -> Mapping[str, str]:
    return {
        "HONING_MODEL": plan.model,
        "OPENAI_MODEL": plan.model,
        "HONING_LIMIT": "" if plan.limit is None else str(plan.limit),
        "HONING_SEED": str(plan.seed),
    }


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
    return any(stage.commands for stage in every) or _judging_costs(derived)


def _judging_costs(derived: Derived) -> bool:
    return derived.task is not None and needs_sandbox(derived.task.scorer)
