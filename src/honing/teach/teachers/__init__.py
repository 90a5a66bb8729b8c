"""Who advises: the environment's expert, a chat model, or a mock. Each takes a snapshot, gives `Advice`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.teach.teachers.asking import TeacherOptions
    from honing.teach.teachers.base import Teacher, refused
    from honing.teach.teachers.expert import ExpertTeacher
    from honing.teach.teachers.mock import MockTeacher
    from honing.teach.teachers.model import Consultation, ModelTeacher

_HOMES = {
    "Consultation": "model",
    "ExpertTeacher": "expert",
    "MockTeacher": "mock",
    "ModelTeacher": "model",
    "Teacher": "base",
    "TeacherOptions": "asking",
    "refused": "base",
}

__all__ = [
    "Consultation",
    "ExpertTeacher",
    "MockTeacher",
    "ModelTeacher",
    "Teacher",
    "TeacherOptions",
    "refused",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
