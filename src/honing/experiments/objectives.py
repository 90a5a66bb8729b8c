"""A contract as the objective of a harness search."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from honing.contract import (
    EvaluationResult,
    Mode,
    RolloutOptions,
    Session,
    SetupOptions,
    ShownFolder,
    resolve,
    setup,
)
from honing.errors import StoppedError, TargetError, boundary
from honing.harness import ContractAsked, ContractMeasured
from honing.sandbox import Cancel
from honing.store import TREES, TreeStore, make_home

_HARNESS = "HONING_HARNESS"
_REPEAT = "HONING_REPEAT"
"""Tells the target's own commands which repeat this is; a further one is measured anew."""
_INFRASTRUCTURE = frozenset({"no_answer", "infrastructure", "stopped", "needs_docker", "needs_gpu"})
"""Kinds of failures of a target's command that no harness is to blame for."""


@dataclass(slots=True)
class _Kept:
    """A target that stays set up: its controls are measured once."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    session: Session | None = None


class ContractObjectives:
    """Measures targets for harness searches. Use it as a context manager: what was set up is torn down.

    A target is set up and calibrated once for all harnesses that differ in prompts. Its own commands see
    more of a harness than prompts, so for them the controls are measured with each harness: one that
    answers in the model's place does not calibrate.

    Args:
        options: How targets are set up; its `home` holds the runs of the measurements.
        models: Addresses and keys of models by their usual variable names.
        asking: Budgets, and whatever else is the same for all measurements.
    """

    def __init__(
        self,
        options: SetupOptions,
        *,
        models: Mapping[str, str] | None = None,
        asking: RolloutOptions | None = None,
    ) -> None:
        self._options = options
        self._models = dict(models or {})
        self._asking = asking or RolloutOptions()
        self._guard = threading.Lock()
        self._kept: dict[tuple[str, Path | None], _Kept] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def measure(self, asked: ContractAsked, cancel: Cancel | None) -> ContractMeasured:
        """See `ContractObjective.measure`."""
        if cancel is not None and cancel.is_set():
            raise StoppedError("measuring a contract was asked to stop")
        if asked.overlay:
            with self._laid_over(asked) as folder, self._session(folder, asked) as session:
                return self._measured(session, asked)
        with self._guard:
            kept = self._kept.setdefault((asked.target, asked.contract), _Kept())
        with kept.turn:
            if kept.session is None:
                kept.session = self._stack.enter_context(self._session(asked.target, asked))
            return self._measured(kept.session, asked)

    @contextmanager
    def _session(self, target: str | Path, asked: ContractAsked) -> Iterator[Session]:
        options = replace(self._options, contract=asked.contract or self._options.contract)
        # With an intent, a search that was killed goes on with the measurements that it had made.
        with setup(target, options, intent={"for": "harness", "target": asked.target}) as session:
            session.models = self._models
            yield session

    @contextmanager
    def _laid_over(self, asked: ContractAsked) -> Iterator[Path]:
        """A copy of the target in which files of the harness replace its own."""
        make_home(self._options.home)
        trees = TreeStore(self._options.home / TREES)
        target = resolve(asked.target, trees, leave_out=self._options.home, options=self._options.fetching())
        with tempfile.TemporaryDirectory(prefix="honing-") as scratch:
            folder = Path(scratch) / target.name
            trees.materialise(target.tree, folder)
            with boundary(TargetError, f"laying a harness over {asked.target!r}"):
                for path, content in asked.overlay.items():
                    _replace(folder, path, content)
            yield folder

    def _measured(self, session: Session, asked: ContractAsked) -> ContractMeasured:
        own_commands = session.contract.stages.target_asks
        options = self._rollout_options(asked, own_commands=own_commands)
        rolled = session.rollout(asked.model, options)
        evaluated = session.evaluate()
        reason = evaluated.reason or rolled.reason
        read = own_commands or bool(asked.overlay)
        return _measured(evaluated, reason, by_harness=read and not _ours(evaluated.metrics))

    def _rollout_options(self, asked: ContractAsked, *, own_commands: bool) -> RolloutOptions:
        options = replace(
            self._asking,
            mode=Mode.FULL if asked.full else Mode.SMOKE,
            limit=asked.limit,
            system=asked.system,
            template=asked.template,
        )
        if not own_commands:
            sampling = replace(options.sampling, seed=asked.seed) if asked.seed else options.sampling
            return replace(options, sampling=sampling)
        folders = {} if asked.folder is None else {_HARNESS: ShownFolder(asked.folder, asked.identity)}
        env = {**options.env, **({_REPEAT: str(asked.seed)} if asked.seed else {})}
        return replace(options, folders=folders, env=env)


def _replace(folder: Path, path: str, content: bytes) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.parent.resolve().is_relative_to(folder.resolve()):
        raise TargetError(f"{path!r} leads out of the target through a link")
    place.unlink(missing_ok=True)
    place.write_bytes(content)


def _ours(metrics: Mapping[str, Any]) -> bool:
    """Whether it is not the target's commands, run with this harness, that failed."""
    failure = metrics.get("failure")
    return isinstance(failure, Mapping) and failure.get("kind") in _INFRASTRUCTURE


def _measured(evaluated: EvaluationResult, reason: str, *, by_harness: bool) -> ContractMeasured:
    metrics = evaluated.metrics
    low, high = metrics["metric"]["range"]
    return ContractMeasured(
        score=evaluated.score,
        low=low,
        high=high,
        higher_is_better=metrics["metric"]["direction"] == "maximize",
        reason="" if evaluated.score is not None else reason,
        by_harness=by_harness and evaluated.score is None,
        cost_usd=metrics["cost_usd"],
        sandbox=metrics["sandbox"],
    )
