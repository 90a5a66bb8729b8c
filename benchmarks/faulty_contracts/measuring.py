"""Measures a case with Honing and says whether that came out as it must."""

from __future__ import annotations

import json
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from case import Case

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.errors import HoningError

MODEL = "a-model"
"""The pupil's name. It says nothing; one of the faults looks at it all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a measurement of a case came to."""

    name: str
    what: str
    is_healthy: bool
    ok: bool
    """Whether Honing gave a score."""
    score: float | None
    reason: str
    """Why it gave none."""
    passed: bool
    """A fault: no score, and for the right reason. A healthy target: the score that is known."""
    missing: str
    """What is not as it must be; empty where the case passed."""
    seconds: float


def measured(case: Case) -> Verdict:
    """Measure a case in a folder of its own."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="testbed-") as scratch:
        ok, score, reason = outcome(case, Path(scratch))
    missing = (
        wrong_with_healthy(case, score, reason) if case.is_healthy else wrong_with_fault(case, score, reason)
    )
    return Verdict(
        name=case.name,
        what=case.what,
        is_healthy=case.is_healthy,
        ok=ok,
        score=score,
        reason=reason,
        passed=not missing,
        missing=missing,
        seconds=round(time.perf_counter() - began, 2),
    )


def crashed(case: Case, error: BaseException) -> Verdict:
    """The verdict where the measurement itself broke: never a pass, whatever was planted."""
    cause = f"{error.__cause__ or ''}".strip().strip('"').strip().splitlines()
    told = f"crash: {type(error).__name__}: {error} {' | '.join(line.strip() for line in cause[-4:])}"
    return Verdict(
        name=case.name,
        what=case.what,
        is_healthy=case.is_healthy,
        ok=False,
        score=None,
        reason=told,
        passed=False,
        missing=told,
        seconds=0.0,
    )


def outcome(case: Case, scratch: Path) -> tuple[bool, float | None, str]:
    """Whether there is a score, the score, and why there is none."""
    folder = case.write(scratch / "target")
    answerer: object = case.pupil()
    answerer.name = MODEL  # type: ignore[attr-defined]
    if case.samples is not None:
        answerer = scratch / "samples.jsonl"
        answerer.write_text(case.samples)
    try:
        with setup(folder, SetupOptions(home=scratch / "runs", max_command_s=20.0)) as session:
            session.rollout(answerer, RolloutOptions(mode=Mode.FULL))  # type: ignore[arg-type]
            result = session.evaluate()
    except HoningError as error:
        return False, None, f"{type(error).__name__}: {error}".replace(str(scratch), "")
    return result.ok, result.score, json.loads(json.dumps(result.reason)).replace(str(scratch), "")


def wrong_with_fault(case: Case, score: float | None, reason: str) -> str:
    if score is not None:
        return f"a score was given: {score:.4g}"
    told = re.sub(r"^\w+Error: ", "", reason)
    return "" if re.search(case.said, told, re.DOTALL) else f"the reason does not match {case.said!r}"


def wrong_with_healthy(case: Case, score: float | None, reason: str) -> str:
    if score is None:
        return f"no score: {reason}"
    assert case.score is not None
    return "" if abs(score - case.score) < 1e-9 else f"scored {score}, known is {case.score}"
