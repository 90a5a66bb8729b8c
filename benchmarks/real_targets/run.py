"""Five real benchmarks, measured by `hone measure` with models whose score is known beforehand.

Usage: python benchmarks/real_targets/run.py CHECKOUTS DATA [NAME ...]

CHECKOUTS is a folder of clones (grade-school-math, human-eval, evalplus, reasoning-gym, miniwob-plusplus);
DATA one with gsm8k/, humaneval/ and evalplus/ (neither is part of this repository). A loopback server answers
with the gold and spoils every 4th, so a score of 1.0 that is hard-coded somewhere would show. Each line
prints what is known, what came out and how long it took; the script exits with 1 where the two differ.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from honing.llm import ModelRequest, ScriptedModel, ScriptedServer

HERE = Path(__file__).parent
SETS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
RIGHT = dict(zip(SETS, (286, 515, 458, 742), strict=True))
"""Right answers of 1,319 in each published solution set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One number that is known."""

    name: str
    target: Path
    arguments: tuple[str, ...]
    known: float
    gold: Sequence[tuple[str, str]] = ()
    """Text of a prompt and its right answer, for the server that spoils every 4th; empty without one."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", help="start of the cases' names; all of them without")
    parser.add_argument("--home", type=Path, default=Path("runs"), help="folder of runs and environments")
    chosen = parser.parse_args()
    differ = 0
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases(chosen.checkouts.resolve(), chosen.data.resolve(), Path(scratch)):
            if not chosen.names or any(case.name.startswith(name) for name in chosen.names):
                differ += measure(case, chosen.home.resolve())
    print("all equal" if not differ else f"{differ} differ")
    return 1 if differ else 0


def cases(checkouts: Path, data: Path, scratch: Path) -> Iterator[Case]:
    """Every number, by target."""
    full = ("--mode", "full")
    words = checkouts / "grade-school-math"
    perfect = ("--llm", "scripted/perfect", *full)
    yield Case(name="gsm8k perfect", target=words, arguments=perfect, known=1.0)
    for name, file in published(data / "gsm8k" / "example_model_solutions.jsonl.gz", scratch):
        samples = ("--samples", str(file), *full)
        yield Case(name=f"gsm8k {name}", target=words, arguments=samples, known=RIGHT[name] / 1319)

    code = rows_of(data / "humaneval" / "HumanEval.jsonl")
    own = checkouts / "human-eval"
    yield Case(name="humaneval perfect", target=own, arguments=perfect, known=1.0)
    yield Case(name="humaneval spoilt", target=own, arguments=full, known=0.75, gold=programs(code))

    plus = data / "evalplus" / "HumanEvalPlus-Mini.jsonl.gz"
    override = ("--env", f"HUMANEVAL_OVERRIDE_PATH={plus}")
    yield Case(
        name="evalplus spoilt",
        target=checkouts / "evalplus",
        arguments=(*override, *full),
        known=0.75,
        gold=programs(rows_of(plus)),
    )

    ours = ("--contract", str(HERE / "generated_tasks"))
    generated = checkouts / "reasoning-gym"
    yield Case(name="reasoning-gym perfect", target=generated, arguments=(*ours, *perfect), known=1.0)

    ours = ("--contract", str(HERE / "web_tasks"))
    pages = checkouts / "miniwob-plusplus"
    yield Case(name="miniwob right", target=pages, arguments=(*ours, *perfect), known=1.0)
    empty = ("--llm", "scripted/empty", *full)
    yield Case(name="miniwob empty", target=pages, arguments=(*ours, *empty), known=-1.0)


def measure(case: Case, home: Path) -> int:
    """Run one case and print its line; 1 where the score is not the known one."""
    server = None
    environ = {**os.environ, "HONING_HOME": str(home)}
    arguments = list(case.arguments)
    started = time.perf_counter()
    try:
        if case.gold:
            server = ScriptedServer(ScriptedModel(lambda request: spoilt(request, case.gold)))
            server.__enter__()
            environ |= {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "none"}
            arguments += ["--llm", "spoilt"]
        found = subprocess.run(
            [sys.executable, "-m", "honing", "measure", str(case.target), *arguments, "--json", "--fresh"],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        if server is not None:
            server.__exit__(None, None, None)
    return report(case, found, time.perf_counter() - started)


def report(case: Case, found: subprocess.CompletedProcess[str], seconds: float) -> int:
    """Print the line of one case."""
    try:
        metrics = json.loads(found.stdout)
    except ValueError:
        print(f"{case.name:24} known={case.known:.6f} no result: {found.stderr.strip()[-600:]}")
        return 1
    score = metrics["score"]
    equal = score is not None and abs(score - case.known) < 1e-6
    low, high = metrics.get("ci95") or (float("nan"), float("nan"))
    shown = "none" if score is None else f"{score:.6f}"
    print(
        f"{case.name:24} known={case.known:.6f} score={shown} [{low:.4f}, {high:.4f}] "
        f"n={metrics['n_scored']}/{metrics['n_planned']} level={metrics['level']} {seconds:.1f} s "
        f"{'ok' if equal else 'DIFFERS: ' + str(metrics.get('reason'))}",
        flush=True,
    )
    return 0 if equal else 1


def spoilt(request: ModelRequest, gold: Sequence[tuple[str, str]]) -> str:
    """The gold of the row a request asks about; nothing of use for every 4th row."""
    text = " ".join(" ".join(message.text for message in request.messages).split())
    for number, (match, right) in enumerate(gold):
        if " ".join(match.split()) in text:
            return "I do not know." if number % 4 == 3 else right
    return ""


def programs(rows: Sequence[dict[str, str]]) -> list[tuple[str, str]]:
    """Prompt and whole program of code tasks."""
    return [(row["prompt"], f"```python\n{row['prompt']}{row['canonical_solution']}\n```") for row in rows]


def published(file: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Published solutions as files of samples, one a set."""
    rows = rows_of(file)
    for name in SETS:
        path = scratch / f"{name}.jsonl"
        lines = ({"prompt": row["question"], "completion": row[name]["solution"]} for row in rows)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        yield name, path


def rows_of(file: Path) -> list[dict[str, str]]:
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode()
    return [json.loads(line) for line in text.split("\n") if line.strip()]


if __name__ == "__main__":
    sys.exit(main())
