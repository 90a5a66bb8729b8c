"""A model as judge: bound to a channel of its own, and calibrated on pairs whose verdict is known.

Right pairs are golds and the same golds in other clothes, wrong pairs are golds of other rows. A judge that
does not tell them apart may not give a score.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from honing.contract.asking.answerers import source_for
from honing.contract.asking.dead_server import check_alive
from honing.contract.asking.rollout import choose_rows
from honing.contract.controls.calibrate import (
    CALIBRATION_ROWS,
    JUDGE_AT_LEAST,
    Calibration,
    Level,
    OracleSource,
)
from honing.contract.grading.evaluate import journaled
from honing.contract.scorers import JudgeModelScorer, Row
from honing.contract.workbench.bench import Bench
from honing.errors import ModelError, UsageError
from honing.executors import Progress
from honing.llm import Channel, Client, Message, ModelRequest, Role, Sampling, Source
from honing.stats import Interval, proportion

CHANNEL = "judge"
STEP = "judge.agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCalibration:
    """How often a judge gives the known verdict."""

    model: str
    right: Interval | None
    """Over pairs of a question and its gold, also in other clothes; None where none was judged."""
    wrong: Interval | None
    """Over pairs of a question and another row's gold."""
    unjudged: int = 0
    """Pairs without a verdict."""
    first_failure: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why this judge may not give a score, one sentence each; empty where it may."""
        found = []
        if self.unjudged:
            found.append(f"{self.unjudged} known pairs got no verdict; the first: {self.first_failure}")
        for side, agreement in (("right", self.right), ("wrong", self.wrong)):
            if agreement is None:
                found.append(f"there are no pairs known to be {side}")
            elif agreement.estimate < JUDGE_AT_LEAST:
                found.append(
                    f"it finds {agreement.estimate:.3f} of {agreement.n} {side} answers {side} (95% interval "
                    f"{agreement.low:.3f} to {agreement.high:.3f}); at least {JUDGE_AT_LEAST} are needed"
                )
        return tuple(f"the judge {self.model}: {reason}" for reason in found)

    def as_document(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "right": _shown(self.right),
            "wrong": _shown(self.wrong),
            "unjudged": self.unjudged,
            "needed": JUDGE_AT_LEAST,
            "ok": not self.reasons,
        }


def _shown(agreement: Interval | None) -> dict[str, Any] | None:
    if agreement is None:
        return None
    return {"agreement": agreement.estimate, "ci95": [agreement.low, agreement.high], "n": agreement.n}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelJudge:
    """A judge at work."""

    scorer: JudgeModelScorer
    channel: Channel

    def as_document(self, calibration: JudgeCalibration) -> dict[str, Any]:
        """Who judged, how well, and at what price; counted apart from the model's own calls."""
        counts = self.channel.counts()
        return {
            "model": self.scorer.model,
            "calibration": calibration.as_document(),
            "calls": counts.calls,
            "tokens": {"input": counts.input_tokens, "output": counts.output_tokens},
            "cost_usd": None if counts.cost_usd is None else float(counts.cost_usd),
        }


def with_judge(
    bench: Bench, models: Mapping[str, str], named: str, *, seed: int
) -> tuple[Bench, ModelJudge | None]:
    """The bench with its judge ready to be asked; as it is where no model judges.

    Args:
        bench: The target.
        models: Addresses and keys of models by their usual variable names.
        named: The judge the user names; the contract's own where empty.
        seed: Of what is random.

    Raises:
        UsageError: No judge is named, or one that knows the gold.
    """
    scorer = bench.scorer
    if not isinstance(scorer, JudgeModelScorer) or bench.contract.stages.target_judges:
        return bench, None
    model = named or scorer.model
    if not model or model.startswith("scripted/"):
        raise UsageError(
            f"a model must judge this target's answers, got {model or 'none'!r}. Name one with --judge-model "
            "MODEL, or in the contract's scorer (`model:`); a scripted model knows the gold and cannot judge."
        )
    source = source_for(model, bench, models, seed=seed)
    channel = bench.until_end.enter_context(closing(bench.gateway.channel(CHANNEL, source)))
    client = bench.until_end.enter_context(closing(bench.client(channel)))
    bound = replace(scorer, model=model, ask=_asking(client, model, source))
    return replace(bench, scorer=bound), ModelJudge(scorer=bound, channel=channel)


