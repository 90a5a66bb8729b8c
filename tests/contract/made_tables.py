"""Small made-up tables in the layouts that published data sets use, for tests of derivation."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.contract.data.dataset import Derivation, Gap, derive
from honing.contract.data.task import DatasetTask

Rows = Sequence[Mapping[str, Any]]
COLOURS = ("red", "green", "blue", "black", "white", "brown", "orange")


def sums(count: int = 40) -> list[dict[str, Any]]:
    """Questions whose answer ends with a marked number."""
    rows = []
    for n in range(count):
        total = n * 37 + 1000
        shown = f"{total:,}" if n % 3 == 0 else str(total)
        working = (
            f"There are {n} and then {total - n}.\n{n} + {total - n} = <<{n}+{total - n}={total}>>{total}"
        )
        question = f"Ann has {n} beads and buys {total - n} more. How many beads has Ann?"
        rows.append({"question": question, "answer": f"{working}\n#### {shown}"})
    return rows


def capitals(count: int = 24) -> list[dict[str, Any]]:
    """Questions with four choices, without any target."""
    rows = []
    for n in range(count):
        choices = [f"{COLOURS[(n + k) % 7]} stone {n + k}" for k in range(4)]
        rows.append(
            {
                "question": f"Which stone lies on hill number {n}?",
                "choices": choices,
                "right": (n * 3 + 1) % 4,
            }
        )
    return rows


def completions(count: int = 12) -> list[dict[str, Any]]:
    """Functions to complete, with a `check` that tests them."""
    rows = []
    for n in range(count):
        says = f'    """Add {n} to x, then double it.\n    >>> shift_{n}(1)\n    {2 * (1 + n)}\n    """\n'
        prompt = f"import math\n\n\ndef shift_{n}(x: int) -> int:\n{says}"
        asserts = f"    assert candidate(1) == {2 * (1 + n)}\n    assert candidate(-{n}) == 0\n"
        test = f"\n\nMETADATA = {{'author': 'me'}}\n\n\ndef check(candidate):\n{asserts}"
        rows.append(
            {
                "task_id": f"made/{n}",
                "prompt": prompt,
                "entry_point": f"shift_{n}",
                "canonical_solution": f"    y = x + {n}\n    return 2 * y\n",
                "test": test,
            }
        )
    return rows


def programs(count: int = 12) -> list[dict[str, Any]]:
    """Programs to write, with lists of asserts; one redefines a built-in function."""
    rows = []
    for n in range(count):
        name = "sum" if n == 3 else f"times_{n}"
        rows.append(
            {
                "source_file": "made up",
                "task_id": n + 2,
                "text": f"Write a function {name} that multiplies two numbers and adds {n}.",
                "code": f"def {name}(a, b):\n    return a * b + {n}",
                "test_list": [f"assert {name}(2, 3) == {6 + n}", f"assert {name}(0, 1) == {n}"],
                "test_setup_code": "",
            }
        )
    return rows


def write_jsonl(path: Path, rows: Rows) -> Path:
    return _written(path, "".join(json.dumps(row) + "\n" for row in rows))


def write_json(path: Path, rows: Rows, *, under: str = "") -> Path:
    return _written(path, json.dumps({under: rows} if under else rows))


def write_csv(path: Path, rows: Rows, *, delimiter: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        for row in rows:
            writer.writerow({k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()})
    return path


def write_parquet(path: Path, rows: Rows) -> Path:
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def gzipped(path: Path) -> Path:
    """The same file compressed, in place of the plain one."""
    target = path.with_name(f"{path.name}.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return target


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def derived(folder: Path, **choice: Any) -> DatasetTask:
    """The task of a folder that must hold one."""
    found = derive(folder, **choice)
    assert isinstance(found, DatasetTask), found
    return found


def gap(found: Derivation) -> Gap:
    """A derivation that must have stopped."""
    assert isinstance(found, Gap), found
    return found


def task_of(folder: Path, rows: Rows) -> DatasetTask:
    """The task of rows written as test.jsonl."""
    write_jsonl(folder / "test.jsonl", rows)
    return derived(folder)


def with_letters() -> list[dict[str, Any]]:
    """Choices in columns A to D with the letter of the right one."""
    return [
        {
            "question": row["question"],
            **dict(zip("ABCD", row["choices"], strict=True)),
            "answer": "ABCD"[row["right"]],
        }
        for row in capitals()
    ]
