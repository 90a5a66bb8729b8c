"""Improve a harness from Python: an example project, an agent without a model, the result with its intervals.

Run it: python examples/improve_harness.py [AGENT [MODEL]]   (scripted plays the project's own solution: no
model, no key; with codex gpt-5-codex, or another agent and its model, a real one proposes)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import honing
from honing.harness import OptimizeOptions, write_example


def main() -> None:
    agent = sys.argv[1] if len(sys.argv) > 1 else "scripted"
    model = sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "ticket_router"
        write_example("ticket_router", project)
        result = honing.optimize(
            project,
            agent=agent,
            model=model,
            budget=2,
            options=OptimizeOptions(home=Path(folder) / "runs", told=print),
        )
        print(f"baseline {result.baseline.score:.3f}, best {result.winner.id} {result.score:.3f}")
        for name in ("gain", "over_control", "held_out_gain"):
            found = result.final["comparisons"][name]
            print(f"{name}: {found['estimate']:.3f} [{found['low']:.3f}, {found['high']:.3f}]")
        for path in sorted((result.run.path / "best").iterdir()):
            print(f"--- {path.name}")
            print(path.read_text())
    sys.exit(0 if result.improved else 1)


if __name__ == "__main__":
    main()
