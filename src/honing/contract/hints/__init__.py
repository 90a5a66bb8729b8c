"""The commands that a target's own files name.

Start reading in `find.py`.
"""

from __future__ import annotations

from honing.contract.hints.base import Hint, Placeholder, Role, Trap, TrapFound
from honing.contract.hints.find import Survey, find_hints, survey

__all__ = ["Hint", "Placeholder", "Role", "Survey", "Trap", "TrapFound", "find_hints", "survey"]
