"""Which contract a target has: the user's, the target's own, one in a foreign form, or a derived one.

Derivation asks no model: it takes the target's own commands where they can run, and the data's schema where
not. Where neither gives a contract, a gap says what was tried and what would close it; nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract.data.dataset import Gap, GapReason, derive
from honing.contract.data.task import DatasetTask, task_from_document
from honing.contract.derivation.data_variables import data_variables
from honing.contract.derivation.from_hints import HintsTried, Known, derive_from_hints
from honing.contract.derivation.holes import fill_holes
from honing.contract.options import SetupOptions
from honing.contract.readers import ForeignGap, read_foreign
from honing.contract.spec import ContractSpec, MetricSpec, Provenance, with_provenance
from honing.contract.spec_file import CONTRACT_PATH, load_contract
from honing.errors import ContractError, TargetError, UsageError

_INSISTED = Provenance(
    part="stages.evaluate",
    by="user",
    why="--set judge=data (or contract=data): the data's own answers judge, no command of the target's",
)
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a user says about the contract of a target; see `contract_for`."""

    override: Path | None
    split: str | None
    config: str | None
    choices: Mapping[str, str]
    env: Mapping[str, str]
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A target's contract, ready to run but for its holes."""

    spec: ContractSpec
    task: DatasetTask | None
    """The task of `spec.task`, on its data; None where the target brings commands only."""
    folder: Path
    """The working copy it was read from."""
    by: str
    """`user`, `target` or `derivation`."""
    data: Mapping[str, Path] = field(default_factory=dict)
    """Files and folders of this machine that variables of the stages name."""


class GapError(ContractError):
    """No contract can be had for a target; `document` is what contract_gap.json says."""

    def __init__(
        self, gap: Gap, *, foreign: ForeignGap | None = None, hints: HintsTried | None = None
    ) -> None:
        self.document: dict[str, Any] = {
            "level": "L2" if hints is not None and hints.found else "L0",
            "reason": gap.reason.value,
            "found": gap.text,
            "closes": gap.closes,
            "candidates": list(gap.candidates),
            "tried": list(gap.notes),
            "hints": list(hints.tried) if hints is not None else [],
            "foreign": None
            if foreign is None
            else {
                "kind": foreign.kind,
                "anchor": foreign.anchor,
                "found": foreign.text,
                "closes": foreign.closes,
            },
        }
        super().__init__(_gap_message(self.document, _none_of(hints)))


class DamagedDataError(GapError, TargetError):
    """The target's data cannot be read, and it brings nothing else that could be a contract."""

    def __init__(self, gap: Gap, error: TargetError) -> None:
        super().__init__(gap)
        self.args = (str(error),)


_MOST = 5
"""Candidates, commands and tables that a message lists; contract_gap.json lists them all."""
_LINE = 140
"""Characters of each."""


def _none_of(hints: HintsTried | None) -> str:
    if hints is None:
        return ""
    if not hints.found:
        return " Of its commands none asks a model or judges answers."
    return (
        f" Of its commands {hints.found} ask a model or judge answers, and none of them can be used as it "
        "stands."
    )


def _gap_message(document: Mapping[str, Any], commands: str) -> str:
    """What stopped the derivation and the next step; after that, shortened, what was looked at."""
    foreign = document["foreign"]
    candidates: Sequence[str] = document["candidates"]
    closes = foreign["closes"] if foreign is not None else document["closes"]
    text = (
        f"no contract: the target has no {CONTRACT_PATH}, and none can be derived: "
        f"{_cut(document['found'], 3 * _LINE)}.{commands}"
    )
    if foreign is not None:
        said = _cut(foreign["found"], 2 * _LINE)
        text += f" It brings a {foreign['kind']} ({foreign['anchor']}), which cannot be carried: {said}."
    text += f"\nNext: {_cut(closes, 2 * _LINE)}; or write one with `hone contract init FOLDER`."
    if candidates:
        text += f"\nCandidates: {', '.join(_cut(one, _LINE // 2) for one in candidates[:_MOST])}"
        text += f" and {len(candidates) - _MOST} more." if len(candidates) > _MOST else "."
    passed = [*document["hints"], *document["tried"]]
    text += "".join(f"\n  {_cut(one, _LINE)}" for one in passed[:_MOST])
    return text + (f"\n  and {len(passed) - _MOST} more" if len(passed) > _MOST else "")


def _cut(text: str, characters: int) -> str:
    text = text.rstrip(". ")
    return text if len(text) <= characters else f"{text[: characters - 4]} ..."


def contract_of(folder: Path, options: SetupOptions) -> Derived:
    """The contract of the target in `folder`, as the user's options want it; see `contract_for`."""
    return contract_for(
        folder,
        override=options.contract,
        split=options.split,
        config=options.config,
        choices=options.choices,
        env=options.env,
        as_of=options.as_of,
    )


def contract_for(
    folder: Path,
    *,
    override: Path | None = None,
    split: str | None = None,
    config: str | None = None,
    choices: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    as_of: str = "",
) -> Derived:
    """The contract of the target in `folder`.

    Args:
        folder: The target's working copy; it is only read.
        override: A contract file that replaces the target's own.
        split: Split of a data set.
        config: Configuration of a data set.
        choices: What to put into holes, and which alternatives to take, by name.
        env: Variables of every stage. A value that is an absolute path of this machine names data.
        as_of: Date (YYYY-MM-DD) after which nothing that is installed may be published; empty for today.

    Raises:
        ContractError: A contract file is invalid.
        GapError: There is no contract and none can be derived.
        TargetError: A data file is damaged.
        UsageError: A choice does not fit its hole, or the date is none.
    """
    wanted = _Wanted(
        override=override, split=split, config=config, choices=choices or {}, env=env or {}, as_of=as_of
    )
    _check_date(wanted.as_of)
    found = _first(folder, wanted)
    spec = fill_holes(found.spec, wanted.choices)
    if spec.environment is not None and wanted.as_of:
        spec = _as_of(spec, wanted.as_of)
    data = {one.name: one.path for one in data_variables(wanted.env)}
    return Derived(spec=spec, task=found.task, folder=folder, by=found.by, data=data)


