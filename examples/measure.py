"""Measure a model of known skill from Python, and read the calibration beside its score.

Run it: python examples/measure.py [MODEL]   (a model's name; scripted/skilled-0.6 needs no server and no key)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import honing
from honing.contract import Mode, RolloutOptions, SetupOptions
from honing.demo import word_problems


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else "scripted/skilled-0.6"
    with tempfile.TemporaryDirectory() as home:
        with honing.setup(word_problems(), SetupOptions(home=Path(home) / "runs")) as session:
            session.rollout(model, RolloutOptions(mode=Mode.FULL))
            result = session.evaluate()
        if not result.ok:
            sys.exit(f"no score: {result.reason}")
        low, high = result.metrics["ci95"]
        found = result.metrics["calibration"]
        print(f"{model}: {result.score:.3f} [{low:.3f}, {high:.3f}] over {result.metrics['n_scored']} tasks")
        print(f"oracle {found['oracle']:.3f}, null {found['null']:.3f}, shuffled {found['shuffled']:.3f}")


if __name__ == "__main__":
    main()
