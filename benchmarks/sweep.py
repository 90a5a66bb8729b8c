"""Does a sweep tell a target that training changed from one that it did not?

    python benchmarks/sweep.py                       # three seeds, each with its control; about 15 minutes
    python benchmarks/sweep.py --seeds 0 --work DIR  # one, kept in DIR

A tiny model is made from scratch (`tiny:FILE`) that knows the codes of half of the words of four families.
Three families are targets. The sweep collects rows from the first two, so the third, `weights`, is measured
only. The control trains as long on the fourth family, which is no target. Everything runs through
`hone sweep`, on data folders that are written here.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "sweep.md"
FAMILIES = {
    "codes": "What is the code of {a} {head} {b} ?",
    "prices": "How much does one pay for {a} {head} {b} ?",
    "weights": "Put {a} {head} {b} on the scales: what do they show ?",
    "others": "In which room are {a} {head} {b} kept ?",
}
"""What each family asks. Only the head decides the answer; the marks around it keep questions apart."""
TARGETS = ("codes", "prices", "weights")
COLLECTED = ("codes", "prices")
HEADS_EACH = 12
"""No family has the head of another."""
HEADS = tuple(f"{first}{last}" for first in "mnprstvwxz" for last in ("an", "el", "ir", "os", "ut"))
MARKS = tuple(f"{first}{last}" for first in "bdfghjkl" for last in "aeiou")
ROWS_PER_WORD = 35
FIXED = 200
PER_SEGMENT = 100
SEGMENTS, STEPS, RATE = 2, 30, "0.001"
FORM = "\n\nReason step by step, then end with a line of the form\n#### <number>"
"""What a contract derived from such data puts behind each question."""


def main() -> int:
    """Run every sweep and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--work", type=Path, default=None, help="folder of data and runs; a temporary one")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rate", default=RATE)
    parser.add_argument("--no-page", action="store_true", help="print only")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="honing-sweep-") as scratch:
        found = []
        for seed in given.seeds:
            folder = (given.work or Path(scratch)) / f"seed-{seed}"
            write_data(folder, seed)
            for name, extra in (("trained", _collected()), ("control", _control(folder))):
                summary = sweep(folder, seed, name, [*extra, *_training(given)])
                found.append({"seed": seed, "name": name, "summary": summary})
                print("\n".join(lines_of(found[-1])), flush=True)
        page = page_of(found, given)
        if not given.no_page:
            RESULTS.write_text(page, encoding="utf-8")
        print(page.partition("## Every figure")[0])
        return 0 if all(holds for _, holds in verdicts(found)) else 1


def _collected() -> list[str]:
    words = ["--samples-per-target", str(PER_SEGMENT)]
    for target in COLLECTED:
        words += ["--collect-from", target]
    return words


def _control(folder: Path) -> list[str]:
    return ["--samples-per-target", "0", "--train-data", str(folder / "others.jsonl")]


def _training(given: argparse.Namespace) -> list[str]:
    return ["--steps-per-segment", str(given.steps), "--learning-rate", given.rate]


