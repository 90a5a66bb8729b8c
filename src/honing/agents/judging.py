"""How an agent's run ended, from what our own side saw: the process, and the calls that reached the gateway.

Exit codes and the programs' own words come last: they say success where nothing worked, and failure for
reasons that are not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from honing.agents.base import AgentOutcome, AgentUsage, Trouble
from honing.agents.transcript import Transcript, short
from honing.llm import CallRecord, ErrorKind
from honing.sandbox import Ending, Finished

Verdict = tuple[AgentOutcome, Trouble, str]

_OF_CALL = {
    ErrorKind.AUTHENTICATION: (AgentOutcome.CRASH, Trouble.AUTHENTICATION),
    ErrorKind.BAD_TOKEN: (AgentOutcome.CRASH, Trouble.AUTHENTICATION),
    ErrorKind.BUDGET: (AgentOutcome.EXHAUSTED, Trouble.BUDGET),
    ErrorKind.RATE_LIMIT: (AgentOutcome.INFRA_ERROR, Trouble.RATE_LIMIT),
    ErrorKind.UNREACHABLE: (AgentOutcome.INFRA_ERROR, Trouble.UNREACHABLE),
    ErrorKind.BAD_REQUEST: (AgentOutcome.CRASH, Trouble.OTHER),
    ErrorKind.NOT_FOUND: (AgentOutcome.CRASH, Trouble.OTHER),
}
"""What a failed last call means; every kind that is not here is the server's or the gateway's failure."""
_SAYS_MODEL = re.compile(r"\bmodels?\b", re.IGNORECASE)
_WORDS: tuple[tuple[Trouble, re.Pattern[str]], ...] = (
    # The most telling words first: a missing model is often said in one breath with the keys for one.
    (
        Trouble.MODEL,
        re.compile(
            r"no models? (?:available|configured|selected|found|specified)|unknown (?:model|provider)|"
            r"model[^.\n]{0,80}(?:not found|does ?n[o']t exist|not supported|is not available)",
            re.IGNORECASE,
        ),
    ),
    (
        Trouble.AUTHENTICATION,
        re.compile(
            r"\b40[13]\b|unauthori[sz]ed|authenticat|api[ _-]?key|not logged in|log ?in required|"
            r"auth method|credentials|missing environment variable",
            re.IGNORECASE,
        ),
    ),
    (
        Trouble.PERMISSION,
        re.compile(
            r"EACCES|EROFS|EPERM|permission denied|read-only file system|operation not permitted|"
            r"auto-?reject|requires? approval|permission requested",
            re.IGNORECASE,
        ),
    ),
    (
        Trouble.VERSION,
        re.compile(
            r"(?:unknown|unrecogni[sz]ed|unexpected|invalid) (?:option|argument|flag)|no such option", re.I
        ),
    ),
    (
        Trouble.UNREACHABLE,
        re.compile(
            r"ECONNREFUSED|ENOTFOUND|connection (?:refused|error)|network is unreachable|fetch failed", re.I
        ),
    ),
)
"""What programs say when they cannot go on, by what it means."""
_REJECTED = re.compile(r"permission requested: *([^;\n]{1,200});? *auto-?reject", re.IGNORECASE)
"""A tool call that a program refused in the user's name, since nobody was there to be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What our own side saw of one run."""

    finished: Finished
    transcript: Transcript
    calls: Sequence[CallRecord]
    """That reached the gateway."""
    exhausted: str | None = None
    """Which budget is spent."""
    given_up: bool = False
    """Whether it was stopped because its last model calls all failed."""


