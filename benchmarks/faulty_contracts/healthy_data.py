"""Healthy data sets without any command: the contract is derived, Honing asks and judges."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from case import Case
from faults_gold import SUMS, choices, shown
from pieces import Row, jsonl

PROGRAMS: tuple[Row, ...] = tuple(
    {
        "task_id": f"p/{i}",
        "question": f'def add_{i}(x):\n    """Add {i + 1} to x."""\n',
        "prompt": f'def add_{i}(x):\n    """Add {i + 1} to x."""\n',
        "canonical_solution": f"    return x + {i + 1}\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {i + 2}",
        "entry_point": f"add_{i}",
        "says": f"```python\ndef add_{i}(x):\n    return x + {i + 1}\n```",
        "slips": f"```python\ndef add_{i}(x):\n    return x\n```",
        "answer": "",
    }
    for i in range(4)
)
TOWNS: tuple[Row, ...] = tuple(
    {
        "question": f"Which town lies at mile {10 + 3 * i} of the old road?",
        "answer": town,
        "says": f"Answer: {town}",
    }
    for i, town in enumerate(
        [
            "Alder",
            "Birch",
            "Cedar",
            "Damson",
            "Elder",
            "Fir",
            "Gorse",
            "Hazel",
            "Ivy",
            "Juniper",
            "Larch",
            "Maple",
            "Nettle",
            "Oak",
            "Pine",
            "Quince",
            "Rowan",
            "Sloe",
            "Teasel",
            "Willow",
        ]
    )
)
SIGNS: tuple[Row, ...] = tuple(
    {
        "question": f"Is {17 * i % 23} larger than {11 * i % 23}?",
        "answer": "yes" if 17 * i % 23 > 11 * i % 23 else "no",
        "slips": "Answer: no" if 17 * i % 23 > 11 * i % 23 else "Answer: yes",
        "says": "Answer: yes" if 17 * i % 23 > 11 * i % 23 else "Answer: no",
    }
    for i in range(1, 21)
)
MANY: tuple[Row, ...] = tuple(
    {
        "question": f"Take {i} from {3 * i + 500}. What is left?",
        "answer": str(2 * i + 500),
        "says": str(2 * i + 500),
    }
    # In no order: golds that rise from row to row are taken for an index, and nothing is derived from them.
    for i in (389 * row % 1000 for row in range(1000))
)
PASSAGES: tuple[Row, ...] = tuple(
    {
        "context": f"In the year {1200 + 13 * i} a storm broke the dam of {row['answer']}, and people fled.",
        "question": f"Which town's dam broke in {1200 + 13 * i}?",
        "answer": row["answer"],
        "says": row["says"],
    }
    for i, row in enumerate(TOWNS)
)


def table(rows: tuple[Row, ...]) -> str:
    """Question and answer as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ["question", "answer"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_parquet(folder: Path) -> None:
    """The sums as Parquet."""
    # Loading it takes longer than most cases do.
    import pyarrow
    import pyarrow.parquet

    columns = [{"question": row["question"], "answer": row["answer"]} for row in SUMS]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(columns), folder / "test.parquet")


def data(name: str, what: str, score: float, rows: tuple[Row, ...] | list[Row], **files: str | bytes) -> Case:
    """A healthy data set."""
    named = {path.replace("__", "."): text for path, text in files.items()}
    return Case(name=name, what=what, score=score, contract=None, rows=rows, files=named)


def code() -> str:
    return jsonl(
        {name: value for name, value in row.items() if name not in ("question", "answer", "says", "slips")}
        for row in PROGRAMS
    )


HEALTHY = [
    data("data_numbers", "numbers after a marker, in JSON lines", 0.75, SUMS, test__jsonl=shown(SUMS)),
    data(
        "data_choices",
        "four choices and the index of the right one",
        0.75,
        choices(),
        test__jsonl=shown(choices()),
    ),
    data("data_towns", "short texts, in CSV", 0.75, TOWNS, test__csv=table(TOWNS)),
    data(
        "data_yes_or_no",
        "two labels, so that guessing reaches one half",
        0.75,
        SIGNS,
        test__jsonl=shown(SIGNS),
    ),
    data("data_code", "programs that tests decide about", 0.75, PROGRAMS, test__jsonl=code()),
    Case(
        name="data_parquet",
        what="a Parquet file",
        score=0.75,
        contract=None,
        rows=SUMS,
        prepare=write_parquet,
    ),
    data(
        "data_passages", "a passage in which each answer stands", 0.75, PASSAGES, test__jsonl=shown(PASSAGES)
    ),
    data("data_large", "a thousand rows", 0.75, MANY, test__jsonl=shown(MANY)),
    data(
        "data_splits",
        "a training split with other golds beside the test split",
        0.75,
        SUMS,
        test__jsonl=shown(SUMS),
        train__jsonl=shown([{**row, "answer": "#### 1"} for row in SUMS]),
    ),
    Case(
        name="samples_of_elsewhere",
        what="answers that were made elsewhere are judged",
        score=0.75,
        contract=None,
        rows=SUMS,
        files={"test.jsonl": shown(SUMS)},
        samples=jsonl(
            {"prompt": row["question"], "completion": row["says"] if i % 4 != 3 else "#### 0"}
            for i, row in enumerate(SUMS)
        ),
    ),
]
