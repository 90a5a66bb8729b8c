"""How an agent's run ended, from what our own side saw: the process, and the calls that reached the gateway.

Exit codes and the programs' own words come last: they say success where nothing worked, and failure for
reasons that are not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
_SAYS_MODEL = re.compile(r"\bmodel\b", re.IGNORECASE)
_SAYS_KEY = re.compile(r"\b401\b|unauthorized|authenticat|api[ _-]?key|not logged in", re.IGNORECASE)


def ending_of(
    finished: Finished, transcript: Transcript, calls: Sequence[CallRecord], exhausted: str | None
) -> Verdict:
    """Outcome, trouble and a sentence for one run of a command-line agent."""
    if finished.ending is Ending.STOPPED:
        return AgentOutcome.STOPPED, Trouble.NONE, "it was asked to stop"
    if exhausted is not None:
        return AgentOutcome.EXHAUSTED, Trouble.BUDGET, exhausted
    if finished.ending is Ending.TIMEOUT:
        limit = (
            f"it did not end within its time limit ({finished.duration_s:.0f} s); its process tree was killed"
        )
        return AgentOutcome.TIMEOUT, Trouble.TIME, limit
    if finished.ending in (Ending.MEMORY, Ending.DISK):
        return AgentOutcome.CRASH, Trouble.LIMIT, finished.detail
    failed = _failed_call(calls)
    if failed is not None:
        return _of_call(failed)
    if transcript.complaint or not finished.ok:
        return _of_words(finished, transcript)
    if transcript.denied:
        tools = ", ".join(dict.fromkeys(transcript.denied))
        return AgentOutcome.REFUSED, Trouble.PERMISSION, f"it was not permitted to use {tools}"
    if not calls:
        return AgentOutcome.CRASH, Trouble.OTHER, "it ended without asking its model anything"
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
    tail = finished.stderr.strip() or finished.stdout.strip()
    words = transcript.complaint or short(tail[-400:]) or "it printed nothing"
    how = "ended" if finished.ending is Ending.EXITED else "was ended by a signal"
    trouble = Trouble.AUTHENTICATION if _SAYS_KEY.search(words) else Trouble.OTHER
    return AgentOutcome.CRASH, trouble, f"it {how} with {finished.exit_code}: {words}"
