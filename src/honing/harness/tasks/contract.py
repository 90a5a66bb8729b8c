"""A measurement is the objective: files of the harness become what a model is asked with, and the score of a
contract is the score of the harness.

What measures is owned by another system; `objective.py` says what is needed of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from honing.documents import RelativePath
from honing.errors import GraderError, UsageError
from honing.harness.tasks.base import Cascade, Place, Task, TaskScore
from honing.harness.tasks.basics import Basics, Common, Word, basics_of, plain, scored
from honing.harness.tasks.grader_files import digest_of, grader_files
from honing.harness.tasks.objective import ContractAsked, ContractMeasured, ContractObjective, Contracts

HARNESS = "HONING_HARNESS"
"""Variable that tells the target's own commands where the harness lies."""
_LARGEST_BYTES = 1_000_000


@contextmanager
def objective_of(
    tasks: Iterable[Task], contracts: Contracts | None, folder: Path
) -> Iterator[ContractObjective | None]:
    """What measures contracts for these tasks; None where none of them asks, or nothing here does."""
    if contracts is None or not any(isinstance(task, ContractTask) for task in tasks):
        yield None
        return
    with contracts(folder) as objective:
        yield objective


class ContractSpec(Basics):
    """`type: contract`. At least one of `system`, `template`, `overlay` and `mount` says what the harness
    is."""

    type: Literal["contract"]
    target: Word
    """What is measured: a folder of the project, or whatever else `hone measure` takes."""
    model: Word
    """Who is asked."""
    contract: str = ""
    """A contract file of the project that replaces the target's own."""
    mode: Literal["smoke", "full"] = "smoke"
    limit: Annotated[int, Field(gt=0)] | None = None
    """Rows to ask; the mode's where absent."""
    system: RelativePath | None = None
    """File of the harness that becomes the system prompt."""
    template: RelativePath | None = None
    """File of the harness that stands around each prompt, with `{prompt}` in it."""
    overlay: Mapping[RelativePath, RelativePath] = {}
    """Files of the harness that replace files of the target, by path in the target."""
    mount: bool = False
    """Show the whole harness to the target's own rollout commands, at $HONING_HARNESS."""

    @model_validator(mode="after")
    def _uses_the_harness(self) -> ContractSpec:
        if not (self.system or self.template or self.overlay or self.mount):
            raise ValueError("say what the harness is for the target: system, template, overlay or mount")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTask(Common):
    """The score of a measurement, carried to [0, 1] by its metric's range and direction."""

    target: str
    content: str
    """Hash of the target where it is a folder of this machine."""
    model: str
    contract: Path | None = None
    contract_digest: str = ""
    full: bool = False
    limit: int | None = None
    system: str = ""
    template: str = ""
    overlay: Mapping[str, str] = field(default_factory=dict)
    mount: bool = False

    def identity(self) -> Mapping[str, Any]:
        return {
            "type": "contract",
            "target": self.content or self.target,
            "model": self.model,
            "contract": self.contract_digest,
            "rows": ["full" if self.full else "smoke", self.limit],
            "harness": [self.system, self.template, sorted(self.overlay.items()), self.mount],
        }

    def judge(self, place: Place, seed: int) -> TaskScore:
        if place.objective is None:
            raise GraderError(
                f"task '{self.id}': nothing here measures contracts. Start the run with `hone harness run`, "
                "or give the places of the evaluation an objective."
            )
        texts = {name: place.read_text(name, limit_bytes=_LARGEST_BYTES) for name in self._files()}
        if lacking := sorted(name for name, text in texts.items() if text is None):
            return scored(0.0, f"{lacking[0]} is not a plain file of at most {_LARGEST_BYTES} bytes")
        template = texts.get(self.template) or ""
        if template and template.count("{prompt}") != 1:
            return scored(0.0, f"{self.template} must hold {{prompt}} exactly once")
        asked = ContractAsked(
            target=self.target,
            model=self.model,
            contract=self.contract,
            full=self.full,
            limit=self.limit,
            system=texts.get(self.system) or "",
            template=template,
            overlay={path: (texts[name] or "").encode() for path, name in self.overlay.items()},
            folder=place.workspace if self.mount else None,
            identity=str(place.tree),
            seed=seed,
        )
        return self._score(place.objective.measure(asked, place.cancel))

    def _files(self) -> list[str]:
        return [name for name in (self.system, self.template, *self.overlay.values()) if name]

    def _score(self, found: ContractMeasured) -> TaskScore:
        if found.score is None:
            if found.by_harness:
                return scored(0.0, f"no score: {plain(found.reason)}", sandbox=found.sandbox)
            raise GraderError(f"task '{self.id}': {self.target} gave no score: {plain(found.reason, 600)}")
        if not 0 < found.high - found.low < math.inf:
            raise GraderError(
                f"task '{self.id}': the metric of {self.target} has no bounds, so it is no share of "
                "anything. Give it a range in the contract."
            )
        share = (found.score - found.low) / (found.high - found.low)
        score = min(1.0, max(0.0, share if found.higher_is_better else 1 - share))
        reason = "" if score == 1 else f"it scored {found.score:g} in [{found.low:g}, {found.high:g}]"
        return scored(score, reason, cost=found.cost_usd or 0.0, sandbox=found.sandbox)


def contract_task(spec: ContractSpec, folder: Path) -> ContractTask:
    """The task of a spec.

    Raises:
        UsageError: The contract cannot be read, or the metric's files are not there.
    """
    key = f"task '{spec.id}'"
    local = folder.absolute() / spec.target
    is_local = local.is_dir()
    contract = grader_files(folder, spec.contract, f"{key}: contract") if spec.contract else None
    if spec.target.startswith((".", "/")) and not is_local:
        raise UsageError(f"{key}: target: {str(local)!r} is not a folder.")
    return ContractTask(
        **basics_of(spec, Cascade.FULL, deterministic=spec.model.startswith("scripted/")),
        target=str(local) if is_local else spec.target,
        content=digest_of(local) if is_local else "",
        model=spec.model,
        contract=None if contract is None else contract.path,
        contract_digest="" if contract is None else contract.digest,
        full=spec.mode == "full",
        limit=spec.limit,
        system=spec.system or "",
        template=spec.template or "",
        overlay=dict(spec.overlay),
        mount=spec.mount,
    )
