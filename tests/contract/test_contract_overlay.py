"""A contract of the user's own, laid over a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from honing.contract.overlay import lay_over
from honing.contract.target import resolve
from honing.errors import ContractError
from honing.store import TreeStore


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_the_users_contract_takes_the_place_of_the_targets_and_the_rest_stays(tmp_path: Path) -> None:
    target = write(tmp_path / "target", data__txt="rows")
    write(target / ".honing", contract__yaml="theirs", helper__py="theirs")
    ours = write(tmp_path / "ours", contract__yaml="ours", policy__py="play")
    trees = TreeStore(tmp_path / "trees")
    resolved = resolve(target, trees)

    laid = lay_over(resolved, ours, trees)

    trees.materialise(laid.tree, tmp_path / "seen")
    assert files_of(tmp_path / "seen") == {
        "data.txt": "rows",
        ".honing/contract.yaml": "ours",
        ".honing/policy.py": "play",
    }
    assert (laid.origin, laid.tree == resolved.tree) == (resolved.origin, False)
    assert files_of(target / ".honing")["contract.yaml"] == "theirs"


def test_a_link_in_the_place_of_the_targets_contract_is_not_followed(tmp_path: Path) -> None:
    target = write(tmp_path / "target", data__txt="rows")
    (target / "elsewhere").mkdir()
    (target / ".honing").symlink_to("elsewhere")
    ours = write(tmp_path / "ours", contract__yaml="ours")
    trees = TreeStore(tmp_path / "trees")

    laid = lay_over(resolve(target, trees), ours, trees)

    trees.materialise(laid.tree, tmp_path / "seen")
    assert files_of(tmp_path / "seen") == {"data.txt": "rows", ".honing/contract.yaml": "ours"}


def test_a_folder_without_a_contract_is_refused(tmp_path: Path) -> None:
    target, empty = write(tmp_path / "target", data__txt="rows"), write(tmp_path / "empty", notes__md="-")
    trees = TreeStore(tmp_path / "trees")

    with pytest.raises(ContractError, match=r"has no contract\.yaml"):
        lay_over(resolve(target, trees), empty, trees)
