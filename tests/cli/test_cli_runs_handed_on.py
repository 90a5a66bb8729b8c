"""`hone runs compare` and `hone runs export`."""

from __future__ import annotations

import json

import pytest
from hone_process import Hone

from made_runs import made_run

A, B = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]


@pytest.fixture
def pair(hone: Hone) -> tuple[str, str]:
    return made_run(hone.runs, A).path.name, made_run(hone.runs, B).path.name


def test_two_runs_are_compared_in_words(hone: Hone, pair: tuple[str, str]) -> None:
    ended = hone("runs", "compare", *pair)

    assert (ended.code, ended.err) == (0, "")
    lines = [line.split(maxsplit=3) for line in ended.out.splitlines()]
    assert ["B", "minus", "A"] in [line[:3] for line in lines]
    assert "+0.5000" in ended.out
    assert "McNemar, exact" in ended.out
    assert "undecided" in ended.out
    assert ended.out.count("\nr00") == 6


def test_a_comparison_is_one_document_or_rows_of_flips(hone: Hone, pair: tuple[str, str]) -> None:
    document = json.loads(hone("runs", "compare", *pair, "--json").out)
    rows = hone("runs", "compare", *pair, "--tsv").out.splitlines()

    assert (document["pairs"], document["better_b"], document["better_a"]) == (8, 5, 1)
    assert (document["p_value"], document["verdict"]) == (0.21875, "undecided")
    assert rows[0].split("\t") == ["id", "epoch", "a", "b"]
    assert [row.split("\t") for row in rows[1:3]] == [
        ["r002", "0", "0.0", "1.0"],
        ["r003", "0", "0.0", "1.0"],
    ]


def test_unequal_contracts_are_a_usage_error_unless_forced(hone: Hone) -> None:
    names = (made_run(hone.runs, A).path.name, made_run(hone.runs, B, name="other").path.name)
    refused, forced = hone("runs", "compare", *names), hone("runs", "compare", *names, "--force")

    assert (refused.code, "the contracts differ" in refused.err) == (2, True)
    assert (forced.code, "forced: the contracts differ" in forced.out) == (0, True)


def test_an_export_says_what_it_wrote(hone: Hone, pair: tuple[str, str]) -> None:
    ended = hone("runs", "export", pair[0], "--to", "inspect", "--out", "logs")
    document = json.loads(hone("runs", "export", pair[0], "--to", "inspect", "--out", "more", "--json").out)

    assert (ended.code, ended.out) == (0, f"wrote 2 files to {hone.folder / 'logs'}\n")
    assert (document["form"], document["files"]) == ("inspect", ["made.json", "made.eval"])
    assert (hone.folder / "logs" / "made.eval").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--to", "pdf", "--out", "x"),
            "The forms are mlflow, wandb, tensorboard, csv, parquet, model, harbor, inspect, verifiers, "
            "hf-results.",
        ),
        (("--to", "hf-results", "--out", "x"), "--dataset: which data set"),
    ],
    ids=["an unknown form", "no data set"],
)
def test_an_export_that_cannot_be_made_says_why(
    hone: Hone, pair: tuple[str, str], arguments: tuple[str, ...], says: str
) -> None:
    ended = hone("runs", "export", pair[0], *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
