"""The three verbs on one target, by the names that users of earlier tools know.

    from honing import env

    env_ = env.setup({"target": "./my-benchmark", "llm": "gpt-4o-mini", "mode": "smoke"})
    env_.rollout(require_samples=True)
    result = env_.evaluate()
    env.teardown(env_)

`honing.setup` gives the same with every option.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import honing
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.contract import RepairOptions, RolloutOptions, Session

_ALIASES = {
    "repo": "target",
    "model": "llm",
    "eval_mode": "mode",
    "env_overrides": "env",
    "max_cmd_seconds": "max_command_s",
    "max_total_seconds": "max_total_s",
}
_PATHS = ("home", "contract")
_READERS: Mapping[str, Callable[[str], Any]] = {
    "max_command_s": float,
    "max_total_s": float,
    "limit": int,
    "max_tokens": int,
}
"""How options that come as variables are read."""
_OWN = ("target", "llm", "artifacts_dir", "agent", "agent_model", "opencode_model", "repair_iters")
_COPIED = (
    "rollout.json", "samples.jsonl", "metrics.json", "calibration.json", "contract.yaml", "hints_used.json",
    "hints_run.json", "report.json", "repair.json", "environment.lock.txt",
)  # fmt: skip
"""What of a run is copied to `artifacts_dir`, where it has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutCallResult:
    """How a rollout ended."""

    ok: bool
    artifacts_dir: Path
    rollout_path: Path
    """rollout.json; it names the samples."""
    reason: str = ""
    """Why it is not ok."""
    samples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCallResult:
    """How an evaluation ended."""

    ok: bool
    artifacts_dir: Path
    metrics_path: Path
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """The content of metrics.json."""
    reason: str = ""


class Env:
    """One target, set up. Made by `setup`; a context manager."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Use `setup`."""
        from honing.contract import RolloutOptions

        self._given = given
        self._options = RolloutOptions(**_rollout_fields(given))
        self.session = _opened(given, self._options)
        self._asked: tuple[str, RolloutOptions] | None = None

    def rollout(
        self,
        llm: str | None = None,
        mode: str | None = None,
        *,
        require_samples: bool | None = None,
        env_overrides: Mapping[str, str] | None = None,
        artifacts_dir: str | Path | None = None,
        repair_iters: int | None = None,
        **options: Any,
    ) -> RolloutCallResult:
        """Calibrate, then ask a model; what is not given is as `setup` was told.

        Args:
            llm: The model.
            mode: `smoke` or `full`.
            require_samples: Fail unless every sample is complete and they differ.
            env_overrides: Variables for the target's own commands in this rollout.
            artifacts_dir: Where files are copied to as well; the run's own folder where None.
            repair_iters: Patches to ask a coding agent for, where the contract does not hold; the target is
                set up anew where this is another number than `setup` was told.
            **options: Any further field of `RolloutOptions`.

        Raises:
            UsageError: No model is named, or an option is unknown.
            HoningError: See `Session.rollout`.
        """
        if unknown := sorted(set(options) - {one.name for one in fields(self._options)}):
            raise UsageError(f"rollout(): unknown option {unknown[0]!r}.")
        wanted = {"mode": mode, "require_samples": require_samples, "env": env_overrides, **options}
        changes = {name: value for name, value in wanted.items() if value is not None}
        model = llm or self._given.get("llm")
        if model is None:
            raise UsageError("rollout() needs a model: give llm=, here or in setup().")
        asked = replace(self._options, **_rollout_fields(changes))
        if repair_iters is not None and repair_iters != self._given.get("repair_iters"):
            self._given = {**self._given, "repair_iters": repair_iters}
            self.session.teardown()
            self.session = _opened(self._given, asked)
        self._asked = (model, asked)
        found = self.session.rollout(model, asked)
        folder = self._kept(artifacts_dir)
        return RolloutCallResult(
            ok=found.ok,
            artifacts_dir=folder,
            rollout_path=folder / found.path.name,
            reason=found.reason,
            samples=len(found.samples),
        )

    def evaluate(
        self,
        llm: str | None = None,
        mode: str | None = None,
        *,
        env_overrides: Mapping[str, str] | None = None,
        artifacts_dir: str | Path | None = None,
        repair_iters: int | None = None,
    ) -> EvaluationCallResult:
        """Judge the rollout; where there was none, or another is asked for, it is made first.

        Args:
            llm: The model.
            mode: `smoke` or `full`.
            env_overrides: Variables for the target's own commands.
            artifacts_dir: Where files are copied to as well.
            repair_iters: As for `rollout`.

        Raises:
            HoningError: See `Session.rollout`.
        """
        mended = repair_iters is not None and repair_iters != self._given.get("repair_iters")
        if self._asked is None or mended or self._differs(llm, mode, env_overrides):
            self.rollout(
                llm,
                mode,
                env_overrides=env_overrides,
                artifacts_dir=artifacts_dir,
                repair_iters=repair_iters,
            )
        found = self.session.evaluate()
        folder = self._kept(artifacts_dir)
        return EvaluationCallResult(
            ok=found.ok,
            artifacts_dir=folder,
            metrics_path=folder / found.path.name,
            metrics=found.metrics,
            reason=found.reason,
        )

    def teardown(self) -> None:
        """Stop what setup started. May be called more than once."""
        self.session.teardown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.__exit__(kind, error, trace)

    def _differs(self, llm: str | None, mode: str | None, env: Mapping[str, str] | None) -> bool:
        assert self._asked is not None
        model, options = self._asked
        wanted = {"mode": mode, "env": env}
        fresh = replace(options, **_rollout_fields({k: v for k, v in wanted.items() if v is not None}))
        return (llm or model, fresh) != (model, options)

    def _kept(self, artifacts_dir: str | Path | None) -> Path:
        """The folder in which the run's files lie for the caller."""
        run = self.session.run.path
        wanted = artifacts_dir or self._given.get("artifacts_dir")
        if wanted is None:
            return run
        folder = Path(wanted)
        folder.mkdir(parents=True, exist_ok=True)
        for name in _COPIED:
            if (run / name).is_file():
                shutil.copyfile(run / name, folder / name)
        return folder


