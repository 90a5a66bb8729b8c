"""Measure several targets by the three verbs, and print one JSON summary. Nothing here knows a benchmark.

Run it: python examples/verify_targets.py --targets FOLDER,FOLDER --llm MODEL --require-samples
(without arguments: a bundled data set and scripted/perfect, which needs no server and no key)
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from honing import env
from honing.demo import word_problems
from honing.errors import HoningError


def verify(target: str, asked: argparse.Namespace) -> dict[str, Any]:
    """One target: set up, rolled out, evaluated, torn down; what fails is its result."""
    summary: dict[str, Any] = {"target": target, "rollout_ok": False, "evaluation_ok": False}
    try:
        env_ = env.setup(
            {
                "target": target,
                "llm": asked.llm,
                "eval_mode": asked.eval_mode,
                "home": asked.home,
                "env": dict(pair.split("=", 1) for pair in asked.env),
                "repair_iters": asked.repair_iters,
            }
        )
    except HoningError as error:
        return {**summary, "metrics": {"ok": False, "score": None}, "reason": str(error)}
    try:
        rollout = env_.rollout(require_samples=asked.require_samples)
        evaluation = env_.evaluate()
    except HoningError as error:
        return {**summary, "metrics": {"ok": False, "score": None}, "reason": str(error)}
    finally:
        env.teardown(env_)
    metrics = {name: evaluation.metrics[name] for name in ("ok", "score", "ci95", "level", "counts")}
    return {
        **summary,
        "rollout_ok": rollout.ok,
        "evaluation_ok": evaluation.ok,
        "metrics": metrics,
        "reason": evaluation.reason,
        "artifacts_dir": str(evaluation.artifacts_dir),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--targets", default=str(word_problems()), help="comma-separated; a bundled data set")
    parser.add_argument("--llm", default="scripted/perfect")
    parser.add_argument("--eval-mode", default="smoke", choices=["smoke", "full"])
    parser.add_argument("--require-samples", action="store_true")
    parser.add_argument("--repair-iters", type=int, default=0)
    parser.add_argument("--env", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--home", default="runs")
    asked = parser.parse_args()
    found = [verify(target, asked) for target in asked.targets.split(",")]
    ok = all(one["evaluation_ok"] for one in found)
    print(json.dumps({"ok": ok, "targets": found}, indent=2))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
