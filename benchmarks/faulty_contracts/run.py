"""The seeded-fault test-bed: small targets with one planted fault each, and healthy ones.

Usage: python benchmarks/faulty_contracts/run.py [--only NAME ...] [--json] [--workers N] [--list]

A fault is detected where Honing gives no score and its reason names the right kind of cause. A healthy target
must get exactly the score that is known beforehand. The same targets go through a naive runner that believes
exit codes. Exits with 1 where fewer than 95% of the faults are detected or any healthy target is refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from typing import Any

import faults_asking
import faults_gold
import faults_grading
import faults_results
import healthy_commands
import healthy_data
from case import Case
from measuring import Verdict, crashed, measured
from naive import naive_score

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        *faults_grading.FAULTS,
        *faults_results.FAULTS,
        *faults_asking.FAULTS,
        *faults_gold.FAULTS,
        *healthy_commands.HEALTHY,
        *healthy_data.HEALTHY,
    )
}
AIM = 0.95


def main() -> int:
    asked = arguments()
    names = asked.only or list(CASES)
    if unknown := [name for name in names if name not in CASES]:
        print(f"unknown: {', '.join(unknown)}; --list names them all", file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(f"{name:28s} {CASES[name].what}" for name in names))
        return 0
    # Each case in a fresh process: spawned, so that nothing is inherited from another's threads.
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        verdicts = [
            verdict_of(name, pool_run)
            for name, pool_run in [(n, pool.submit(measure_by_name, n)) for n in names]
        ]
        naive = dict(zip(names, pool.map(naive_by_name, names), strict=True))
    summary = summarised(verdicts, naive)
    if asked.json:
        rows = [{**asdict(one), "naive": naive[one.name]} for one in verdicts]
        print(json.dumps({"summary": summary, "cases": rows}, ensure_ascii=False, indent=1))
    else:
        show(verdicts, naive, summary)
    return 0 if summary["detection_rate"] >= AIM and not summary["false_alarms"] else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="this case alone; repeatable")
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes; 2")
    parser.add_argument("--list", action="store_true", help="print the cases and end")
    return parser.parse_args()


def verdict_of(name: str, work: Future[Verdict]) -> Verdict:
    """The verdict of a case; a crash of ours is a reason that no case expects."""
    error = work.exception()
    return work.result() if error is None else crashed(CASES[name], error)


def measure_by_name(name: str) -> Verdict:
    return measured(CASES[name])


def naive_by_name(name: str) -> float | str | None:
    return naive_score(CASES[name])


def summarised(verdicts: Sequence[Verdict], naive: dict[str, float | str | None]) -> dict[str, Any]:
    faults = [one for one in verdicts if not one.is_healthy]
    healthy = [one for one in verdicts if one.is_healthy]
    commanded = [one for one in faults if naive[one.name] != "no command"]
    alike = [one for one in healthy if naive[one.name] != "no command"]
    return {
        "faults": len(faults),
        "detected": sum(one.passed for one in faults),
        "refused": sum(not one.ok for one in faults),
        "detection_rate": sum(one.passed for one in faults) / len(faults) if faults else 1.0,
        "healthy": len(healthy),
        "false_alarms": [one.name for one in healthy if not one.passed],
        "naive_faults": len(commanded),
        "naive_scored_a_fault": sum(naive[one.name] is not None for one in commanded),
        "naive_healthy": len(alike),
        "naive_right_on_healthy": sum(right(naive[one.name], CASES[one.name].score) for one in alike),
        "seconds": round(sum(one.seconds for one in verdicts), 1),
    }


def right(found: float | str | None, known: float | None) -> bool:
    return isinstance(found, float) and known is not None and abs(found - known) < 1e-9


def show(verdicts: Sequence[Verdict], naive: dict[str, float | str | None], summary: dict[str, Any]) -> None:
    for one in verdicts:
        found = naive[one.name]
        said = "failed" if found is None else found if isinstance(found, str) else f"{found:.3g}"
        mark = "ok  " if one.passed else "MISS" if not one.is_healthy else "ALARM"
        told = f"score {one.score:.4g}" if one.score is not None else " ".join(one.reason.split())[:230]
        print(f"{mark} {one.name:28s} naive {said:10s} {one.seconds:5.1f} s  {told}")
        if one.missing:
            print(f"     {'':28s} {one.missing[:300]}")
    rate = f"{100 * summary['detection_rate']:.1f}%"
    print(f"\nfaults         {summary['detected']} of {summary['faults']} detected ({rate})")
    print(f"               {summary['refused']} of {summary['faults']} without a score")
    print(f"healthy        {len(summary['false_alarms'])} false alarms of {summary['healthy']}")
    print(
        f"naive runner   scored {summary['naive_scored_a_fault']} of {summary['naive_faults']} faulty targets"
    )
    right_on, alike = summary["naive_right_on_healthy"], summary["naive_healthy"]
    print(f"               right on {right_on} of {alike} healthy ones")
    print("               (targets without commands are not counted: it cannot run them)")
    print(f"time           {summary['seconds']} s of measuring")


if __name__ == "__main__":
    sys.exit(main())
