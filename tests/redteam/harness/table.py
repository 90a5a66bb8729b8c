"""Runs the attacks and prints what came of each as a table in Markdown: the one in docs/security.md.

python tests/redteam/harness/table.py [WORDS OF A NAME]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from redteam_attack import Attack
from redteam_everything import ATTACKS
from redteam_lab import forget
from redteam_naive import naively
from redteam_protected import Protected

HEADER = "| attack | naive judge | here |\n|---|---|---|"


def main() -> None:
    words = " ".join(sys.argv[1:])
    folder = Path(tempfile.mkdtemp())
    try:
        sys.stdout.write(f"{HEADER}\n")
        with Protected(folder / "home") as protected:
            for number, attack in enumerate(ATTACKS):
                if words in attack.name:
                    sys.stdout.write(f"{row(attack, folder / str(number), protected)}\n")
    finally:
        forget(folder)


def row(attack: Attack, folder: Path, protected: Protected) -> str:
    """What came of one attack on either judge."""
    naive = naively(attack, folder / "n")
    found = protected.judge(attack, folder / "h")
    seen = sorted(effect.value for effect in naive.effects if effect is attack.effect) or ["nothing"]
    score = "" if found["score"] is None else f", {found['score']:.2g}"
    damage = [name for name in ("changed", "leaked", "alive", "damaged", "raw", "heard") if found[name]]
    held = f"; {', '.join(damage)}" if damage else ""
    return f"| {attack.name} | {', '.join(seen)} | {found['outcome']}{score}{held} |"


if __name__ == "__main__":
    main()
