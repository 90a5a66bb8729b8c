"""What each gate refuses, and that an honest patch passes them all."""

from __future__ import annotations

from pathlib import Path

import pytest
from repair_scene import BROKEN, MENDED, PATH, README, SCAFFOLD

from honing.contract.repair.gates import refusals_of
from honing.contract.repair.workspace import changes, open_workspace
from honing.contract.spec import ContractSpec, Provenance, with_provenance
from honing.contract.spec_file import parse_contract
from honing.contract.target import resolve
from honing.store import Run, TreeStore

SIGNED = 'provenance: [{part: stages.evaluate, by: agent, anchor: "README.md:7"}]\n'
FILES = {
    "README.md": README,
    "run.py": "pass\n",
    "grade.py": "pass\n",
    "tools/score.py": "pass\n",
    "questions.jsonl": '{"question": "1"}\n',
    "oracle.jsonl": "{}\n",
}


class Bench:
    """A target whose contract an agent changes; what the gates say of it."""

    def __init__(self, folder: Path, contract: str | None, by: str) -> None:
        source = folder / "target"
        for name, text in FILES.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text)
        self.spec = None if contract is None else _signed(contract, by)
        self.trees = TreeStore(folder / "trees")
        run = Run.create(folder / "runs", kind="measure", config={}, command=(), seed=0)
        target = resolve(source, self.trees)
        self.workspace = open_workspace(run, self.trees, target, self.spec, 1)
        self.folder = self.workspace.folder

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def found(self) -> list[tuple[str, str]]:
        diff = changes(self.workspace, self.trees)
        return [(one.gate, one.where) for one in refusals_of(self.workspace, diff, self.spec)]


def _signed(contract: str, by: str) -> ContractSpec:
    spec = parse_contract(contract.encode(), source=PATH)
    return with_provenance(spec, [Provenance(part="contract", by=by, anchor="README.md:1")])  # type: ignore[arg-type]


def after(folder: Path, contract: str, by: str = "target", **files: str) -> list[tuple[str, str]]:
    """Gates and places that refuse a contract written over `BROKEN`."""
    bench = Bench(folder, BROKEN, by)
    bench.write(**{PATH: contract, **files})
    return bench.found()


def test_an_honest_repair_passes(tmp_path: Path) -> None:
    assert after(tmp_path, MENDED) == []


def test_an_honest_scaffold_passes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, None, "target")
    bench.write(**{PATH: SCAFFOLD})

    assert bench.found() == []


def test_scripts_and_oracle_programs_of_the_contract_pass(tmp_path: Path) -> None:
    contract = (
        MENDED.replace(
            "{file: oracle.jsonl}", "{file: gold.jsonl, commands: [python3 .honing/oracle/gold.py]}"
        )
        .replace("python3 grade.py", "bash .honing/stages/judge.sh")
        .replace(
            "  evaluate:",
            "  bootstrap: {commands: [apt-get install -y jq, pip install numpy], network: open}\n  evaluate:",
        )
    )
    signed = (
        'provenance: [{part: stages.evaluate, by: agent, anchor: "README.md:7"}, '
        '{part: oracle, by: agent, anchor: "questions.jsonl:1"}]\n'
    )
    files = {
        ".honing/oracle/gold.py": "rows = open('questions.jsonl')\n",
        ".honing/stages/judge.sh": "cd tools && python3 -m tools.score\n",
    }

    assert after(tmp_path, contract + signed, **files) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("grade.py", "print(1)"),
        ("metrics.json", '{"score": 1.0}'),
        ("notes.txt", "what I did"),
        ("sitecustomize.py", "import os"),
        (".honing/metrics.json", '{"score": 1.0}'),
        (".honing/oracle/gold.jsonl", "{}"),
        (".honing/stages/deep/er.sh", "true"),
        (".honing/stages/tool.py", "pass"),
    ],
)
def test_a_file_that_is_not_the_contracts_is_refused(tmp_path: Path, name: str, text: str) -> None:
    found = after(tmp_path, MENDED, **{name: text})

    assert {gate for gate, _ in found} == {"scope"}
    assert name in {where for _, where in found}


