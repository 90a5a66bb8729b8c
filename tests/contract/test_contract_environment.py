"""A target's own environment: built contained, repaired where its set-up is known to be broken, kept."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from package_shelf import put_wheel, write_package

from honing.contract.derivation.indexes import Indexes
from honing.contract.derivation.installer import Workplace, find_python
from honing.contract.spec import EnvironmentSpec
from honing.contract.stages.failures import FailureKind, StageFailedError
from honing.contract.workbench.environment import BuiltEnvironment, build_environment
from honing.errors import MissingToolError
from honing.sandbox import Command, Finished, Mount, choose, python_mounts

BROKEN = "import pkg_resources\nimport needed"
"""What the set-up of an old package imports: a module that new setuptools lack, and a dependency."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of our own: two lines of setuptools, of which only the older brings pkg_resources."""
    folder = tmp_path_factory.mktemp("shelf")
    put_wheel(folder, "setuptools", "80.0", {"pkg_resources/__init__.py": "", "setuptools/__init__.py": ""})
    put_wheel(folder, "setuptools", "99.0", {"setuptools/__init__.py": ""})
    put_wheel(folder, "wheel", "1.0", {"wheel/__init__.py": ""})
    put_wheel(folder, "needed", "2.0", {"needed.py": ""})
    put_wheel(folder, "helper", "3.0", {"helper.py": "NAME = 'helper 3.0'\n"})
    return folder


class Shop:
    """A workplace that remembers what it ran."""

    def __init__(self, root: Path, shelf: Path) -> None:
        self.ran: list[str] = []
        self.place = Workplace(
            root=root,
            sandbox=choose("auto"),
            indexes=Indexes(find_links=(str(shelf),), no_index=True),
            record=self._record,
        )

    def _record(self, kind: str, fields: Mapping[str, Any]) -> None:
        self.ran.append(fields["command"])

    def build(self, target: Path, *install: str, identity: str = "t", **spec: Any) -> BuiltEnvironment:
        wanted = EnvironmentSpec(install=install, **spec)
        return build_environment(wanted, target, identity=identity, place=self.place)


def run_in(built: BuiltEnvironment, workspace: Path, command: str) -> Finished:
    """Run a command as a stage would."""
    return choose("auto").run(
        Command(
            argv=("bash", "-c", command),
            workdir=workspace,
            mounts=(Mount(workspace, writable=True), *python_mounts(), *built.mounts),
            env={"HOME": "/tmp", **built.env(workspace, "/usr/bin:/bin")},
        )
    )


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory, shelf: Path) -> tuple[Shop, Path, BuiltEnvironment]:
    """An old package whose set-up fails today in three ways, installed."""
    folder = tmp_path_factory.mktemp("repaired")
    target = write_package(
        folder / "target", imports=BROKEN, script="grade-sums = sums.grade", requires=("helper",)
    )
    shop = Shop(folder / "environments", shelf)
    return shop, target, shop.build(target, "-e .", source_roots=(".",))


def test_a_set_up_that_fails_in_three_known_ways_is_repaired_and_says_so(
    repaired: tuple[Shop, Path, BuiltEnvironment],
) -> None:
    _, _, built = repaired

    assert [repair.partition(":")[0] for repair in built.repairs] == [
        "a build needs pkg_resources, which new setuptools no longer bring",
        "a set-up script imports needed before it is installed",
        "a console script names a module without a function, which pip refuses",
    ]
    assert [one.by for one in built.provenance()] == ["repair"] * 3


def test_the_lock_names_every_version_with_its_hash(
    repaired: tuple[Shop, Path, BuiltEnvironment], shelf: Path
) -> None:
    import hashlib

    _, _, built = repaired
    digest = hashlib.sha256((shelf / "helper-3.0-py3-none-any.whl").read_bytes()).hexdigest()

    lines = built.lock.splitlines()
    assert lines[0] == f"# Python {find_python('').version}"
    assert f"helper==3.0 --hash=sha256:{digest}" in lines
    assert {line.partition(" ")[0] for line in lines[1:]} >= {"sums==1.0", "needed==2.0"}


