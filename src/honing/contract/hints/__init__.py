"""The commands that a target's own files name."""

from __future__ import annotations

from honing.contract.hints.base import Hint, Placeholder, Role, Trap, TrapFound

__all__ = ["Hint", "Placeholder", "Role", "Trap", "TrapFound"]
