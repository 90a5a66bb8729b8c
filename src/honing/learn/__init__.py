"""Models whose weights lie in a folder of this machine.

`LocalServer` starts one behind a loopback address; `python -m honing.learn.serve DIR` serves one by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.learn.episode import Episode, Keep, Move, Start
    from honing.learn.example import Example
    from honing.learn.folder import folder_digest, is_model_folder
    from honing.learn.local_server import Loader, LocalServer, ServerOptions
    from honing.learn.patches import CONDITIONS, Lesson, diagnosis_from_kinds, patch_text, reason_from_kind
    from honing.learn.policies import Expert, MockPolicy, RandomPolicy, policy_from
    from honing.learn.policy import PerToken, Policy, Situation, Turn, choose, draw
    from honing.learn.prompt import Prompt
    from honing.learn.rollout import roll_out
    from honing.learn.student import Student, StudentOptions, load_student

_HOMES = {
    "CONDITIONS": "patches",
    "Episode": "episode",
    "Example": "example",
    "Expert": "policies",
    "Keep": "episode",
    "Lesson": "patches",
    "Loader": "local_server",
    "LocalServer": "local_server",
    "Move": "episode",
    "MockPolicy": "policies",
    "PerToken": "policy",
    "Policy": "policy",
    "Prompt": "prompt",
    "RandomPolicy": "policies",
    "ServerOptions": "local_server",
    "Situation": "policy",
    "Start": "episode",
    "Student": "student",
    "StudentOptions": "student",
    "Turn": "policy",
    "choose": "policy",
    "diagnosis_from_kinds": "patches",
    "draw": "policy",
    "folder_digest": "folder",
    "is_model_folder": "folder",
    "load_student": "student",
    "policy_from": "policies",
    "patch_text": "patches",
    "reason_from_kind": "patches",
    "roll_out": "rollout",
}

__all__ = [
    "CONDITIONS",
    "Episode",
    "Example",
    "Expert",
    "Keep",
    "Lesson",
    "Loader",
    "LocalServer",
    "MockPolicy",
    "Move",
    "PerToken",
    "Policy",
    "Prompt",
    "RandomPolicy",
    "ServerOptions",
    "Situation",
    "Start",
    "Student",
    "StudentOptions",
    "Turn",
    "choose",
    "diagnosis_from_kinds",
    "draw",
    "folder_digest",
    "is_model_folder",
    "load_student",
    "patch_text",
    "policy_from",
    "reason_from_kind",
    "roll_out",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
