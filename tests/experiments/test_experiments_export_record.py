"""What a run is to others: its numbers with their intervals, its curves, tables and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from exported_runs import CURVES, KINDS, NUMBERS, exported_run

from honing.experiments.exporting.document_values import flattened, metrics_in
from honing.experiments.exporting.reading import read_record
from honing.store import Run


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_any_kind_hands_on_the_same_sorts_of_things(tmp_path: Path, kind: str) -> None:
    record = read_record(exported_run(tmp_path, kind=kind))

    assert (record.numbers(), {one.name: list(one.points) for one in record.curves}) == (NUMBERS, CURVES)
    assert record.parameters == {
        "model": "made/model", "options.seed": 3, "options.rates.0": 0.5, "options.rates.1": 1.5, "seed": 3,
    }  # fmt: skip
    assert (record.tags["honing.kind"], record.tags["honing.status"]) == (kind, "done")
    assert record.tags["honing.contract_hash"] == "c" * 64
    assert sorted(record.files) == ["metrics.json", "report.json", "rows.tsv", "training.json"]


def test_an_interval_in_a_table_becomes_three_columns(tmp_path: Path) -> None:
    tables = read_record(exported_run(tmp_path)).tables

    assert tables["scores_of_all"].columns == ("who", "score", "score/low", "score/high")
    assert tables["scores_of_all"].rows == (("base", 0.5, 0.25, 0.75), ("after", None, None, None))
    assert tables["rows"].as_mappings() == [{"id": "r1", "reward": 1, "note": "'=1+1"}]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"score": 1, "ci95": [0, 2]}, {"score": (1.0, 0.0, 2.0)}),
        ({"n": 4, "difference": 1, "ci95": [0, 2]}, {"n": (4.0, None, None), "difference": (1.0, 0.0, 2.0)}),
        ({"rho": 1, "rho_ci95": [0, 2]}, {"rho": (1.0, 0.0, 2.0)}),
        ({"gain": 1, "gain_low": 0, "gain_high": 2}, {"gain": (1.0, 0.0, 2.0)}),
        ({"low": 3, "high": 4}, {"low": (3.0, None, None), "high": (4.0, None, None)}),
        ({"ok": True, "name": "x", "none": None, "nan": float("nan"), "far": 10**400}, {}),
        ([{"id": "a b", "n": 1}] * 2, {"a_b/n": (1.0, None, None), "a_b.1/n": (1.0, None, None)}),
        ([{"x": 1}] * 201, {}),
    ],
    ids=[
        "an interval belongs to the score",
        "an interval belongs to the difference and not to the count",
        "an interval named after its number",
        "two ends named after their number",
        "ends without a number are numbers",
        "what is no finite number is none",
        "entries of one name are told apart",
        "a long list is data and no result",
    ],
)  # fmt: skip
def test_numbers_of_a_document_carry_their_intervals(
    document: object, found: dict[str, tuple[float, float | None, float | None]]
) -> None:
    assert {name: (one.value, one.low, one.high) for name, one in metrics_in(document)} == found


def test_a_config_is_flattened_to_its_leaves() -> None:
    document = {"a": {"b": [1, {"c": None}]}, "empty": {}, "d": "x"}

    assert dict(flattened(document)) == {"a.b.0": 1, "a.b.1.c": None, "empty": "{}", "d": "x"}


def test_runs_and_models_inside_a_run_are_left_out_and_the_runs_are_named(tmp_path: Path) -> None:
    run = exported_run(tmp_path)
    Run.create(run.path / "steps", kind="measure", config={}, command=(), seed=0, name="inner")
    run.write_json("weights/config.json", {"hidden": 16})
    record = read_record(run)

    assert [name for name in record.files if name.startswith(("steps", "weights"))] == []
    assert record.notes == ("runs inside this one are runs of their own: export steps/inner by their paths",)


def test_every_sample_of_a_measurement_is_in_a_table(tmp_path: Path) -> None:
    run = exported_run(tmp_path, kind="measure")
    rows = [{"id": f"r{n}", "epoch": 0, "reward": n % 2, "usage": {"input_tokens": 9}} for n in range(500)]
    run.write_jsonl("samples.jsonl", rows)
    samples = read_record(run).tables["samples"].as_mappings()

    assert (len(samples), samples[499]["id"], samples[499]["usage/input_tokens"]) == (500, "r499", 9)


def test_a_damaged_document_is_named_and_the_rest_is_handed_on(tmp_path: Path) -> None:
    run = exported_run(tmp_path)
    (run.path / "broken.json").write_text("{")
    record = read_record(run)

    assert record.numbers() == NUMBERS
    assert [note.partition(":")[0].rpartition("/")[2] for note in record.notes] == ["broken.json"]
