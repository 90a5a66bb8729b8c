"""Data files are read strictly, and every error names the row."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_tables import gzipped, programs, sums, write_csv, write_json, write_jsonl, write_parquet

from honing.contract.data.table_files import Table, find_tables, verify_manifest
from honing.contract.data.tables import TableLimits, TableRow, load_table, read_table, row_ids
from honing.errors import TargetError


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "tsv", "parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str, packed: bool) -> None:  # noqa: FBT001
    rows = [{**row, "extra": ["a", 'b,\n"c"']} for row in sums(7)]
    path = tmp_path / f"rows.{suffix}"
    writers = {"jsonl": write_jsonl, "json": write_json, "csv": write_csv, "parquet": write_parquet}
    if suffix == "tsv":
        write_csv(path, rows, delimiter="\t")
    else:
        writers[suffix](path, rows)

    loaded = load_table(gzipped(path) if packed else path)

    assert [dict(row.values) for row in loaded] == rows


def test_anchors_name_the_line_or_the_row(tmp_path: Path) -> None:
    jsonl = tmp_path / "a.jsonl"
    jsonl.write_text('{"x": 1}\n\n{"x": 2}\n')
    table = tmp_path / "b.csv"
    table.write_text('x\n"one\ntwo"\nthree\n')

    anchors = [row.anchor for path in (jsonl, table) for row in read_table(path)]
    rows = [
        row.anchor for row in read_table(write_json(tmp_path / "c.json", [{"x": 1}, {"x": 2}], under="data"))
    ]

    assert anchors == ["a.jsonl:1", "a.jsonl:3", "b.csv:2", "b.csv:4"]
    assert rows == ["c.json#1", "c.json#2"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"x": 1}\n{"x": }\n', "a.jsonl:2"),
        ("a.jsonl", b'{"x": 1}\n{"x": 1, "x": 2}\n', "'x' twice"),
        ("a.jsonl", b'{"x": NaN}\n', "a.jsonl:1 contains NaN"),
        ("a.jsonl", b'{"x": 1e999}\n', "a.jsonl:1"),
        ("a.jsonl", b'{"x": 1}\n{"x": "\xff"}\n', "a.jsonl:2 is not UTF-8"),
        ("a.jsonl", b'{"x": 1}\n[1, 2]\n', "a.jsonl:2: a row must be a JSON object, got list"),
        ("a.jsonl", b"[" * 200_000, "nested too deeply"),
        ("a.json", b'{"x": 1}', "a table in JSON is a list of objects"),
        ("a.json", b'[{"x": 1}, 2]', "a.json#2"),
        ("a.csv", b"x,y\n1,2\n1,2,3\n", "a.csv:3: 3 cells, but the header has 2"),
        ("a.csv", b"x,x\n1,2\n", "unique column names"),
        ("a.csv", b"x\n1\n\xff\n", "a.csv:3: not UTF-8"),
        ("a.csv", b'x\n"open\n', "not csv"),
        ("a.parquet", b"PAR1 nothing PAR1", "a.parquet: not Parquet"),
        ("a.jsonl.gz", b"not gzip", "a.jsonl.gz: cannot be read"),
        ("a.jsonl.gz", gzip.compress(b'{"x": 1}\n' * 1000, mtime=0)[:-20], "a.jsonl.gz: cannot be read"),
    ],
)
def test_a_damaged_file_is_named_with_its_row(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(TargetError) as caught:
        load_table(path)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (TableLimits(rows=3), "more than 3 rows"),
        (TableLimits(total_bytes=100), "more than 100 bytes after decompression"),
        (TableLimits(cell_chars=50), "a cell of"),
    ],
    ids=["rows", "bytes", "cell"],
)
def test_a_file_beyond_a_cap_is_refused_not_shortened(
    tmp_path: Path, limits: TableLimits, message: str
) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", sums(5))

    with pytest.raises(TargetError, match=message):
        load_table(path, limits=limits)


def test_a_small_archive_that_unfolds_without_end_is_refused_while_it_unfolds(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"x": "' + b"a" * 30_000_000))
    limits = TableLimits(total_bytes=1_000_000)
    assert path.stat().st_size < 100_000

    with pytest.raises(TargetError, match="more than 1000000 bytes"):
        load_table(path, limits=limits)


def test_a_declared_id_is_used_where_it_is_unique_and_a_hash_otherwise() -> None:
    def rows(*values: dict[str, object]) -> list[TableRow]:
        return [TableRow(value, "t", at) for at, value in enumerate(values)]

    unique = rows({"id": 7, "x": "a"}, {"id": 8, "x": "a"})
    repeated = rows({"id": 7, "x": "a"}, {"id": 7, "x": "a"}, {"id": 7, "x": "b"})
    moved = rows({"id": 7, "x": "b"}, {"id": 7, "x": "a"}, {"id": 7, "x": "a"})

    assert row_ids(unique, "id") == ["7", "8"]
    hashed = row_ids(repeated, "id")
    assert hashed[1] == f"{hashed[0]}-2"
    assert len(set(hashed)) == 3
    assert sorted(row_ids(moved, "id")) == sorted(hashed)


def test_parquet_without_its_extra_says_how_to_install_it(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", sums(2))
    program = (
        "import sys; sys.modules['pyarrow'] = None\nfrom pathlib import Path\n"
        "from honing.contract.data.tables import load_table\nfrom honing.errors import MissingToolError\n"
        "try:\n    load_table(Path(sys.argv[1]))\nexcept MissingToolError as error:\n    print(error)\n"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )

    assert finished.stdout == "a.parquet: reading Parquet needs pyarrow: pip install 'honing[hf]'\n"


def placed(*names: str, folder: Path) -> list[tuple[str, str | None, tuple[str, ...]]]:
    for name in names:
        write_jsonl(folder / name, sums(1))
    return [(table.config, table.split, table.files) for table in find_tables(folder)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["test.jsonl"], [("", "test", ("test.jsonl",))]),
        (["data/dev.jsonl"], [("", "dev", ("data/dev.jsonl",))]),
        (["made_val.jsonl"], [("made", "validation", ("made_val.jsonl",))]),
        (["main/test-00000-of-00001.jsonl"], [("main", "test", ("main/test-00000-of-00001.jsonl",))]),
        (
            ["test-00001-of-00002.jsonl", "test-00000-of-00002.jsonl"],
            [("", "test", ("test-00000-of-00002.jsonl", "test-00001-of-00002.jsonl"))],
        ),
        (["test/part.jsonl"], [("part", "test", ("test/part.jsonl",))]),
        (
            ["main/test/0000.jsonl", "main/test/0001.jsonl"],
            [("main", "test", ("main/test/0000.jsonl", "main/test/0001.jsonl"))],
        ),
        (["contest.jsonl"], [("contest", None, ("contest.jsonl",))]),
        (["rows.jsonl", "rows.csv"], [("rows", None, ("rows.jsonl",))]),
        ([".hidden/test.jsonl", "node_modules/test.json", "package.json", "README.md"], []),
    ],
    ids=[
        "plain",
        "data",
        "suffix",
        "config folder",
        "shards",
        "split folder",
        "numbered files",
        "inside a word",
        "formats",
        "not data",
    ],
)
def test_names_tell_split_and_configuration(
    tmp_path: Path, names: list[str], expected: list[tuple[str, str | None, tuple[str, ...]]]
) -> None:
    assert placed(*names, folder=tmp_path) == expected


def test_a_link_out_of_the_folder_is_no_data(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    write_jsonl(outside / "secret.jsonl", sums(1))
    write_jsonl(inside / "real.jsonl", sums(1))
    (inside / "test.jsonl").symlink_to(outside / "secret.jsonl")
    (inside / "dev.jsonl").symlink_to("real.jsonl")
    os.mkfifo(inside / "train.jsonl")

    found = [table.files for table in find_tables(inside)]

    assert found == [("dev.jsonl",), ("real.jsonl",)] or found == [("real.jsonl",), ("dev.jsonl",)]


@pytest.mark.parametrize("form", ["flat", "nested", "list"])
def test_a_manifest_is_checked(tmp_path: Path, form: str) -> None:
    data = write_jsonl(tmp_path / "data" / "test.jsonl", programs(2))
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    entries = {"data/test.jsonl": digest}
    forms: dict[str, object] = {
        "flat": entries,
        "nested": {"files": {"data/test.jsonl": {"sha256": digest, "size": 1}}},
        "list": {"files": [{"path": "data/test.jsonl", "sha256": digest}]},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(forms[form]))

    assert verify_manifest(tmp_path, ["data/test.jsonl"]) == "manifest.json"
    data.write_bytes(data.read_bytes() + b"\n")
    with pytest.raises(TargetError, match=r"data/test.jsonl: sha256 is .* but manifest.json promises"):
        verify_manifest(tmp_path, ["data/test.jsonl"])
    with pytest.raises(TargetError, match=r"does not list other\.jsonl"):
        verify_manifest(tmp_path, ["other.jsonl"])


def test_a_manifest_inside_the_data_folder_is_found_and_other_files_of_that_name_are_passed_over(
    tmp_path: Path,
) -> None:
    data = write_jsonl(tmp_path / "data" / "test.jsonl", sums(1))
    (tmp_path / "manifest.json").write_text('{"name": "a web page"}')
    assert verify_manifest(tmp_path, ["data/test.jsonl"]) is None

    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    (tmp_path / "data" / "hf_manifest.json").write_text(json.dumps({"test.jsonl": digest}))

    assert verify_manifest(tmp_path, ["data/test.jsonl"]) == "data/hf_manifest.json"
    assert find_tables(tmp_path) == [Table("", "test", ("data/test.jsonl",))]
