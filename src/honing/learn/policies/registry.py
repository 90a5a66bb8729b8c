"""Policies by a small document, so that a unit of work can name one."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from honing.errors import UsageError
from honing.learn.acting.acts import harnessed
from honing.learn.acting.harness import ActingHarness
from honing.learn.policies.expert import Expert
from honing.learn.policies.random import RandomPolicy
from honing.learn.policies.scripted import MockPolicy
from honing.learn.policy import Policy
from honing.learn.threads import stay_on_one_thread

_LOADED = 2
"""Students that a process keeps loaded: a base and one that is compared with it."""

_students: OrderedDict[str, Any] = OrderedDict()


def policy_from(document: Mapping[str, Any]) -> Policy:
    """The policy that a document names. A process loads a student once and keeps it.

    A student comes without remembered scores, so what a unit of work finds does not depend on what the
    process did before; and torch is set to one thread, so it does not depend on the machine's cores.

    Args:
        document: {"kind": "student", "checkpoint": …, "adapter": …, "history": …, "device": …, "prompt": …},
            {"kind": "expert", "knows": …}, {"kind": "random"} or {"kind": "mock", "seed": …, "sharpness": …};
            all but the kind and a student's checkpoint may be left out. A kind `package.module:name` makes a
            policy of one's own, called with the other keys. With "harness" (`ActingHarness.as_document`) any
            kind acts through it; a student's prompt is then the harness's.

    Raises:
        UsageError: There is no such kind, or it has no such option.
        MissingToolError: A student needs a package that is not installed.
    """
    options = {name: value for name, value in document.items() if name not in ("kind", "harness")}
    kind = str(document.get("kind", ""))
    maker = _of_ones_own(kind) if ":" in kind else KINDS.get(kind)
    if maker is None:
        raise UsageError(
            f"There is no kind of policy {document.get('kind')!r}; expected one of {', '.join(KINDS)}."
        )
    try:
        made = maker(**options)
    except TypeError as error:
        raise UsageError(f"The policy {json.dumps(dict(document))} cannot be made: {error}.") from error
    harness = document.get("harness")
    return made if not harness else harnessed(made, ActingHarness.from_document(harness))


def _of_ones_own(kind: str) -> Callable[..., Policy]:
    module, _, name = kind.partition(":")
    try:
        found: Callable[..., Policy] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The policy {kind!r} cannot be loaded: {error}.") from error
    return found


def _random(*, seed: int = 0) -> Policy:
    """The seed is the episodes' own; one is accepted so that documents of all kinds look alike."""
    del seed
    return RandomPolicy()


def _student(*, prompt: Mapping[str, Any] | None = None, **options: Any) -> Policy:
    from honing.learn.prompt import Prompt
    from honing.learn.student import load_student

    stay_on_one_thread()
    key = json.dumps([prompt, options], sort_keys=True)
    found = _students.pop(key, None)
    if found is None:
        while len(_students) >= _LOADED:
            _students.popitem(last=False)
        found = load_student(prompt=None if prompt is None else Prompt.from_document(prompt), **options)
    _students[key] = found
    found.forget()
    policy: Policy = found
    return policy


KINDS: Mapping[str, Callable[..., Policy]] = {
    "student": _student,
    "expert": Expert,
    "random": _random,
    "mock": MockPolicy,
}
"""What makes each kind."""
