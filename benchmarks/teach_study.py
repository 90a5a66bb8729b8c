"""The shop study with several seeds: what it takes, and how far its figures spread.

    python benchmarks/teach_study.py [--seeds 3] [--study study.yaml] [RUN ...]

Without runs, each seed is run from nothing in a temporary folder, student included, two processes at a time.
With runs (folders of studies that are done), only the table is made. Writes Markdown to stdout.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.store import Run
from honing.teach import StudyOptions, StudyResult, StudySpec, hypotheses, load_study, run_study, with_choices
from honing.teach.running.outcomes import result_of

Json = Any


def main() -> None:
    """Run what is to be run, print the tables."""
    asked = arguments()
    results = [result_of(Run.open(path)) for path in asked.runs] or [
        fresh(seed, asked.study) for seed in range(asked.seeds)
    ]
    print(f"{os.cpu_count()} cores; {len(results)} studies\n")
    print(table("seconds, wall / CPU", list(results[0].phases), results, took))
    print(table("figure", list(FIGURES), results, lambda result, name: FIGURES[name](result), spread=True))
    names = [criterion.name for criterion in results[0].criteria]
    print(table("criterion", names, results, verdict))
    print(table("hypothesis", [f"H{number}" for number in range(1, 8)], results, judged))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--study", type=Path, default=None)
    return parser.parse_args()


def fresh(seed: int, study: Path | None) -> StudyResult:
    """One study from nothing."""
    spec = StudySpec() if study is None else load_study(study)
    place = Path(tempfile.mkdtemp(prefix="honing-study-"))
    options = StudyOptions(home=place / "runs", cache=place / "cache", workers=2, told=print)
    return run_study(with_choices(spec, {"seed": seed}), options)


def table(
    title: str,
    names: Sequence[str],
    results: Sequence[StudyResult],
    cell: Callable[[StudyResult, str], str | float | None],
    *,
    spread: bool = False,
) -> str:
    """A Markdown table with one column a study, and the spread of its rows."""
    heads = [f"seed {Run.open(result.run).seed}" for result in results] + (["mean", "sd"] if spread else [])
    lines = [f"| {title} | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for name in names:
        cells = [cell(result, name) for result in results]
        numbers = [value for value in cells if isinstance(value, float)]
        more = []
        if spread:
            whole = len(numbers) == len(cells) and len(cells) > 1
            more = (
                [f"{statistics.mean(numbers):.3f}", f"{statistics.stdev(numbers):.3f}"] if whole else ["", ""]
            )
        lines.append(f"| {name} | {' | '.join([shown(value) for value in cells] + more)} |")
    return "\n".join(lines) + "\n"


def shown(value: str | float | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.3f}"


def took(result: StudyResult, phase: str) -> str:
    found = result.times.get(phase)
    return "-" if found is None else f"{found.wall_s:.0f} / {found.cpu_s:.0f}"


def verdict(result: StudyResult, name: str) -> str:
    found = next((each for each in result.criteria if each.name == name), None)
    if found is None:
        return "-"
    word = {True: "met", False: "not met", None: "undecided"}[found.met]
    return word if found.value is None else f"{word} ({interval(found.value, found.low, found.high)})"


def judged(result: StudyResult, name: str) -> str:
    return next(each.verdict.value for each in hypotheses(result.run) if each.id == name)


def interval(value: float, low: float | None, high: float | None) -> str:
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def summary(phase: str, key: str) -> Callable[[StudyResult], float | None]:
    return lambda result: result.phases[phase].summary.get(key)


def micro(setting: str, key: str) -> Callable[[StudyResult], str | None]:
    def read(result: StudyResult) -> str | None:
        found: Mapping[str, Json] = Run.open(result.run).read_json("phase1b/cpt_correlation.json")
        figure = found["settings"][setting]["same"][key]
        return None if figure is None else interval(figure["estimate"], figure["low"], figure["high"])

    return read


def micro_gain(setting: str, quadrant: str) -> Callable[[StudyResult], float | None]:
    def read(result: StudyResult) -> float | None:
        found: Mapping[str, Json] = Run.open(result.run).read_json("phase1b/cpt_correlation.json")
        figure = found["settings"][setting]["same"]["quadrants"][quadrant]
        return None if figure is None else float(figure["estimate"])

    return read


def overall(
    run_id: str, key: str, file: str = "overall_task_results"
) -> Callable[[StudyResult], float | None]:
    from honing.teach.verdicts.artifacts import number
    from honing.teach.verdicts.artifacts import table as rows

    def read(result: StudyResult) -> float | None:
        found = [
            row
            for row in rows(result.run, f"phase3/{file}.csv")
            if row["run_id"] == run_id and number(row["temperature"]) == 0.0
        ]
        return number(found[0][key]) if found else None

    return read


def chosen(method: str, key: str) -> Callable[[StudyResult], float | None]:
    def read(result: StudyResult) -> float | None:
        found: Mapping[str, Json] = Run.open(result.run).read_json("phase5/selection/selection_summary.json")
        figure = found["methods"][method][key] if method in found["methods"] else None
        return None if figure is None else float(figure["estimate"])

    return read


QUADRANTS = ("Q1_highU_highL", "Q2_highU_lowL", "Q3_lowU_lowL", "Q4_lowU_highL")
SETTINGS = ("seed", "seed_4_steps", "ours")
METHODS = ("random", "random_same_kind", "entropy", "predictor", "oracle", "one_flip", "influence")
FIGURES: Mapping[str, Callable[[StudyResult], str | float | None]] = {
    "base success, sampled": summary("collect", "student_success"),
    "base success, greedy, held out": overall("base", "success"),
    "L_local retest (Spearman)": summary("leverage", "L_local_retest"),
    "ELP_net retest (Spearman)": summary("cpt", "ELP_net_retest"),
    **{f"rho, {name}": micro(name, "rho") for name in SETTINGS},
    **{f"rho given L_local, {name}": micro(name, "partial_given_L_local") for name in SETTINGS},
    **{f"gain of {q[:2]}, {name}": micro_gain(name, q) for name in SETTINGS for q in QUADRANTS[:2]},
    **{
        f"held-out gain, {q[:2]} {kind}": overall(f"{q}_{kind}", "difference")
        for q in QUADRANTS
        for kind in ("demo", "contrast", "hint")
    },
    **{
        f"held-out gain, {name}": overall(name, "difference")
        for name in ("B1_uniform", "B2_all", "R1_recovery")
    },
    "retention drop, B2_all": overall("B2_all", "drop", "retention_results"),
    "retention drop, Q1 demo": overall("Q1_highU_highL_demo", "drop", "retention_results"),
    **{f"selection gain, {name}": chosen(name, "gain") for name in METHODS},
    **{f"selection retention drop, {name}": chosen(name, "retention_drop") for name in METHODS},
}

if __name__ == "__main__":
    main()
