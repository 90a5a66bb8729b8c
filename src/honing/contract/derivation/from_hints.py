"""A contract from the commands that a target's own files name: no model is asked, no benchmark is known.

Every line carries the anchor it was found at; where several commands or values were possible, the choice and
its alternatives are recorded, and the user may choose otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from honing.contract.data.dataset import DatasetTask
from honing.contract.derivation.candidates import (
    asks_model,
    judging_too,
    main_programs,
    of_role,
    other_keys,
    part_costs,
    selectors,
    split_by_traps,
    worth,
)
from honing.contract.derivation.data_variables import DataVariable, data_variables
from honing.contract.derivation.filling import Filled, Wishes, fill
from honing.contract.derivation.gold_table import gold_table
from honing.contract.derivation.packages import Packages, packages_of
from honing.contract.derivation.passed_over import PassedOver, wants_values
from honing.contract.derivation.sample_format import answers_by_task, sample_format
from honing.contract.hints import Hint, Option, Role, find_hints, options_of
from honing.contract.spec import (
    Answers,
    ContractSpec,
    EvaluateSpec,
    HoleKind,
    HoleSpec,
    MetricSpec,
    Provenance,
    RolloutSpec,
    Stages,
    StageSpec,
)
from honing.contract.spec_oracle import OracleSpec

_TIMEOUT_S = 3600.0
"""Of a target's own command: it may ask a model hundreds of times."""
SHAPES = ("benchmark", "stages", "evaluate", "data")
"""The ways in which a contract can be made; `--set contract=NAME` chooses one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a derivation may use."""

    folder: Path
    task: DatasetTask | None
    """The task of the target's own data, where its schema gives one."""
    choices: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that every stage will have; those that name files of this machine hand over data."""
    as_of: str = ""
    data: Sequence[DataVariable] = ()
    """The files among them; found by `derive_from_hints`."""
    part: tuple[str, ...] = ()
    """The split and the configuration that the user names: a command must name them itself to heed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsTried:
    """What became of the target's commands, for a gap."""

    spec: ContractSpec | None
    shape: str = ""
    """Which of `SHAPES` it has; empty without a contract."""
    tried: tuple[str, ...] = ()
    """Every command that was passed over, with the reason."""
    found: int = 0
    """Commands with a role in a contract."""
    graders: tuple[str, ...] = ()
    """Those among `tried` that surely judge answers, so that the data alone may not stand in for them."""

    def used(self, why: str) -> tuple[str, ...]:
        """The commands of the contract that was found, as passed over for a reason of the user's."""
        parts = self.spec.provenance if self.spec is not None else ()
        stages = [
            one for one in parts if one.part in ("stages.benchmark", "stages.rollout", "stages.evaluate")
        ]
        anchors = dict.fromkeys(one.anchor for one in stages if one.anchor)
        return tuple(f"{anchor}: {why}" for anchor in anchors)


def derive_from_hints(known: Known) -> HintsTried:
    """The contract that a target's commands give, or why they give none."""
    hints = [_asking(hint, known.folder) for hint in find_hints(known.folder)]
    known = replace(known, data=data_variables(known.env, hints))
    roles = of_role(hints, Role.ROLLOUT, Role.EVALUATE)
    usable, rejected = split_by_traps(roles)
    wanted = known.choices.get("contract", "")
    passed = PassedOver()
    makers: Mapping[str, Callable[[], ContractSpec | None]] = {
        "benchmark": lambda: _combined(known, hints, usable, passed),
        "stages": lambda: _staged(known, hints, usable, passed),
        "evaluate": lambda: _judging(known, hints, usable, passed),
    }
    for shape, make in makers.items():
        if wanted in ("", shape) and (spec := make()) is not None:
            break
    else:
        spec, shape = None, ""
        passed.add_all(
            usable, f"contract={wanted} was asked for" if wanted else "no other command goes with it"
        )
    # Last: what could run, but for something that the user can give, is the better lead.
    for one in rejected:
        passed.add(one.hint, one.why)
    return HintsTried(
        spec=spec, shape=shape, tried=passed.sentences(), found=len(roles), graders=passed.graders()
    )


def _asking(hint: Hint, folder: Path) -> Hint:
    relevant = hint.role in (Role.ROLLOUT, Role.EVALUATE)
    return replace(hint, asks_model=True) if relevant and asks_model(hint, folder) else hint


def _combined(
    known: Known, hints: Sequence[Hint], usable: Sequence[Hint], passed: PassedOver
) -> ContractSpec | None:
    """One command that asks the model and judges its answers."""
    asking = [hint for hint in of_role(usable, Role.EVALUATE) if hint.asks_model]
    asking += judging_too(hints, of_role(usable, Role.ROLLOUT))
    best = _best(known, _heeding(known, asking, passed), passed)
    if best is None or _left_to_data(known, [best], passed):
        return None
    stage = StageSpec(
        commands=(best.command,), workdir=best.workdir, env=dict(best.env), timeout_s=_TIMEOUT_S
    )
    return _spec(known, hints, [best], Stages(benchmark=stage), "stages.benchmark")