def test_a_later_stage_imports_the_working_copy_and_cannot_change_the_environment(
    repaired: tuple[Shop, Path, BuiltEnvironment], tmp_path: Path
) -> None:
    _, target, built = repaired
    workspace = tmp_path / "copy"
    shutil.copytree(target, workspace)

    graded = run_in(built, workspace, "grade-sums")
    spoilt = run_in(built, workspace, f"echo x > {built.folder}/bin/grade-sums; echo y > {built.source}/new")

    assert graded.stdout == f"graded by helper 3.0 at {workspace}/sums/grade.py\n"
    assert not (built.source / "new").exists()
    assert "x\n" not in (built.folder / "bin" / "grade-sums").read_text()
    assert spoilt.stderr.count("Read-only file system") == 2


def test_what_building_wrote_among_the_sources_reaches_the_working_copy(
    repaired: tuple[Shop, Path, BuiltEnvironment], tmp_path: Path
) -> None:
    _, target, built = repaired
    workspace = tmp_path / "copy"
    shutil.copytree(target, workspace)
    (workspace / "backend.py").write_text("changed")

    built.copy_generated(workspace)

    assert built.generated == ("sums/_version.py",)
    assert (workspace / "sums" / "_version.py").read_text() == "VERSION = '1.0'\n"
    assert (workspace / "backend.py").read_text() == "changed"


def test_a_finished_environment_is_kept(repaired: tuple[Shop, Path, BuiltEnvironment]) -> None:
    shop, target, built = repaired
    before = len(shop.ran)

    again = shop.build(target, "-e .", source_roots=(".",))

    assert (again.reused, again.folder, again.lock) == (True, built.folder, built.lock)
    assert len(shop.ran) == before


def test_another_target_with_the_same_wish_builds_its_own_and_a_failure_is_typed_and_leaves_nothing(
    repaired: tuple[Shop, Path, BuiltEnvironment], tmp_path: Path
) -> None:
    shop, _, built = repaired
    (tmp_path / "README.md").write_text("Not a package: there is nothing to install.")

    with pytest.raises(StageFailedError) as raised:
        shop.build(tmp_path, "-e .", identity="another", source_roots=(".",))

    assert (raised.value.failure.kind, raised.value.failure.stage) == (FailureKind.INSTALL, "environment")
    assert "pyproject.toml" in str(raised.value)
    left = [path for path in shop.place.root.iterdir() if path.is_dir()]
    assert left == [built.folder.parent]


@pytest.mark.slow
def test_an_unfinished_environment_is_built_anew(tmp_path: Path, shelf: Path) -> None:
    target = write_package(tmp_path / "target", script="a = sums.grade:main")
    shop = Shop(tmp_path / "environments", shelf)
    first = shop.build(target, "helper")
    (first.folder.parent / "environment.json").unlink()
    (first.folder / "bin" / "python").unlink()

    second = shop.build(target, "helper")

    assert (second.reused, second.lock) == (False, first.lock)
    assert (second.folder / "bin" / "python").exists()


@pytest.mark.slow
def test_an_exact_version_that_is_gone_becomes_a_lower_bound(tmp_path: Path, shelf: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "requirements.txt").write_text("helper==2.1\nneeded==2.0\n")

    built = Shop(tmp_path / "environments", shelf).build(target, "-r requirements.txt")

    assert "helper==3.0" in built.lock
    assert built.repairs[0].startswith("helper==2.1 cannot be installed on this Python: helper>=2.1 is taken")
    assert (target / "requirements.txt").read_text() == "helper==2.1\nneeded==2.0\n"


@pytest.mark.slow
def test_a_set_up_script_sees_neither_the_home_nor_the_host_s_variables(tmp_path: Path, shelf: Path) -> None:
    imports = (
        "import os\n"
        "spy = pathlib.Path(__file__).parent / 'sums' / 'seen.py'\n"
        "there = [os.path.exists(path) for path in ('/root/.ssh', '/etc/shadow')]\n"
        "spy.write_text(repr([sorted(os.environ), *there]))"
    )
    target = write_package(tmp_path / "target", imports=imports, script="a = sums.grade:main")

    built = Shop(tmp_path / "environments", shelf).build(target, ".")

    names, home, shadow = eval((built.source / "sums" / "seen.py").read_text())
    assert (home, shadow) == (False, False)
    assert not {name for name in names if "KEY" in name or "TOKEN" in name or name.startswith("HONING")}


def test_a_python_that_is_not_here_is_named() -> None:
    with pytest.raises(MissingToolError, match=r"asks for Python 2\.7"):
        find_python("2.7")
