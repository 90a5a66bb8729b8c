"""The commands that a target's own files name.

Start reading in `find.py`.
"""

from __future__ import annotations

from honing.contract.hints.base import Hint, Placeholder, Role, Trap, TrapFound
from honing.contract.hints.find import Survey, find_hints, survey
from honing.contract.hints.look import survey_target
from honing.contract.hints.option import Option
from honing.contract.hints.options import modules_of, options_of

__all__ = [
    "Hint",
    "Option",
    "Placeholder",
    "Role",
    "Survey",
    "Trap",
    "TrapFound",
    "find_hints",
    "modules_of",
    "options_of",
    "survey",
    "survey_target",
]