def _staged(
    known: Known, hints: Sequence[Hint], usable: Sequence[Hint], passed: PassedOver
) -> ContractSpec | None:
    """A command that asks, and another that judges what the first one wrote."""
    rollouts = of_role(usable, Role.ROLLOUT)
    passed.add_all([one for one in rollouts if not one.asks_model], "nothing shows that it asks a model")
    able = _heeding(known, [hint for hint in rollouts if hint.asks_model], passed)
    asking = _best(known, able, passed)
    if asking is None:
        return None
    silent = [hint for hint in of_role(usable, Role.EVALUATE) if not hint.asks_model]
    trial = PassedOver()
    judging = _best(known, silent, trial, samples=asking.output)
    if judging is None or (judging.samples and judging.samples != asking.output):
        passed.add(asking.hint, "it asks a model, and no command judges what it writes")
        return None
    passed.take(trial)
    if _left_to_data(known, [asking, judging], passed):
        return None
    stages = Stages(
        rollout=RolloutSpec(
            commands=(asking.command,), workdir=asking.workdir, env=dict(asking.env), timeout_s=_TIMEOUT_S
        ),
        evaluate=EvaluateSpec(
            commands=(judging.command,), workdir=judging.workdir, env=dict(judging.env), timeout_s=_TIMEOUT_S
        ),
    )
    return _spec(known, hints, [asking, judging], stages, "stages.rollout", "stages.evaluate")


def _judging(
    known: Known, hints: Sequence[Hint], usable: Sequence[Hint], passed: PassedOver
) -> ContractSpec | None:
    """The data give the questions, and the target's own command judges the answers."""
    silent = [hint for hint in of_role(usable, Role.EVALUATE) if not hint.asks_model]
    reading = [hint for hint in silent if any(one.kind is HoleKind.SAMPLES for one in hint.placeholders)]
    passed.add_all([one for one in silent if one not in reading], "it names no file of answers to be judged")
    if known.task is None:
        passed.add_all(reading, "it judges a file of answers, and the data do not say which questions to ask")
        return None
    best = _best(known, reading, passed)
    if best is None:
        return None
    if best.holes:
        passed.add(best.hint, wants_values(best.holes))
        return None
    by_task = answers_by_task(known.folder, [best.hint]) if best.samples.endswith(".json") else ""
    if by_task:
        passed.add(
            best.hint,
            f'it wants one JSON object of answers by task, {{"id": ["answer", ...]}} ({by_task}); samples '
            "are written as rows (a contract can turn them over in `stages.evaluate`)",
        )
        return None
    shape = sample_format(known.folder, [best.hint, *(h for h in reading if h is not best.hint)], known.task)
    where = best.samples if best.workdir == "." else f"{best.workdir}/{best.samples}"
    stages = Stages(
        rollout=RolloutSpec(samples=where, samples_columns=dict(shape.columns)),
        evaluate=EvaluateSpec(
            commands=(best.command,), workdir=best.workdir, env=dict(best.env), timeout_s=_TIMEOUT_S
        ),
    )
    spec = _spec(known, hints, [best], stages, "stages.evaluate")
    columns = ", ".join(f"{name} = {what}" for name, what in shape.columns.items())
    part = Provenance(
        part="stages.rollout.samples_columns",
        by="derivation",
        anchor=shape.anchor,
        why=f"{columns}: {shape.why}",
    )
    return spec.model_copy(update={"provenance": (*spec.provenance, part)})


def _left_to_data(known: Known, chosen: Sequence[Filled], passed: PassedOver) -> bool:
    """Whether commands with holes give way to data that need nothing from the user."""
    if known.task is None or known.choices.get("contract") or not any(one.holes for one in chosen):
        return False
    for one in chosen:
        if one.holes:
            passed.add(one.hint, wants_values(one.holes))
    return True


def _heeding(known: Known, hints: Sequence[Hint], passed: PassedOver) -> list[Hint]:
    """The commands that name the part of the data that the user wants: others would ask about all of it."""
    heeding = []
    for hint in hints:
        missing = [part for part in known.part if part not in hint.command]
        if missing:
            passed.add(hint, f"it does not say how to take the part {', '.join(missing)} alone")
        else:
            heeding.append(hint)
    return heeding


