"""Starting what a target deploys, waiting until it is healthy, and stopping it.

With a health stage the last command of `deploy.setup` may go on running: it is a service, and lives until
teardown. Without one the setup must end by itself.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from honing.contract.spec import DeploySpec, StageSpec
from honing.contract.stages.copies import fresh_copy
from honing.contract.stages.failures import Failure, failure_of
from honing.contract.stages.runtime_env import FILE, VARIABLE, RuntimeEnv, read_runtime_env
from honing.contract.stages.stage import StageContext, checked, poll_stage, run_stage
from honing.contract.workbench.bench import Bench
from honing.errors import HoningError
from honing.store import TreeId

_SERVICE_LIMIT_S = 30 * 86400.0
_STOP_LIMIT_S = 30.0


def deployed(bench: Bench) -> Bench:
    """The bench with what its contract deploys running; its variables are known to every later stage.

    Raises:
        StageFailedError: The setup failed, or the deployment did not become healthy in time.
        StageError: What it told in runtime_env.json is not of the agreed form.
    """
    deploy = bench.contract.stages.deploy
    if not deploy.setup.commands and not deploy.health.commands:
        return bench
    folder = fresh_copy(bench.run, bench.trees, bench.prepared, "deploy")
    (folder / FILE).parent.mkdir(exist_ok=True)
    (folder / FILE).unlink(missing_ok=True)
    context = bench.context(folder, None, None)
    context = replace(context, env={**context.env, VARIABLE: str(folder / FILE)})
    service = _start(bench, deploy, context)
    if deploy.health.commands:
        checked(
            poll_stage("deploy.health", deploy.health, context, unless=service.failed if service else None)
        )
    told = read_runtime_env(folder)
    bench.run.write_json("runtime_env.json", told.as_document())
    bench = replace(bench, surroundings=replace(bench.surroundings, runtime=told))
    if service is not None and service.running:
        # It may be writing there: what it has to tell stands in runtime_env.json.
        return bench
    return replace(bench, prepared=_left(bench, folder, told))


def _left(bench: Bench, folder: Path, told: RuntimeEnv) -> TreeId:
    if told != RuntimeEnv():
        (folder / FILE).unlink(missing_ok=True)
    return bench.trees.snapshot(folder)


def _start(bench: Bench, deploy: DeploySpec, context: StageContext) -> Service | None:
    if not deploy.health.commands:
        checked(run_stage("deploy.setup", deploy.setup, context))
        return None
    *first, last = deploy.setup.commands or ("true",)
    checked(run_stage("deploy.setup", _with(deploy.setup, tuple(first)), context))
    service = Service(_with(deploy.setup, (last,)), context)
    bench.until_end.callback(service.stop)
    service.start()
    return service


def _with(spec: StageSpec, commands: tuple[str, ...]) -> StageSpec:
    return spec.model_copy(update={"commands": commands})


class Service:
    """One command that may go on running while others use what it serves."""

    def __init__(self, spec: StageSpec, context: StageContext) -> None:
        self._stop = threading.Event()
        self._spec = spec.model_copy(update={"timeout_s": _SERVICE_LIMIT_S, "retries": 0})
        self._context = replace(context, max_command_s=None, cancel=self._stop)
        self._failure: Failure | None = None
        # The sandbox ties a command's life to the thread that started it, so this thread waits for it.
        self._thread = threading.Thread(target=self._run, name="honing-service", daemon=True)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def failed(self) -> Failure | None:
        """Why it ended by itself, where it did and badly."""
        return None if self.running else self._failure

    def stop(self) -> None:
        """End it with everything it started. Safe to repeat."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_LIMIT_S)

    def _run(self) -> None:
        try:
            self._failure = run_stage("deploy.setup", self._spec, self._context).failure
        except HoningError as error:
            self._failure = failure_of(error, "deploy.setup")
