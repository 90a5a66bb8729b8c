"""What is installed, from where, and which repair fits which words: without building anything."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from package_shelf import put_wheel

from honing.contract.derivation.console_scripts import without_odd_scripts, write_script
from honing.contract.derivation.indexes import Indexes, read_indexes, without_credentials
from honing.contract.derivation.install_repairs import InstallPlan, relaxed_text, repaired
from honing.contract.derivation.packages import packages_of
from honing.contract.hints import find_hints
from honing.contract.spec import EnvironmentSpec
from honing.errors import StageError

PLAN = InstallPlan(install=("-e .",))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "  ModuleNotFoundError: No module named 'pkg_resources'",
            {"build_constraints": ("setuptools<81",), "build_isolation": True},
        ),
        (
            "ModuleNotFoundError: No module named 'numpy'",
            {"first": ("setuptools<81", "wheel", "numpy"), "build_isolation": False},
        ),
        (
            "ModuleNotFoundError: No module named 'yaml.nodes'",
            {"first": ("setuptools<81", "wheel", "PyYAML")},
        ),
        (
            "LookupError: setuptools-scm was unable to detect version for /x",
            {"env": (("SETUPTOOLS_SCM_PRETEND_VERSION", "0.0.0"), ("PBR_VERSION", "0.0.0"))},
        ),
        ("ERROR: Invalid script entry point: x - A callable suffix is required.", {"own_scripts": True}),
        ("cause: The wheel is invalid: invalid console script: 'pkg.odd'", {"own_scripts": True}),
        ("ERROR: No matching distribution found for torch==1.2.0", {"relaxed": (("torch", "1.2.0"),)}),
    ],
    ids=[
        "pkg_resources",
        "a dependency",
        "named otherwise",
        "git version",
        "script",
        "uv's word for it",
        "version gone",
    ],
)
def test_a_repair_fits_the_words(said: str, expected: dict[str, object]) -> None:
    plan = repaired(PLAN, said)

    assert plan is not None
    assert {name: getattr(plan, name) for name in expected} == expected
    assert len(plan.repairs) == 1


@pytest.mark.parametrize("said", ["", "error: something else", "No matching distribution found for thing"])
def test_no_repair_is_made_up(said: str) -> None:
    assert repaired(PLAN, said) is None


def test_a_repair_that_did_not_help_is_not_made_again() -> None:
    said = "ModuleNotFoundError: No module named 'pkg_resources'"
    first = repaired(PLAN, said)
    assert first is not None
    second = repaired(first, said)
    assert second is not None

    assert (second.first, second.build_isolation) == (("setuptools<81", "wheel"), False)
    assert repaired(second, said) is None


def test_only_the_very_version_is_relaxed() -> None:
    text = "Torch-Vision==1.0\ntorch==1.0 ; python_version > '3'\ntorch==1.0.1\n'torch[cpu]==1.0',"

    assert relaxed_text(text, (("torch", "1.0"),)) == (
        "Torch-Vision==1.0\ntorch>=1.0 ; python_version > '3'\ntorch==1.0.1\n'torch[cpu]>=1.0',"
    )


def test_scripts_without_a_function_are_taken_out_of_a_wheel_and_the_rest_stays(tmp_path: Path) -> None:
    entries = "[console_scripts]\nodd = pkg.odd\nfine = pkg.fine:main\n\n[other]\nplugin = pkg.plugin\n"
    wheel = put_wheel(tmp_path, "pkg", "1.0", {"pkg/__init__.py": ""}, entries)

    odd = without_odd_scripts(wheel)

    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("pkg-1.0.dist-info/entry_points.txt").decode()
        names = archive.namelist()
    assert odd == {"odd": "pkg.odd"}
    assert " ".join(text.split()) == "[console_scripts] fine = pkg.fine:main [other] plugin = pkg.plugin"
    assert names[0] == "pkg/__init__.py"


@pytest.mark.parametrize(("name", "module"), [("../x", "a"), ("x", "os; evil()"), ("", "a")])
def test_a_script_of_a_hostile_name_is_not_written(name: str, module: str, tmp_path: Path) -> None:
    with pytest.raises(StageError):
        write_script(tmp_path, name, module)

    assert list(tmp_path.iterdir()) == []


def test_variables_count_more_than_files_and_the_last_file_most(tmp_path: Path) -> None:
    config = tmp_path / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[global]\nindex-url = https://one/simple\nfind-links = /a /b\n[install]\ntrusted-host = one\n"
    )
    variables = {"HOME": str(tmp_path), "PIP_INDEX_URL": "https://two/simple", "https_proxy": "http://p:1"}

    found = read_indexes(variables)

    assert (found.index, found.find_links, found.trusted_hosts, found.proxies) == (
        "https://two/simple",
        ("/a", "/b"),
        ("one",),
        (("https_proxy", "http://p:1"),),
    )
    assert read_indexes({**variables, "PIP_CONFIG_FILE": "/dev/null"}).find_links == ()


def test_credentials_of_an_index_are_not_in_the_evidence() -> None:
    found = Indexes(index="https://me:secret@host/simple", extra=("https://plain/simple",))

    assert found.redacted()["index"] == "https://***@host/simple"
    assert without_credentials("--index-url") == "--index-url"


def test_torch_is_pinned_to_the_build_without_cuda_that_this_machine_offers(tmp_path: Path) -> None:
    for name in ("torch-2.9.1+cpu-cp311-cp311-linux.whl", "torch-2.13.0+cpu-cp311-cp311-linux.whl", "x.whl"):
        (tmp_path / name).write_text("")

    assert Indexes(find_links=(str(tmp_path),)).cpu_build_of_torch() == "2.13.0"
    assert Indexes().cpu_build_of_torch() == ""


def test_indexes_that_know_no_dates_are_left_out_where_a_date_counts() -> None:
    found = Indexes(
        index="https://one", extra=("file:///a", "https://two"), find_links=("/b",), no_index=True
    )

    assert found.dated() == Indexes(index="https://one", extra=("https://two",))


PAGE = """
# Sums

```bash
git clone https://example.com/lab/sums
pip install -e "sums[dev,fast]"
pip install flash-attn --no-build-isolation
cd eval && pip install -r requirements.txt
pip install tabulate
```

## Evaluation

```bash
cd eval
python evaluate.py --model gpt-4
```
"""


def test_the_environment_is_what_the_chosen_command_needs(tmp_path: Path) -> None:
    target = tmp_path / "sums"
    (target / "eval").mkdir(parents=True)
    (target / "README.md").write_text(PAGE)
    (target / "eval" / "evaluate.py").write_text("")
    (target / "eval" / "requirements.txt").write_text("openai\nvllm==0.5\n# a comment\nnumpy<2\n")
    (target / "requirements.txt").write_text("everything\n")
    (target / "pyproject.toml").write_text("[project]\nname = 'sums'\ndependencies = ['rich']\n")
    hints = find_hints(target)
    chosen = [hint for hint in hints if "evaluate.py" in hint.command]

    found = packages_of(target, hints, chosen, as_of="2025-01-31")

    assert found.spec == EnvironmentSpec(
        install=("-e .[fast]", "openai 'numpy<2'", "tabulate"), source_roots=(".",), as_of="2025-01-31"
    )
    assert "without vllm==0.5" in found.provenance[1].why
    assert all(one.anchor for one in found.provenance)


def test_a_target_without_packages_needs_no_environment(tmp_path: Path) -> None:
    assert packages_of(tmp_path, [], []).spec is None
