"""Reads the ledger of a run from its journal: live, after a kill, and at the end. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.errors import StoreError
from honing.harness.candidate import Arm, Candidate
from honing.harness.candidate_document import candidate_from, evaluation_from
from honing.harness.ledger.base import Ledger, Spend, usage_of
from honing.harness.ledger.facts import facts_of
from honing.harness.loop.config import BASELINE, CANDIDATES, FINAL
from honing.harness.tasks.base import Evaluation
from honing.store import JournalReader, Run, StoredResult, Totals, parse_json, read_journal

ATTRIBUTION = "attribution.json"
"""Artifact that `hone harness attribute` writes."""
_NOTHING = Totals(done=0, failed=0, attempts=0, starts=0, tokens=0, cost_usd=0.0, cost_unknown=0, wall_s=0.0)


def read_ledger(run: Run) -> Ledger:
    """The ledger of a run as it stands now. Needs no lock and changes nothing, so it can be read at any time.

    What cannot be read is named in the ledger's `damage`; all else is there.
    """
    facts = facts_of(run.config, seed=run.seed)
    damage: list[str] = []
    found = _Found(damage)
    journal = run.path / "journal.sqlite"
    totals = _NOTHING
    if journal.exists():
        try:
            with read_journal(journal) as reader:
                found.take(reader)
                totals = reader.totals()
        except StoreError as error:
            damage.append(str(error))
    status = run.status
    return Ledger(
        name=run.path.name,
        path=run.path,
        run_id=run.id,
        status=status,
        reason=run.reason,
        created=run.created,
        ended=run.ended,
        facts=facts,
        candidates=found.candidates,
        moments=found.moments,
        running=tuple(_name_at(position, control=facts.control) for position in found.leased),
        final=found.final,
        fresh=found.fresh,
        held_out=found.held_out,
        attribution=_artifact(run, ATTRIBUTION, damage),
        spend=spend_of(found.candidates, totals),
        damage=tuple(damage),
    )


def spend_of(candidates: Sequence[Candidate], totals: Totals = _NOTHING) -> Spend:
    """What these candidates cost, as their own records say; the time of supervision is the journal's."""
    usages = [usage_of(each) for each in candidates]
    asked = [usage for usage in usages if usage]
    costs = [usage.get("cost_usd") for usage in asked]
    runs = [run for each in candidates if each.evaluation is not None for run in each.evaluation.runs]
    retests = sum(each.acceptance.task_runs for each in candidates if each.acceptance is not None)
    agents = [each.proposal.agent for each in candidates if each.proposal is not None]
    return Spend(
        calls=sum(int(usage.get("calls") or 0) for usage in asked),
        input_tokens=sum(int(usage.get("input_tokens") or 0) for usage in asked),
        output_tokens=sum(int(usage.get("output_tokens") or 0) for usage in asked),
        cost_usd=sum(float(cost) for cost in costs if cost is not None),
        cost_unknown=sum(cost is None for cost in costs),
        task_runs=len(runs) + retests,
        agent_s=sum(float(agent.get("duration_s") or 0.0) for agent in agents),
        evaluation_s=sum(run.score.duration_s for run in runs),
        wall_s=totals.wall_s,
    )


class _Found:
    """What a journal holds of a harness run, row by row."""

    def __init__(self, damage: list[str]) -> None:
        self.candidates: list[Candidate] = []
        self.moments: dict[str, float] = {}
        self.leased: list[int] = []
        self.final: Mapping[str, Any] | None = None
        self.fresh: dict[str, Evaluation] = {}
        self.held_out: dict[str, Evaluation] = {}
        self._damage = damage

    def take(self, reader: JournalReader) -> None:
        for step in (BASELINE, CANDIDATES):
            for result in reader.results(step):
                self._candidate(step, result)
        self.candidates.sort(key=_order)
        self.leased = reader.leased(CANDIDATES)
        for _, kind, text in reader.errors(CANDIDATES):
            self._damage.append(f"A proposal failed with {kind} and is tried again on resume: {text}")
        for result in reader.results(FINAL):
            self._end(result)

    def _candidate(self, step: str, result: StoredResult) -> None:
        try:
            where = f"{step}, unit {result.position}"
            candidate = candidate_from(parse_json(result.value, where=where), where=where)
        except StoreError as error:
            self._damage.append(str(error))
            return
        self.candidates.append(candidate)
        if result.ended is not None:
            self.moments[candidate.id] = result.ended

    def _end(self, result: StoredResult) -> None:
        try:
            document = parse_json(result.value, where=FINAL)
        except StoreError as error:
            self._damage.append(str(error))
            return
        self.final = document if isinstance(document, Mapping) else {}
        self._evaluations("fresh", self.fresh)
        self._evaluations("held_out", self.held_out)

    def _evaluations(self, part: str, into: dict[str, Evaluation]) -> None:
        found = (self.final or {}).get(part)
        for name, judged in found.items() if isinstance(found, Mapping) else ():
            try:
                into[str(name)] = evaluation_from(judged, where=f"{FINAL}.{part}.{name}")
            except StoreError as error:
                self._damage.append(str(error))


def _order(candidate: Candidate) -> tuple[bool, int]:
    return (candidate.arm is Arm.CONTROL, candidate.slot)


def _name_at(position: int, *, control: bool) -> str:
    """The candidate that a unit makes: both arms take turns, the search first."""
    if not control:
        return f"c{position + 1:04d}"
    return f"{'cb'[position % 2]}{position // 2 + 1:04d}"


def _artifact(run: Run, name: str, damage: list[str]) -> Mapping[str, Any] | None:
    if not (run.path / name).is_file():
        return None
    try:
        document = run.read_json(name)
    except StoreError as error:
        damage.append(str(error))
        return None
    return document if isinstance(document, Mapping) else None