def _best(known: Known, hints: Sequence[Hint], passed: PassedOver, *, samples: str = "") -> Filled | None:
    """The command for which most speaks, filled; those without holes come first."""
    pairs = []
    shares = main_programs(hints)
    for order, hint in enumerate(hints):
        declared = options_of(known.folder, hint)
        options = _spellings(declared)
        part = selectors(hint, declared)
        filled = _of_part(fill(hint, _wishes(known, options, samples)), part)
        if hint.asks_model and _needs_other_key(filled, options):
            passed.add(hint, f"it needs {', '.join(other_keys(hint.env, hint.command))}")
            continue
        value = worth(filled, options) - 0.01 * order - part_costs(hint, part, hints)
        value += max((shares.get(program, 0.0) for program in hint.programs), default=0.0)
        if filled.samples and (known.folder / hint.workdir / _given(hint)).exists():
            # An example that the target brings is not what it wants to judge.
            value -= 0.5
        pairs.append((value, filled))
    pairs.sort(key=lambda pair: pair[0], reverse=True)
    for _, filled in pairs[1:]:
        passed.add(filled.hint, f"another command fits better ({pairs[0][1].hint.anchor})")
    return pairs[0][1] if pairs else None


def _given(hint: Hint) -> str:
    found = next((one for one in hint.placeholders if one.kind is HoleKind.SAMPLES), None)
    return (found.default or found.text) if found is not None else "\0".strip("\0") or "-"


def _needs_other_key(filled: Filled, options: frozenset[str]) -> bool:
    """Whether only a key of another provider would make the command work."""
    others = other_keys(filled.hint.env, filled.hint.command)
    reaches = "OPENAI_BASE_URL" in filled.command or "OPENAI_API_KEY" in filled.command
    return bool(others) and not reaches and not ({"--base-url", "--base_url", "--api-key"} & options)


def _wishes(known: Known, options: frozenset[str], samples: str) -> Wishes:
    words = [one.name for one in known.data] + [one.path.name for one in known.data]
    words += list(known.task.files) if known.task is not None else []
    return Wishes(
        folder=known.folder,
        choices=known.choices,
        variables=frozenset(known.env),
        data_words=tuple(words),
        samples=samples,
        options=options,
    )


def _spellings(options: Sequence[Option]) -> frozenset[str]:
    """Every spelling of the options that a program has."""
    return frozenset(name for option in options for name in (option.name, *option.aliases))


def _of_part(filled: Filled, part: Sequence[str]) -> Filled:
    return replace(filled, part=tuple(part))


def _spec(
    known: Known, hints: Sequence[Hint], chosen: Sequence[Filled], stages: Stages, *parts: str
) -> ContractSpec:
    packages = packages_of(known.folder, hints, [one.hint for one in chosen], as_of=known.as_of)
    oracle, gold = _oracle(known)
    judged_here = stages.benchmark.commands or stages.rollout.commands
    task = None if judged_here and known.task is None else known.task
    return ContractSpec(
        task=_document(task) if task is not None else None,
        metric=MetricSpec(discover=True, chance=task.chance if task is not None else 0.0),
        oracle=oracle if task is None else None,
        environment=packages.spec,
        holes=_holes(chosen),
        stages=stages.model_copy(update={"rollout": _answers(stages)}),
        provenance=_provenance(chosen, parts, packages, gold),
    )


def _answers(stages: Stages) -> RolloutSpec:
    return stages.rollout.model_copy(update={"answers": Answers.GATEWAY})


def _oracle(known: Known) -> tuple[OracleSpec | None, tuple[Provenance, ...]]:
    """Gold in the data that the user hands over by a variable."""
    for one in known.data:
        table = gold_table(one.path, variable=one.name)
        if table is not None:
            columns = " + ".join(table.completion)
            why = f"{one.name} names {one.path.name}: {table.match!r} asks, {columns} is the right answer"
            return OracleSpec(table=table), (
                Provenance(part="oracle.table", by="derivation", anchor=one.anchor, why=why),
            )
    return None, ()


def _holes(chosen: Sequence[Filled]) -> tuple[HoleSpec, ...]:
    found: dict[str, HoleSpec] = {}
    for filled in chosen:
        for hole in filled.holes:
            found.setdefault(hole.name, hole)
    return tuple(found.values())


def _provenance(
    chosen: Sequence[Filled], parts: Sequence[str], packages: Packages, gold: tuple[Provenance, ...]
) -> tuple[Provenance, ...]:
    found: list[Provenance] = list(packages.provenance)
    for filled, part in zip(chosen, parts, strict=True):
        why = f"{filled.hint.why} (confidence {filled.hint.confidence:g}); written as: {filled.hint.command}"
        if filled.part:
            why += f"; it takes only a part of the tasks ({', '.join(filled.part)})"
        found.append(Provenance(part=part, by="derivation", anchor=filled.hint.anchor, why=why))
        found += [
            Provenance(part=part, by="derivation", anchor=filled.hint.anchor, why=choice.sentence)
            for choice in filled.choices
        ]
    return (*found, *gold)


def _document(task: DatasetTask) -> dict[str, object]:
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in task.as_document().items()
    }
