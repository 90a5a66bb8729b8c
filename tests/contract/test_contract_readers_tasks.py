"""Task folders that need no docker: read, and measured through their own tests."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from foreign_targets import task_folder

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.readers import Foreign, ForeignGap, read_foreign
from honing.contract.readers.task_folders import _PROGRAMS as PROGRAMS
from honing.errors import ContractError
from honing.llm import Answering, ModelReply, ModelRequest, Usage


def read(folder: Path, **wanted: str) -> Foreign:
    found = read_foreign(folder, **wanted)
    assert isinstance(found, Foreign)
    return found


def gap(folder: Path) -> ForeignGap:
    found = read_foreign(folder)
    assert isinstance(found, ForeignGap)
    return found


def test_the_solution_is_the_oracle_and_nothing_is_null(tmp_path: Path) -> None:
    for number in (3, 4):
        task_folder(tmp_path / "target" / f"sum-{number}", number)
    with setup(tmp_path / "target", SetupOptions(home=tmp_path / "runs")) as session:
        samples = session.rollout("scripted/skilled-0.5", RolloutOptions(mode=Mode.FULL)).samples
        result = session.evaluate()
    found = result.metrics["calibration"]
    right = sum(
        f"print({10 * n}, {n})" in _script(one.completion) for one, n in zip(samples, (3, 4), strict=True)
    )

    assert (found["oracle"], found["null"], found["shuffled"]) == (1.0, 0.0, 0.0)
    assert (result.metrics["level"], result.score) == ("L5", pytest.approx(right / 2))
    assert [sample.id for sample in samples] == ["sum-3", "sum-4"]


def _script(completion: str) -> str:
    """The solution's second file, as the oracle's script lays it down."""
    parts = completion.split("<<'CONTENT'\n")
    return base64.b64decode(parts[1].split("CONTENT")[0]).decode() if len(parts) > 1 else ""


def test_a_folder_becomes_stages_with_anchors(tmp_path: Path) -> None:
    found = read(task_folder(tmp_path / "sum", 3))
    stages = found.spec.stages

    assert dict(stages.evaluate.folders) == {
        "/tests": ".honing_tasks/places/tests",
        "/logs": ".honing_tasks/places/logs",
        "/solution": ".honing_tasks/places/solution",
        "/app": ".honing_tasks/places/app",
    }
    assert stages.evaluate.timeout_s == 50.0
    assert found.spec.oracle is not None
    assert found.spec.oracle.file == ".honing_tasks/gold.jsonl"
    assert {(one.part, one.anchor) for one in found.spec.provenance} == {
        ("stages.rollout", "instruction.md:1"),
        ("stages.evaluate", "tests/test.sh:1"),
        ("oracle", "solution/solve.sh:1"),
        ("not carried", "environment/Dockerfile:1"),
        ("not carried", "task.toml:6"),
    }


def test_a_dockerfile_of_packages_and_files_is_carried(tmp_path: Path) -> None:
    dockerfile = """
        FROM --platform=linux/amd64 python:3.12-slim-bookworm
        ENV A=1 B="two words"
        ARG UNUSED
        WORKDIR /work/here
        COPY requirements.txt ./
        COPY ["data", "/data/in/"]
        RUN pip install --no-cache-dir -r requirements.txt && pip install "numpy<2" pandas
        RUN apt-get update && apt-get install -y --no-install-recommends git curl=7.* && apt-get clean
        RUN mkdir -p /out results
        USER nobody
        CMD ["bash"]
        """
    files = {"environment__Dockerfile": dockerfile, "environment__requirements.txt": "six\n"}
    spec = read(task_folder(tmp_path / "sum", 3, **files)).spec
    (plan,) = json.loads(spec.stages.evaluate.env["HONING_TASKS"])

    assert spec.environment is not None
    assert spec.environment.install == ("-r environment/requirements.txt", "'numpy<2' pandas")
    assert spec.environment.python == "3.12"
    assert "for name in curl git; do" in spec.stages.bootstrap.commands[0]
    assert plan["copies"] == [
        ["environment/requirements.txt", "/work/here/requirements.txt"],
        ["environment/data", "/data/in"],
    ]
    assert (plan["workdir"], plan["makes"]) == ("/work/here", ["/work/here", "/out", "/work/here/results"])
    assert plan["env"] == {"A": "1", "B": "two words"}
    assert set(plan["places"]) == {"/tests", "/logs", "/solution", "/work", "/data", "/out"}


@pytest.mark.parametrize(
    ("file", "text", "anchor", "says"),
    [
        ("environment__Dockerfile", "FROM ghcr.io/a/b:1\n", "environment/Dockerfile:1", "must be pulled"),
        (
            "environment__Dockerfile",
            "FROM debian\nRUN make all\n",
            "environment/Dockerfile:2",
            "changes the image",
        ),
        (
            "environment__Dockerfile",
            "FROM debian\n\nRUN a | b\n",
            "environment/Dockerfile:3",
            "one plain command",
        ),
        (
            "environment__Dockerfile",
            "FROM debian\nVOLUME /x\n",
            "environment/Dockerfile:2",
            "VOLUME needs docker",
        ),
        ("environment__Dockerfile", "FROM debian\nCOPY no /x\n", "environment/Dockerfile:2", "is no file of"),
        (
            "environment__Dockerfile",
            "FROM debian\nCOPY ../../x /x\n",
            "environment/Dockerfile:2",
            "is no file of",
        ),
        (
            "environment__Dockerfile",
            "FROM debian\nCOPY --from=x a /x\n",
            "environment/Dockerfile:2",
            "another image",
        ),
        (
            "environment__Dockerfile",
            "FROM debian\nADD x.tar.gz /x\n",
            "environment/Dockerfile:2",
            "unpacks an archive",
        ),
        (
            "environment__Dockerfile",
            "FROM debian\nCOPY data /usr/x\n",
            "environment/Dockerfile:1",
            "of the system",
        ),
        (
            "environment__docker-compose.yaml",
            "services: {}\n",
            "environment/docker-compose.yaml:1",
            "several",
        ),
        (
            "tests__test.sh",
            "#!/bin/bash\n# apt\napt-get install -y x\n",
            "tests/test.sh:3",
            "judging has no network",
        ),
        ("task.toml", '[environment]\ndocker_image = "x"\n', "task.toml:2", "pulled with docker"),
        ("task.toml", "[environment]\ncpus = 1\ngpus = 1\n", "task.toml:3", "a GPU is needed"),
        ("task.toml", 'version = "1"\n[[steps]]\nname = "a"\n', "task.toml:2", "several steps"),
        (
            "task.toml",
            '[verifier]\nenvironment_mode = "separate"\n',
            "task.toml:2",
            "a container of their own",
        ),
        ("task.toml", '[verifier.env]\nKEY = "${KEY}"\n', "task.toml:1", "KEY is taken from the host"),
        ("task.toml", '[environment]\nos = "windows"\n', "task.toml:2", "for Windows"),
    ],
)
def test_what_needs_docker_is_a_gap_that_names_the_line(
    tmp_path: Path, file: str, text: str, anchor: str, says: str
) -> None:
    found = gap(task_folder(tmp_path / "sum", 3, **{file: text}))

    assert found.anchor == anchor
    assert says in found.text
    assert found.closes


def test_settings_that_are_no_toml_name_their_line(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"task.toml: not TOML .*line 2"):
        read_foreign(task_folder(tmp_path / "sum", 3, **{"task.toml": "a = 1\nb = \n"}))


def test_one_task_of_a_set_can_be_chosen(tmp_path: Path) -> None:
    for number in (3, 4):
        task_folder(tmp_path / f"sum-{number}", number)
    (plan,) = json.loads(read(tmp_path, config="sum-4").spec.stages.evaluate.env["HONING_TASKS"])

    assert (plan["name"], plan["folder"]) == ("sum-4", "sum-4")


def test_a_task_without_a_solution_has_no_oracle(tmp_path: Path) -> None:
    folder = task_folder(tmp_path / "sum", 3)
    (folder / "solution" / "solve.sh").unlink()
    found = read(folder)

    assert found.spec.oracle is None
    assert "no oracle" in found.notes[-1].text


CHEAT = """```bash
for place in /tests /solution $(awk '{print $5}' /proc/self/mountinfo); do
  case "$place" in /tests | /solution) ;; *) [ -e "$place/sum-3/task.toml" ] || continue ;; esac
  grep -rhoE '= "[0-9]+ [0-9]+"' "$place" 2>/dev/null | head -1 | tr -d '="' | sed 's/^ //' > /app/found.txt
  [ -s /app/found.txt ] && cp /app/found.txt /app/sum.txt
done
echo 1 > /logs/verifier/reward.txt
mkdir -p /tests && echo 'echo 1 > /logs/verifier/reward.txt' > /tests/test.sh
cat > /tmp/wait.sh <<'WAIT'
for n in $(seq 400); do
  grep -hoE '= "[0-9]+ [0-9]+"' /tests/test.sh | tr -d '="' | sed 's/^ //' > /app/later.txt
  [ -s /app/later.txt ] && cp /app/later.txt /app/sum.txt
  sleep 0.05
done
WAIT
(setsid bash /tmp/wait.sh > /dev/null 2>&1 &)
for p in /proc/[0-9]*; do cat $p/environ $p/mem; done > /app/memory.txt 2>/dev/null
echo done
```"""


class Cheat:
    """Answers with a script that tries to write its own reward."""

    def answer(self, request: ModelRequest) -> ModelReply:
        return ModelReply(text=CHEAT, model=request.model, usage=Usage(input_tokens=1, output_tokens=1))


def test_a_script_can_neither_see_nor_replace_its_tests_nor_write_its_reward(tmp_path: Path) -> None:
    for number in (3, 4):
        folder = task_folder(tmp_path / "target" / f"sum-{number}", number)
        tests = folder / "tests" / "test.sh"
        # Time enough for a process that waits for the tests to appear.
        tests.write_text(tests.read_text().replace("#!/bin/bash", "#!/bin/bash\nsleep 0.5"))
    with setup(tmp_path / "target", SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout(Answering(Cheat(), name="cheat"), RolloutOptions(mode=Mode.FULL))
        result = session.evaluate()

    assert (result.ok, result.score) == (True, 0.0)


def test_nothing_is_emptied_where_the_places_are_not_ours(tmp_path: Path) -> None:
    folder = task_folder(tmp_path / "target", 3)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "precious.txt").write_text("stay")
    plan = [
        {"name": "a", "folder": str(folder), "places": {str(kept): str(tmp_path / "other")}, "copies": []}
    ]
    (tmp_path / "answers.jsonl").write_text("")
    done = subprocess.run(
        [sys.executable, PROGRAMS / "tasks_judge.py", "answers.jsonl", "results.jsonl", "metrics.json"],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HONING_TASKS": json.dumps(plan)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "cannot place a folder" in done.stderr
    assert (kept / "precious.txt").read_text() == "stay"
    assert (folder / "tests" / "test.sh").is_file()
