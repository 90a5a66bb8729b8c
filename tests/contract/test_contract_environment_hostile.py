"""A target's set-up scripts that reach for what lies outside of the environment they are built into."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest
from package_shelf import put_wheel, write_package

from honing.contract.derivation.console_scripts import write_script
from honing.contract.derivation.indexes import Indexes
from honing.contract.derivation.installer import Workplace
from honing.contract.spec import EnvironmentSpec
from honing.contract.workbench.environment import BuiltEnvironment, build_environment
from honing.errors import StageError
from honing.sandbox import choose

REACH = """
import os
folder = pathlib.Path(os.environ["HOME"]).parent
for name in ("tmp/constraints.txt", "tmp/build-constraints.txt", "given/constraints.txt"):
    try:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to({victim!r})
    except OSError:
        pass
for name in ("source", "venv"):
    try:
        os.rename(folder / name, folder / (name + ".old"))
        (folder / name).symlink_to(pathlib.Path({victim!r}).parent)
    except OSError:
        pass
here = pathlib.Path(__file__).parent
if (here / "link").is_symlink():
    (here / "link").unlink()
    (here / "link").mkdir()
    (here / "link" / "planted").write_text("from the target")
"""
"""Puts links where the installer writes next, in the place of what stages mount, and a file where the target
has a link."""


def _built(folder: Path, victim: Path) -> BuiltEnvironment:
    shelf = folder / "shelf"
    put_wheel(shelf, "setuptools", "80.0", {"setuptools/__init__.py": ""})
    imports = textwrap.dedent(REACH).format(victim=str(victim))
    target = write_package(
        folder / "target", imports=f"import pathlib\n{imports}", script="a = sums.grade:main"
    )
    (target / "link").symlink_to(victim.parent)
    (target / "gold.jsonl").write_text("the right answers")
    place = Workplace(
        root=folder / "environments",
        sandbox=choose("auto"),
        indexes=Indexes(find_links=(str(shelf),), no_index=True),
    )
    # Installed twice, so that something is written after foreign code has run.
    spec = EnvironmentSpec(install=("-e .", "-e ."), source_roots=(".",))
    return build_environment(spec, target, identity="t", place=place, hidden=("gold.jsonl",))


def test_a_set_up_script_can_make_the_installer_write_nowhere_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    built = _built(tmp_path, outside / "precious")
    workspace = tmp_path / "workspace"
    shutil.copytree(tmp_path / "target", workspace, symlinks=True)

    built.copy_generated(workspace)

    assert {path.name: path.read_text() for path in outside.iterdir()} == {"precious": "kept"}
    assert [mount.source.resolve() for mount in built.mounts] == [built.folder, built.source]
    assert "link/planted" in built.generated
    assert not (built.source / "gold.jsonl").exists()


def test_a_script_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "bin").symlink_to(tmp_path / "outside")

    with pytest.raises(StageError, match="put a link there"):
        write_script(tmp_path / "bin", "tool", "sums.grade")

    assert list((tmp_path / "outside").iterdir()) == []