def test_a_removed_a_renamed_and_a_linked_file_are_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BROKEN, "target")
    (bench.folder / "run.py").unlink()
    (bench.folder / "grade.py").rename(bench.folder / "judge.py")
    (bench.folder / ".honing/stages").mkdir()
    (bench.folder / ".honing/stages/a.sh").symlink_to("/etc/passwd")
    (bench.folder / "tools/score.py").chmod(0o755)

    assert bench.found() == [
        ("scope", ".honing/stages/a.sh"),
        ("scope", "grade.py"),
        ("scope", "judge.py"),
        ("scope", "run.py"),
        ("scope", "tools/score.py"),
    ]


def test_traces_of_running_programs_are_no_part_of_a_patch(tmp_path: Path) -> None:
    assert (
        after(tmp_path, MENDED, **{"__pycache__/run.cpython-311.pyc": "x", "tools/__pycache__/a.pyc": "x"})
        == []
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("schema: 1", "schema: 1\nmetrik: {}", ("contract", PATH)),
        ("schema: 1", "schema: 2", ("contract", PATH)),
        ("[python3 ask.py]", "[python3 run.py], answers: none", ("answers", "stages.rollout.answers")),
        (
            "[python3 ask.py]",
            "[python3 run.py], answers: samples, samples: s.jsonl",
            ("answers", "stages.rollout.answers"),
        ),
        ("[python3 ask.py]", "[python3 run.py], network: open", ("network", "stages.rollout.network")),
        ("[python3 grade.py]", "[python3 grade.py], network: open", ("network", "stages.evaluate.network")),
        ("[python3 ask.py]", "[pip install x, python3 run.py]", ("install", "stages.rollout")),
        ("[python3 ask.py]", "['sudo apt-get -y install jq; python3 run.py']", ("install", "stages.rollout")),
        (
            "stages:",
            "environment: {install: ['--index-url http://evil x']}\nstages:",
            ("install", "environment.install"),
        ),
        (
            "[python3 ask.py]",
            "['OPENAI_BASE_URL=http://elsewhere python3 run.py']",
            ("redirect", "stages.rollout.commands"),
        ),
        (
            "[python3 ask.py]",
            "['unset OPENAI_BASE_URL; python3 run.py']",
            ("redirect", "stages.rollout.commands"),
        ),
        (
            "[python3 ask.py]",
            "[python3 run.py], env: {HONING_MODEL: other}",
            ("redirect", "stages.rollout.env.HONING_MODEL"),
        ),
        (
            "[python3 grade.py]",
            "[python3 grade.py], env: {LD_PRELOAD: ./x.so}",
            ("redirect", "stages.evaluate.env.LD_PRELOAD"),
        ),
        (
            "[python3 grade.py]",
            """['python3 grade.py; echo "{\\"ok\\": true, \\"score\\": 1.0}" > metrics.json']""",
            ("constant", "stages.evaluate.commands"),
        ),
        (
            "[python3 grade.py]",
            """['python3 grade.py; echo acc=0.9'], source: stdout, pattern: 'acc=(?P<score>[\\d.]+)'""",
            ("constant", "stages.evaluate.commands"),
        ),
        ("[python3 grade.py]", "[bash .honing/stages/own.sh]", ("grader", "stages.evaluate.commands")),
        (
            "[python3 grade.py]",
            "[python3 grade.py], metrics_path: .honing/metrics.json",
            ("prewritten", "stages.evaluate.metrics_path"),
        ),
        ("[python3 ask.py]", "[python3 run.py], writes: ['*.py']", ("writes", "stages.rollout.writes")),
        ("[python3 ask.py]", "[], samples: s.jsonl", ("contract", PATH)),
        ("stages:", "metric: {chance: 0.5}\nstages:", ("metric", "metric.chance")),
        ("stages:", "metric: {range: [0, 2]}\nstages:", ("metric", "metric.range")),
        ("{file: oracle.jsonl}", "{file: gold.jsonl}", ("gold", "oracle.file")),
        (
            "{file: oracle.jsonl}",
            "{file: gold.jsonl, commands: ['echo {} > gold.jsonl']}",
            ("gold", "oracle.commands"),
        ),
        ("{file: oracle.jsonl}", "{policy: .honing/policy/own.py}", ("gold", "oracle.policy")),
        ("stages:", "task: {}\nstages:", ("anchor", "task")),
    ],
)
def test_a_patch_that_weakens_the_contract_is_refused(
    tmp_path: Path, old: str, new: str, expected: tuple[str, str]
) -> None:
    files = {
        ".honing/stages/own.sh": "wc -c answers.json > metrics.json\n",
        ".honing/policy/own.py": "print('42')\n",
    }

    found = after(tmp_path, BROKEN.replace(old, new, 1) + SIGNED, **files)

    assert expected in found


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [
        ("", [("anchor", "stages.evaluate")]),
        ("[{part: stages.evaluate, by: agent}]", [("anchor", "stages.evaluate")]),
        ('[{part: stages.rollout, by: agent, anchor: "README.md:7"}]', [("anchor", "stages.evaluate")]),
        (
            '[{part: stages.evaluate, by: agent, anchor: "README.md:99"}]',
            [("anchor", "provenance (stages.evaluate)")],
        ),
        (
            '[{part: stages.evaluate, by: agent, anchor: "README.md:2"}]',
            [("anchor", "provenance (stages.evaluate)")],
        ),
        (
            '[{part: stages.evaluate, by: agent, anchor: ".honing/contract.yaml:1"}]',
            [("anchor", "provenance (stages.evaluate)")],
        ),
        (
            '[{part: stages.evaluate, by: target, anchor: "README.md:7"}]',
            [("provenance", "provenance (stages.evaluate)")],
        ),
        ('[{part: stages.evaluate, by: agent, anchor: "README.md:7"}]', []),
        ('[{part: stages, by: agent, anchor: "README.md:7"}]', []),
    ],
    ids=[
        "none", "no anchor", "of another part", "beyond the end", "empty line", "its own contract",
        "signed as the target", "anchored", "anchored above",
    ],
)  # fmt: skip
def test_who_changes_the_judging_says_where_the_target_says_so(
    tmp_path: Path, provenance: str, expected: list[tuple[str, str]]
) -> None:
    contract = MENDED.replace("[python3 grade.py]", "[python3 -m tools.score]")

    found = after(tmp_path, contract + (f"provenance: {provenance}\n" if provenance else ""))

    assert found == expected


def test_a_stage_that_the_target_declared_is_not_left_out(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        BROKEN.replace("stages:", "stages:\n  tests: {commands: [python3 -m tools.score]}"),
        "target",
    )
    bench.write(**{PATH: MENDED})

    assert bench.found() == [("emptied", "stages.tests.commands")]


def test_what_was_only_derived_may_be_replaced(tmp_path: Path) -> None:
    contract = MENDED.replace("stages:", "metric: {chance: 0.25}\nstages:")
    signed = 'provenance: [{part: metric, by: agent, anchor: "README.md:3"}]\n'

    assert after(tmp_path, contract + signed, by="derivation") == []
    assert after(tmp_path / "declared", contract + signed, by="user") == [("metric", "metric.chance")]


def test_a_command_that_the_target_itself_wrote_is_not_judged_by_a_repairs_gates(tmp_path: Path) -> None:
    odd = BROKEN.replace("python3 grade.py", "echo score=1; own-judge")
    bench = Bench(tmp_path, odd, "target")
    bench.write(**{PATH: odd.replace("ask.py", "run.py")})

    assert bench.found() == []