def ending_of(seen: Seen, *, needs_model: bool = True) -> Verdict:
    """Outcome, trouble and a sentence for one run of a command-line agent.

    Args:
        seen: The process, what it printed, and its calls.
        needs_model: Whether a run without any call did nothing.
    """
    finished, transcript = seen.finished, seen.transcript
    stopped = _stopped_by_us(seen)
    if stopped is not None:
        return stopped
    failed = _failed_call(seen.calls)
    if failed is not None:
        return _of_call(failed)
    if transcript.complaint or not finished.ok:
        return _of_words(finished, transcript)
    denied = transcript.denied or tuple(_REJECTED.findall(finished.stderr))
    if denied:
        tools = ", ".join(dict.fromkeys(one.strip() for one in denied))
        return AgentOutcome.REFUSED, Trouble.PERMISSION, f"it was not permitted to use {tools}"
    if needs_model and not seen.calls:
        return _of_silence(finished)
    return AgentOutcome.FINISHED, Trouble.NONE, ""


def usage_of(calls: Sequence[CallRecord]) -> AgentUsage:
    """The calls of one run, added up."""
    costs = [call.cost_usd for call in calls if call.ok]
    return AgentUsage(
        calls=len(calls),
        failed=sum(not call.ok for call in calls),
        input_tokens=sum(call.usage.input_tokens or 0 for call in calls),
        output_tokens=sum(call.usage.output_tokens or 0 for call in calls),
        cost_usd=None if None in costs else float(sum(cost for cost in costs if cost is not None)),
    )


def _stopped_by_us(seen: Seen) -> Verdict | None:
    """A run that did not end by itself."""
    finished = seen.finished
    if finished.ending is Ending.STOPPED and not seen.given_up:
        return AgentOutcome.STOPPED, Trouble.NONE, "it was asked to stop"
    if seen.exhausted is not None:
        return AgentOutcome.EXHAUSTED, Trouble.BUDGET, seen.exhausted
    if finished.ending is Ending.TIMEOUT:
        limit = (
            f"it did not end within its time limit ({finished.duration_s:.0f} s); its process tree was killed"
        )
        return AgentOutcome.TIMEOUT, Trouble.TIME, limit
    if finished.ending in (Ending.MEMORY, Ending.DISK):
        return AgentOutcome.CRASH, Trouble.LIMIT, finished.detail
    return None


def _failed_call(calls: Sequence[CallRecord]) -> CallRecord | None:
    """The last call, where it failed: an agent that went on after a failure had it repaired."""
    last = next((call for call in reversed(calls) if call.error_kind != ErrorKind.CALLER_GONE), None)
    return last if last is not None and not last.ok else None


def _of_call(call: CallRecord) -> Verdict:
    kind = ErrorKind(call.error_kind)
    said = f"its last model call failed ({kind.value}, HTTP {call.status}): {short(call.error)}"
    if kind is ErrorKind.REFUSED:
        unknown = call.status == 404 or _SAYS_MODEL.search(call.error)
        return AgentOutcome.CRASH, Trouble.MODEL if unknown else Trouble.OTHER, said
    outcome, trouble = _OF_CALL.get(kind, (AgentOutcome.INFRA_ERROR, Trouble.SERVER))
    return outcome, trouble, said


def _of_words(finished: Finished, transcript: Transcript) -> Verdict:
    printed = finished.stderr.strip() or _outside_events(finished.stdout)
    words = transcript.complaint or short(printed[-400:]) or "it printed nothing"
    how = "ended" if finished.ending is Ending.EXITED else "was ended by a signal"
    trouble = _trouble_in(words)
    if trouble is Trouble.OTHER:
        trouble = _trouble_in(printed)
    return AgentOutcome.CRASH, trouble, f"it {how} with {finished.exit_code}: {words}"


def _outside_events(printed: str) -> str:
    """What was printed between events: an event holds names of keys and models where nothing is wrong."""
    return "\n".join(line for line in printed.split("\n") if not line.startswith("{")).strip()


def _of_silence(finished: Finished) -> Verdict:
    """A program that ended well and asked nothing: what it printed may say why."""
    trouble = _trouble_in(finished.stderr)
    said = f": {short(finished.stderr.strip()[-400:])}" if trouble is not Trouble.OTHER else ""
    return AgentOutcome.CRASH, trouble, f"it ended without asking its model anything{said}"


def _trouble_in(text: str) -> Trouble:
    return next((trouble for trouble, words in _WORDS if words.search(text)), Trouble.OTHER)
