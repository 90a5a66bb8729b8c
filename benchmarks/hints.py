"""Recall and precision of hints on checkouts of public repositories, against labels made by hand.

Usage: python benchmarks/hints.py CHECKOUTS

CHECKOUTS is a folder with one checkout for each repository, named after it; those that are missing are said
and left out. The labels say what a person who reads the pages takes each command for, by file and line at the
commit named; a command with several acceptable roles has them separated by slashes. Only the pages listed
count. A hint on a line without a label is a false one. The rules were made while reading these repositories:
the figures say how well they describe them, and HELD_OUT how well they do elsewhere.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from honing.contract.hints import find_hints

ROLES = ("install", "data", "serve", "rollout", "evaluate", "test", "other")


@dataclass(frozen=True, slots=True)
class Labelled:
    """The commands of some pages of one repository."""

    repository: str
    commit: str
    pages: dict[str, dict[str, str]]
    """By page: role to the lines on which its commands begin, as `1 2 5-7`."""


LABELS = (
    Labelled("evalplus", "26d6d00", {
        "README.md": {
            "install": "83 114 169-170 297 315 317-320 338", "other": "117", "rollout": "97 126",
            "evaluate": "86 103 118 134 148 175 188 200 206 213 220 226 237 249 261 273 283 298 306 324",
        },
        "docs/cli.md": {
            "rollout": "21 28 30", "other": "83 87 98 101", "evaluate": "114 122 128 140", "install": "188",
        },
        "docs/evalperf.md": {"evaluate": "27"},
    }),
    Labelled("human-eval", "6d43fb9", {
        "README.md": {"install": "11-12 18", "evaluate": "58 74", "other": "89"},
    }),
    Labelled("tau-bench", "59a200c", {
        "README.md": {"install": "50", "rollout/evaluate": "67 75 85 93 109 117", "other": "134"},
    }),
    Labelled("LiveCodeBench", "28fef95", {
        "README.md": {
            "install": "36-37 39", "other": "29", "rollout": "73 109",
            "evaluate": "62 87 97 115 124 131 137 144",
        },
    }),
    Labelled("BALROG", "af7d1f1", {
        "README.md": {"install": "25-26 30-31 45", "serve": "46", "evaluate": "48 83"},
        "docs/evaluation.md": {"serve": "8", "evaluate": "10 39 53 66"},
        "docs/installation.md": {"install": "5-6 10-11", "test": "18"},
    }),
    Labelled("bigcode-evaluation-harness", "8fc5bae", {
        "README.md": {
            "install": "52 57 59 135-136 141-142", "other/install": "76", "other": "70", "rollout": "165",
            "evaluate/rollout": "92", "evaluate": "128 181", "install/test": "152 158",
        },
    }),
    Labelled("intercode", "c3e46d8", {
        "README.md": {"install": "39 75-76 78", "other/rollout": "79"},
        "setup.sh": {"install": "4"},
        "scripts/expr_react.sh": {"rollout/evaluate": "2"},
        "scripts/expr_plan_solve.sh": {"rollout/evaluate": "2"},
    }),
    Labelled("reasoning-gym", "49b0713", {
        "README.md": {"install": "38 88"},
        "eval/README.md": {"install": "23 28", "evaluate": "40 150 156 162 170", "other": "120 138"},
        "tools/README.md": {"install": "13 35", "serve": "23", "other": "49 52 55 58 61 64"},
    }),
    Labelled("simple-evals", "ee3b031", {
        "README.md": {"install": "102-103 108 113", "other": "118", "evaluate": "124"},
    }),
    Labelled("AgentBench", "578c5e9", {
        "README.md": {
            "install": "35 38-40 156-158 170-174", "serve": "49 197", "other": "164", "test/other": "186",
            "rollout/evaluate": "210",
        },
    }),
    Labelled("ScienceWorld", "e8216d6", {
        "README.md": {
            "install": "57-58 63 69 91 107-108 185 192-193", "rollout": "74", "other": "78", "serve": "96",
            "install/other/data": "189-191",
        },
        "tox.ini": {"test": "13", "other": "21 25 30"},
    }),
    Labelled("grade-school-math", "3101c7d", {"README.md": {"other": "65 90", "rollout": "96"}}),
    Labelled("miniwob-plusplus", "3f461ff", {
        "README.md": {"install": "33 55"},
        ".github/workflows/build.yml": {"install": "17", "test": "21"},
    }),
    Labelled("BIG-Bench-Hard", "9ee07bd", {"README.md": {}}),
    Labelled("ARC-AGI", "3990304", {"README.md": {}}),
)  # fmt: skip

HELD_OUT = (
    Labelled("pal", "f81ca2a", {
        "README.md": {"install": "24", "other": "52", "rollout/evaluate": "53 58"},
    }),
    Labelled("alfworld", "ca98194", {
        "README.md": {
            "install": "20-21 26 31 33 90-91 93", "data": "37 99", "other": "44 48 76 105 156 167 170 173",
            "install/other": "150 158", "other/serve": "177 208", "other/test": "189",
        },
    }),
    Labelled("mle-bench", "783b15a", {
        "README.md": {
            "evaluate/other": "49-52", "data/install": "107-108", "install": "114 189",
            "other": "122 158 169 177", "data": "142 148 155", "evaluate": "174",
        },
    }),
)  # fmt: skip
"""Labelled before any hint of theirs was looked at."""


def main() -> int:
    if len(sys.argv) != 2:
        print(f"nothing was compared: no folder with checkouts was named.\n\n{__doc__}", file=sys.stderr)
        return 0
    missed = judge("labelled while the rules were made", LABELS, Path(sys.argv[1]))
    judge("held out", HELD_OUT, Path(sys.argv[1]))
    return missed


def judge(title: str, labels: tuple[Labelled, ...], checkouts: Path) -> int:
    """Compare the repositories that are there; 1 where an aim is missed."""
    print(f"== {title}")
    counts = Counts()
    for labelled in labels:
        folder = checkouts / labelled.repository
        if not folder.is_dir():
            print(f"{labelled.repository:28} missing: no folder {folder}")
            continue
        started = time.perf_counter()
        told = compare(labelled, folder, counts)
        spent = time.perf_counter() - started
        print(f"{labelled.repository:28} {told} ({spent:.2f} s){drifted(labelled, folder)}")
    return counts.show()


@dataclass(slots=True)
class Counts:
    """Hits by role; a label with several roles counts under the first."""

    expected: Counter[str]
    found: Counter[str]
    told: Counter[str]
    right: Counter[str]

    def __init__(self) -> None:
        self.expected, self.found, self.told, self.right = Counter(), Counter(), Counter(), Counter()

    def show(self) -> int:
        """Print the table; 1 where recall of install, rollout or evaluate is below 0.9, or precision below
        0.8."""
        missed = 0
        print(f"\n{'role':10} {'recall':>16} {'precision':>16}")
        for role in ROLES:
            recall, precision = ratio(self.found, self.expected, role), ratio(self.right, self.told, role)
            found, right = shown(self.found, self.expected, role), shown(self.right, self.told, role)
            print(f"{role:10} {found:>16} {right:>16}")
            if role in ("install", "rollout", "evaluate"):
                missed += recall < 0.9 or precision < 0.8
        return 1 if missed else 0


def ratio(part: Counter[str], whole: Counter[str], role: str) -> float:
    return part[role] / whole[role] if whole[role] else 1.0


def shown(part: Counter[str], whole: Counter[str], role: str) -> str:
    return f"{part[role]}/{whole[role]} {ratio(part, whole, role):.2f}" if whole[role] else "-"


def compare(labelled: Labelled, folder: Path, counts: Counts) -> str:
    """Count one repository; every difference is printed."""
    labels = {
        f"{page}:{line}": tuple(roles.split("/"))
        for page, by_role in labelled.pages.items()
        for roles, lines in by_role.items()
        for line in numbers(lines)
    }
    hints = [hint for hint in find_hints(folder) if hint.anchor.rsplit(":", 1)[0] in labelled.pages]
    roles = {hint.anchor: hint.role.value for hint in hints}
    for anchor, accepted in labels.items():
        hit = roles.get(anchor) in accepted
        counts.expected[accepted[0]] += 1
        counts.found[accepted[0]] += hit
        if not hit:
            print(f"  {anchor}: {roles.get(anchor, 'nothing')}, not {'/'.join(accepted)}")
    for hint in hints:
        right = hint.role.value in labels.get(hint.anchor, ())
        counts.told[hint.role.value] += 1
        counts.right[hint.role.value] += right
        if hint.anchor not in labels:
            print(f"  {hint.anchor}: {hint.role.value}, but no command: {hint.command!r}")
    return f"{sum(roles.get(anchor) in accepted for anchor, accepted in labels.items())} of {len(labels)}"


def numbers(text: str) -> list[int]:
    """`1 3-5` as 1, 3, 4, 5."""
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def drifted(labelled: Labelled, folder: Path) -> str:
    """A remark where the checkout is at another commit than the labels."""
    ended = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    commit = ended.stdout.strip()
    return (
        ""
        if commit.startswith(labelled.commit)
        else f" at {commit[:7] or 'no commit'}, not {labelled.commit}"
    )


if __name__ == "__main__":
    sys.exit(main())