def _asking(client: Client, model: str, source: Source) -> Callable[[str], str]:
    """Asks the judge; the same question once only, so that controls that repeat known pairs cost nothing."""
    said: dict[str, str] = {}
    lock = threading.Lock()

    def ask(prompt: str) -> str:
        with lock:
            known = said.get(prompt)
        if known is not None:
            return known
        request = ModelRequest(
            model=model, messages=[Message(Role.USER, prompt)], sampling=Sampling(temperature=0.0)
        )
        try:
            reply = client.complete(request).text
        except ModelError:
            check_alive(source)
            raise
        with lock:
            said[prompt] = reply
        return reply

    return ask


def calibrate_judge(bench: Bench, judge: ModelJudge, seed: int, progress: Progress) -> JudgeCalibration:
    """Ask a judge about pairs whose verdict is known.

    Raises:
        ModelUnreachableError: Its server is dead.
    """
    assert bench.judging is not None  # whatever costs something is judged as units of the journal
    rows = choose_rows(list(bench.rows.values()), CALIBRATION_ROWS, seed)
    right, wrong = _known_pairs(bench, rows, seed)
    units = [{"id": row_id, "known": True, "completion": text} for row_id, text in right]
    units += [{"id": row_id, "known": False, "completion": text} for row_id, text in wrong]
    judged = journaled(bench.run, STEP, judge.scorer, bench.judging, progress)(
        lambda unit: _verdict(judge.scorer, bench.rows[unit["id"]], unit["completion"]), units
    )
    ended = list(zip(units, judged, strict=True))
    lost = [detail for _, detail in ended if detail["reward"] is None]
    return JudgeCalibration(
        model=judge.scorer.model,
        right=_agreement([detail["reward"] for unit, detail in ended if unit["known"]], 1.0),
        wrong=_agreement([detail["reward"] for unit, detail in ended if not unit["known"]], 0.0),
        unjudged=len(lost),
        first_failure=str(lost[0]["why"]) if lost else "",
    )


def _known_pairs(
    bench: Bench, rows: Sequence[Row], seed: int
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Row ids with answers known to be right, and with answers known to be wrong."""
    gold = bench.gold
    if gold is None:
        return [], []
    ids = [row.id for row in rows if row.id in gold.right]
    right = [(row_id, gold.right[row_id]) for row_id in ids]
    dressed = list(gold.variants(ids).values())
    for index, row_id in enumerate(ids):
        clothes = dressed[index % len(dressed)] if dressed else {}
        if row_id in clothes and clothes[row_id] != gold.right[row_id]:
            right.append((row_id, clothes[row_id]))
    return right, [(row_id, text) for row_id, text in gold.shuffled(ids, seed).items() if row_id in ids]


def _verdict(scorer: JudgeModelScorer, row: Row, completion: str) -> dict[str, Any]:
    detail = scorer.score(row, completion)
    return {"reward": detail.reward, "why": detail.why, "status": detail.status.value}


def _agreement(rewards: Sequence[float | None], known: float) -> Interval | None:
    judged = [reward for reward in rewards if reward is not None]
    return proportion(sum(reward == known for reward in judged), len(judged)) if judged else None


def not_fit_to_judge(judge: JudgeCalibration, bench: Bench) -> Calibration:
    """The calibration of a contract whose judge failed its own: no control was even run."""
    return Calibration(
        ok=False,
        level=Level.RUNS,
        oracle_source=bench.gold.source if bench.gold is not None else OracleSource.UNAVAILABLE,
        rows=0,
        population=len(bench.rows),
        controls=(),
        reasons=judge.reasons,
    )