def setup(target: str | Path | Mapping[str, Any], **options: Any) -> Env:
    """Make a target ready, with the models that the environment names.

    Args:
        target: A folder or an address; or a mapping with the key `target` and any option.
        **options: `llm`, `mode`, `artifacts_dir`, and any field of `SetupOptions` and `RolloutOptions`, also
            by the names `eval_mode`, `env_overrides`, `max_cmd_seconds`, `max_total_seconds`.

    Raises:
        UsageError: An option is unknown.
        HoningError: See `honing.contract.setup`.
    """
    from honing.contract import RolloutOptions, SetupOptions

    named = dict(target) if isinstance(target, Mapping) else {"target": target}
    given: dict[str, Any] = _by_our_names({**named, **options})
    if "target" not in given:
        raise UsageError(f"setup() needs a target, got {', '.join(given) or 'nothing'}.")
    known = {*_names(SetupOptions), *(_names(RolloutOptions) - {"env"}), *_OWN}
    if unknown := sorted(set(given) - known):
        raise UsageError(f"setup(): unknown option {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    return Env(given)


def _names(record: type[Any]) -> set[str]:
    return {one.name for one in fields(record)}


def _opened(given: Mapping[str, Any], asked: RolloutOptions) -> Session:
    """The target, set up as it was asked for."""
    from honing.contract import SetupOptions

    placed: dict[str, Any] = {name: given[name] for name in _names(SetupOptions) & set(given)}
    placed |= {name: Path(placed[name]) for name in _PATHS if placed.get(name) is not None}
    return honing.setup(given["target"], SetupOptions(**placed), repair=_repair(given, asked))


def _repair(given: Mapping[str, Any], asked: RolloutOptions) -> RepairOptions | None:
    """Who may write or mend the contract; None where nobody is asked to."""
    opencode = given.get("opencode_model")
    agent = given.get("agent") or ("opencode" if opencode else "")
    if not agent and not given.get("repair_iters"):
        return None
    return honing.repair_with(
        agent,
        model=given.get("agent_model") or opencode or "",
        iterations=given.get("repair_iters"),
        measured=given.get("llm") or "",
        asked=asked,
    )


def teardown(env_: Env) -> None:
    """Stop what setup started; the same as `env_.teardown()`."""
    env_.teardown()


def _by_our_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options under the names that Honing has for them; one that is named so already counts."""
    from honing.contract import translated
    from honing.llm import Sampling

    found = {_ALIASES.get(name, name): value for name, value in given.items()}
    said = translated(found.get("env") or {})
    if not said.options:
        return found
    told: dict[str, Any] = {_ALIASES.get(name, name): value for name, value in said.options.items()}
    for name, read in _READERS.items():
        if name in told:
            told[name] = _read(name, read, told[name])
    if "max_tokens" in told:
        told["sampling"] = Sampling(max_tokens=told.pop("max_tokens"))
    return {**told, **found, "env": said.env}


def _read(name: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise UsageError(f"env: the variable for {name} needs a number, got {text!r}.") from None


def _rollout_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are a rollout's, the mode as its name says; variables are the setup's unless asked for
    alone."""
    from honing.contract import Mode, RolloutOptions

    names = _names(RolloutOptions) - ({"env"} if "target" in given else set())
    found = {name: given[name] for name in names & set(given)}
    if "mode" in found:
        try:
            found["mode"] = Mode(found["mode"])
        except ValueError:
            raise UsageError(f"mode is smoke or full, got {found['mode']!r}.") from None
    return found