def _first(folder: Path, wanted: _Wanted) -> Derived:
    """The first contract of: the user's, the target's own, a foreign one, a derived one."""
    if wanted.override is not None:
        return _own(load_contract(wanted.override), folder, by="user", file=wanted.override.name)
    if (folder / CONTRACT_PATH).is_file():
        return _own(load_contract(folder / CONTRACT_PATH), folder, by="target", file=CONTRACT_PATH)
    foreign = read_foreign(folder, split=wanted.split, config=wanted.config)
    if foreign is not None and not isinstance(foreign, ForeignGap):
        return Derived(spec=foreign.spec, task=foreign.task, folder=folder, by="target")
    return _derived(folder, wanted, foreign)


def _derived(folder: Path, wanted: _Wanted, foreign: ForeignGap | None) -> Derived:
    """From the target's commands, its data, or both."""
    damage: TargetError | None = None
    try:
        found = derive(folder, split=wanted.split, config=wanted.config)
    except TargetError as error:
        # The target's own commands may need none of its tables.
        damage = error
        found = Gap(reason=GapReason.UNREADABLE, text=str(error), closes="a data file that can be read")
    task = found if isinstance(found, DatasetTask) else None
    tried = _from_hints(folder, wanted, task)
    if tried.spec is not None:
        return Derived(
            spec=tried.spec,
            task=task if tried.spec.task is not None else None,
            folder=folder,
            by="derivation",
        )
    if task is not None and tried.graders and not _insists(wanted):
        raise GapError(_own_grader(tried), foreign=foreign, hints=tried)
    if isinstance(found, Gap):
        if damage is not None and not tried.found and foreign is None:
            raise DamagedDataError(found, damage) from damage
        raise GapError(found, foreign=foreign, hints=tried)
    spec = _spec_of(found, tried.tried)
    if _insists(wanted):
        spec = with_provenance(spec, [_INSISTED])
    return Derived(spec=spec, task=found, folder=folder, by="derivation")


def _insists(wanted: _Wanted) -> bool:
    """Whether the user wants the data judged although the target brings a grader of its own."""
    return wanted.choices.get("judge") == "data" or wanted.choices.get("contract") == "data"


def _own_grader(tried: HintsTried) -> Gap:
    """The data could be judged, but not as the target judges them."""
    others = f" (and {len(tried.graders) - 1} more)" if len(tried.graders) > 1 else ""
    return Gap(
        reason=GapReason.OWN_GRADER,
        text=f"the target has a grader of its own, which cannot be used: {tried.graders[0]}{others}. A score "
        "by its data alone would not be the target's own",
        closes="what that command lacks, or `--set judge=data` to judge by the answers in the data instead",
    )


def _from_hints(folder: Path, wanted: _Wanted, task: DatasetTask | None) -> HintsTried:
    known = Known(
        folder=folder,
        task=task,
        choices=wanted.choices,
        env=wanted.env,
        as_of=wanted.as_of,
        part=tuple(part for part in (wanted.split, wanted.config) if part),
    )
    tried = derive_from_hints(known)
    if _insists(wanted):
        why = "the data were asked for (--set judge=data)"
        return HintsTried(spec=None, tried=(*tried.tried, *tried.used(why)), found=tried.found)
    return tried


def _check_date(as_of: str) -> None:
    if as_of and not _DATE.fullmatch(as_of):
        raise UsageError(f"--as-of takes a date as YYYY-MM-DD, got {as_of!r}.")


def _as_of(spec: ContractSpec, date: str) -> ContractSpec:
    assert spec.environment is not None
    environment = spec.environment.model_copy(update={"as_of": date})
    part = Provenance(part="environment.as_of", by="user", why=f"--as-of {date}")
    return with_provenance(spec.model_copy(update={"environment": environment}), [part])


def _own(spec: ContractSpec, folder: Path, *, by: str, file: str) -> Derived:
    task = task_from_document(spec.task, folder) if spec.task is not None else None
    if not spec.provenance:
        part = Provenance(part="contract", by="user" if by == "user" else "target", anchor=f"{file}:1")
        spec = spec.model_copy(update={"provenance": (part,)})
    return Derived(spec=spec, task=task, folder=folder, by=by)


def _spec_of(task: DatasetTask, passed_over: Sequence[str]) -> ContractSpec:
    """The visible contract of a derived task: every decision with its anchor."""
    parts = tuple(
        Provenance(
            part=f"task.{decision.what}",
            by="derivation",
            anchor=decision.anchor,
            why=f"{decision.why} (confidence {decision.confidence:g})",
        )
        for decision in task.evidence
    )
    notes = tuple(Provenance(part="task", by="derivation", why=note) for note in task.notes)
    commands = tuple(
        Provenance(part="stages", by="derivation", why=f"not used: {one}") for one in passed_over[:10]
    )
    name = "pass@1" if task.kind == "code_tests" else "accuracy"
    return ContractSpec(
        task=_plain(task.as_document()),
        metric=MetricSpec(name=name, chance=task.chance),
        provenance=parts + notes + commands,
    )


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in document.items()}