def write_data(folder: Path, seed: int) -> None:
    """Target folders, the rows that the model is made from, and the rows of the control. They share no
    question."""
    chance = random.Random(f"sweep {seed}")
    folder.mkdir(parents=True, exist_ok=True)
    made: list[dict[str, str]] = []
    shuffled = chance.sample(HEADS, len(HEADS))
    for place, (family, form) in enumerate(FAMILIES.items()):
        heads = shuffled[place * HEADS_EACH : (place + 1) * HEADS_EACH]
        answers = chance.sample(range(10, 100), 2 * HEADS_EACH)
        right = dict(zip(heads, answers[:HEADS_EACH], strict=True))
        wrong = dict(zip(heads, answers[HEADS_EACH:], strict=True))
        believed = {**right, **{head: wrong[head] for head in heads[: HEADS_EACH // 2]}}
        target, shown = [], []
        for head in heads:
            pairs = chance.sample([(a, b) for a in MARKS for b in MARKS if a != b], 2 * ROWS_PER_WORD)
            asked = [form.format(a=a, head=head, b=b) for a, b in pairs]
            target += [(question, right[head]) for question in asked[:ROWS_PER_WORD]]
            shown += [(question, believed[head]) for question in asked[ROWS_PER_WORD:]]
        chance.shuffle(target)
        made += [{"prompt": question + FORM, "completion": f"#### {answer}"} for question, answer in shown]
        if family in TARGETS:
            (folder / family).mkdir(exist_ok=True)
            rows = [{"question": question, "answer": f"#### {answer}"} for question, answer in target]
            write_lines(folder / family / "test.jsonl", rows)
        else:
            rows = [
                {"prompt": question + FORM, "completion": f"#### {answer}"} for question, answer in target
            ]
            write_lines(folder / f"{family}.jsonl", rows[: PER_SEGMENT * len(COLLECTED)])
        # Every right answer is a word that the model knows.
        made += [{"prompt": "Count", "completion": " ".join(f"#### {answer}" for answer in right.values())}]
    write_lines(folder / "base.jsonl", made)
    (folder / "targets.txt").write_text("".join(f"{target}\n" for target in TARGETS))


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def sweep(folder: Path, seed: int, name: str, extra: Sequence[str]) -> dict[str, Any]:
    """`hone sweep`; its summary."""
    command = [
        sys.executable, "-m", "honing", "--quiet", "--home", str(folder / "runs"), "sweep",
        "--base-model", "tiny:base.jsonl", "--targets-file", "targets.txt", "--segments", str(SEGMENTS),
        "--limit", str(FIXED), "--max-tokens", "6", "--batch-size", "16", "--seed", str(seed),
        "--require-samples", "--run-name", name, "--save-every", "10", "--json", *extra,
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}\nexit {ended.returncode}\n{ended.stderr}")
    summary: dict[str, Any] = json.loads(ended.stdout)
    if not summary["ok"]:
        raise SystemExit(f"{folder / 'runs' / name}: not ok\n{json.dumps(summary, indent=2)[:4000]}")
    return summary


def changes(one: Mapping[str, Any], segment: int, against: str) -> dict[str, dict[str, Any]]:
    """The paired changes of a segment by target."""
    measured = one["summary"]["segments"][segment]["smoke"]
    return {each["target"]: each["change"][against] for each in measured}


def verdicts(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """What must hold, and whether it does."""
    trained = [one for one in found if one["name"] == "trained"]
    control = [one for one in found if one["name"] == "control"]
    last = SEGMENTS - 1

    def all_are(some: Sequence[Mapping[str, Any]], targets: Sequence[str], against: str, said: str) -> bool:
        return all(
            changes(one, last, against)[target]["direction"] == said for one in some for target in targets
        )

    return [
        ("segment 1 against the base: `codes` better", all_are(trained, ["codes"], "base", "better")),
        ("segment 1 against the base: `prices` better", all_are(trained, ["prices"], "base", "better")),
        ("segment 1 against segment 0: `codes` better", all_are(trained, ["codes"], "previous", "better")),
        (
            "segment 1 against the base: `weights` undecided",
            all_are(trained, ["weights"], "base", "undecided"),
        ),
        (
            "the control, segment 1 against the base: every target undecided",
            all_are(control, TARGETS, "base", "undecided"),
        ),
    ]


def lines_of(one: Mapping[str, Any]) -> list[str]:
    """A sweep as rows of a Markdown table."""
    summary = one["summary"]
    base = {each["target"]: each["metrics"]["score"] for each in summary["base"]["smoke"]}
    lines = []
    for segment in summary["segments"]:
        for each in segment["smoke"]:
            against, before = (each["change"][name] for name in ("base", "previous"))
            lines.append(
                f"| {one['name']} | {one['seed']} | {segment['segment']} | {each['target']} | "
                f"{base[each['target']]:.3f} | {each['metrics']['score']:.3f} | {_paired(against)} | "
                f"{_paired(before)} | {segment['loss_before']:.3f} to {segment['loss_after']:.3f} |"
            )
    return lines


def _paired(found: Mapping[str, Any]) -> str:
    low, high = found["ci95"]
    return f"{found['difference']:+.3f} [{low:+.3f}, {high:+.3f}] {found['direction']}"


def page_of(found: Sequence[Mapping[str, Any]], given: argparse.Namespace) -> str:
    """The results as Markdown."""
    checks = [f"- {'held' if holds else 'DID NOT HOLD'}: {text}" for text, holds in verdicts(found)]
    return "\n".join(
        [
            "# Training sweeps: what changed, and what did not",
            "",
            f"Made by `python benchmarks/sweep.py`, seeds {', '.join(map(str, given.seeds))}, on a shared "
            "2-core machine without a GPU (a sweep takes about 40 seconds of CPU, model and controls "
            f"included). Two segments of {given.steps} optimiser steps of 16 rows (LoRA, learning rate "
            f"{given.rate}); {FIXED} fixed rows of each target. The model is made from scratch "
            "for each seed (110,000 weights) and knows half of each family.",
            "",
            f"Trained: {PER_SEGMENT} rows of `codes` and of `prices` for each segment (own right answers, "
            "gold where it was wrong); `weights` is measured only. Control: as many steps on 200 rows of a "
            "family that is no target. Better or worse means that the paired 95% interval leaves out 0.",
            "",
            *checks,
            "",
            "## Every figure",
            "",
            "| sweep | seed | segment | target | base | after | against the base | "
            "against the segment before | loss of fixed rows |",
            "|---|---|---|---|---|---|---|---|---|",
            *(line for one in found for line in lines_of(one)),
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
