"""Secrets that a user gives to a target's commands are not kept where they are printed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from honing.sandbox import Finished

HIDDEN = "***"
"""Stands where a secret was printed."""
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)
_SHORTEST = 6
"""A shorter value occurs by chance, and replacing it would spoil what was printed."""


def secret_values(*variables: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables whose names say that they are secret, the longest first."""
    found = {
        value
        for mapping in variables
        for name, value in mapping.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST
    }
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def concealed(finished: Finished, secrets: Sequence[str]) -> Finished:
    """What a command printed and was seen to run, without secrets."""
    if not secrets:
        return finished
    trace = finished.trace
    if trace is not None:
        processes = [[_without(word, secrets) for word in words] for words in trace.processes]
        trace = replace(trace, processes=tuple(map(tuple, processes)))
    return replace(
        finished,
        stdout=_without(finished.stdout, secrets),
        stderr=_without(finished.stderr, secrets),
        trace=trace,
    )


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
