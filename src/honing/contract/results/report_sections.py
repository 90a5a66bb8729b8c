"""Sections of a measurement's page: how samples ended, the contract with its hints, what ran by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from honing.contract.results.result import Result
from honing.contract.spec import ContractSpec
from honing.store import Badge, Block, CellKind, Column, Fact, KeyValues, Section, StageEvidence, Table, Tone

_TAIL = 4000
"""Characters of one output that the page keeps, its last ones."""
MOST_COMMANDS = 120
"""Commands of one stage on the page: the failed ones first."""
_ENDINGS = {
    "completed": ("answered and judged", Tone.GOOD),
    "model_failed": ("declined or cut off; judged as wrong", Tone.WARN),
    "infra_error": ("lost to infrastructure; run again to retry", Tone.BAD),
    "invalid": ("the row itself cannot be judged", Tone.BAD),
    "skipped": ("not reached", Tone.WARN),
}


def coverage_table(results: Sequence[Result]) -> Table:
    """How the samples of each model ended: what the score rests on."""
    columns = [
        Column(key="ending", title="How samples ended", kind=CellKind.BADGE),
        Column(key="means", title=""),
        *(
            Column(key=str(number), title=one.model, kind=CellKind.NUMBER)
            for number, one in enumerate(results)
        ),
    ]
    rows: list[dict[str, Any]] = [
        {
            "ending": Badge(ending.replace("_", " "), tone),
            "means": means,
            **{str(number): one.outcomes.get(ending) or None for number, one in enumerate(results)},
        }
        for ending, (means, tone) in _ENDINGS.items()
        if any(one.outcomes.get(ending) for one in results)
    ]
    return Table.of(columns, rows)


def contract_section(contract: ContractSpec, result: Result) -> Section:
    """What was run, and the hints in the target's own files that each part rests on."""
    facts = [
        Fact(label="contract hash", value=contract.digest, kind=CellKind.CODE),
        Fact(label="target", value=result.commit, kind=CellKind.CODE, note="its commit or content"),
    ]
    if result.sandbox:
        facts.append(Fact(label="contained by", value=result.sandbox))
    blocks: list[Block] = [KeyValues(facts=tuple(facts))]
    commands = list(_commands(contract))
    if commands:
        blocks.append(Table.of(_COMMANDS, commands, caption="Commands, as the contract has them"))
    anchored = [one.model_dump() for one in contract.provenance if one.anchor]
    others = [one.model_dump() for one in contract.provenance if not one.anchor]
    if anchored:
        blocks.append(Table.of(_HINTS, anchored, caption="Hints that were used, with their anchors"))
    if others:
        columns = [column for column in _HINTS if column.key != "anchor"]
        blocks.append(Table.of(columns, others, caption="Parts that rest on no line of the target"))
    return Section(
        title="Contract",
        text="What was run, and where each part of it comes from: an anchor is a line of the target's files.",
        blocks=tuple(blocks),
    )


_COMMANDS = (
    Column(key="stage", title="stage"),
    Column(key="command", title="command", kind=CellKind.CODE),
    Column(key="limit", title="limit", kind=CellKind.DURATION),
)
_HINTS = (
    Column(key="part", title="part", kind=CellKind.CODE),
    Column(key="anchor", title="anchor", kind=CellKind.CODE),
    Column(key="by", title="written by"),
    Column(key="why", title="why"),
)


def _commands(contract: ContractSpec) -> Iterator[dict[str, Any]]:
    stages = contract.stages
    named = {
        "auth": stages.auth,
        "bootstrap": stages.bootstrap,
        "tests": stages.tests,
        "deploy": stages.deploy.setup,
        "teardown": stages.deploy.teardown,
        "rollout": stages.rollout,
        "benchmark": stages.benchmark,
        "evaluate": stages.evaluate,
    }
    for stage, spec in named.items():
        for command in spec.commands:
            yield {"stage": stage, "command": command, "limit": spec.timeout_s}


def evidence_sections(records: Sequence[Mapping[str, Any]]) -> tuple[Section, ...]:
    """What ran, stage by stage, as our own process saw it end."""
    if not records:
        return ()
    commands = [_stage_evidence(record) for record in records]
    stages = list(dict.fromkeys(one.stage for one in commands))
    by_stage = {stage: [one for one in commands if one.stage == stage] for stage in stages}
    blocks: list[Block] = [_stage_table(by_stage)]
    for found in by_stage.values():
        blocks += _shown(found)
    text = "Every command of every attempt, stage by stage, as our own process saw it end."
    return (Section(title="Evidence", text=text, blocks=tuple(blocks)),)


def _stage_table(by_stage: Mapping[str, Sequence[StageEvidence]]) -> Table:
    columns = (
        Column(key="stage", title="Stage"),
        Column(key="commands", title="Commands", kind=CellKind.NUMBER),
        Column(key="good", title="Ended well", kind=CellKind.NUMBER),
        Column(key="bad", title="Failed", kind=CellKind.NUMBER),
        Column(key="endings", title="Endings"),
        Column(key="sandbox", title="Contained by"),
        Column(key="shown", title="Shown below", kind=CellKind.NUMBER),
    )
    rows: list[dict[str, Any]] = []
    for stage, found in by_stage.items():
        good = sum(one.ok for one in found)
        endings = Counter(_ending(one) for one in found)
        rows.append(
            {
                "stage": stage,
                "commands": len(found),
                "good": good,
                "bad": len(found) - good or None,
                "endings": ", ".join(f"{count} {name}" for name, count in sorted(endings.items())),
                "sandbox": ", ".join(sorted({one.sandbox for one in found})),
                "shown": min(len(found), MOST_COMMANDS),
            }
        )
    few = all(len(found) <= MOST_COMMANDS for found in by_stage.values())
    return Table.of([column for column in columns if not (few and column.key == "shown")], rows)


def _ending(one: StageEvidence) -> str:
    return one.ending if one.exit_code is None else f"exit {one.exit_code}"


def _shown(found: Sequence[StageEvidence]) -> list[StageEvidence]:
    """The commands of a stage that the page holds, in their order."""
    if len(found) <= MOST_COMMANDS:
        return list(found)
    chosen = sorted(range(len(found)), key=lambda at: (found[at].ok, at))[:MOST_COMMANDS]
    return [found[at] for at in sorted(chosen)]


def _stage_evidence(record: Mapping[str, Any]) -> StageEvidence:
    took = record.get("duration_s")
    return StageEvidence(
        stage=str(record["stage"]),
        command=str(record["command"]),
        ending=str(record["ending"]),
        ok=record["ending"] == "exited" and record["exit_code"] == 0,
        exit_code=record["exit_code"],
        duration_s=float(took) if isinstance(took, int | float) else None,
        attempt=int(record.get("attempt", 1)),
        stdout=str(record["stdout"])[-_TAIL:],
        stderr=str(record["stderr"])[-_TAIL:],
        sandbox=str(record["sandbox"]),
        capabilities=tuple(record.get("capabilities", ())),
        note=str(record.get("detail", "")),
    )
