"""`hone doctor`: what it finds, and that it says how to fix the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hone_process import Hone

from honing.cli.checks import Check, Status, run_checks
from honing.cli.printing import visible
from honing.settings import load_settings


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def checks_with(
    tmp_path: Path, environ: dict[str, str] | None = None, **flags: str
) -> dict[tuple[str, str], Check]:
    settings = load_settings(environ=environ or {}, flags=flags, cwd=tmp_path)
    found = run_checks(settings, {"PATH": str(tmp_path / "bin"), **(environ or {})})
    return {(check.group, check.name): check for check in found}


def test_a_machine_that_can_run_the_base_jobs_is_ready(hone: Hone) -> None:
    ended = hone("doctor", "--json")

    document = json.loads(ended.out)
    by_name = {(check["group"], check["name"]): check for check in document["checks"]}
    assert (ended.code, document["ready"]) == (0, True)
    assert [c for c in document["checks"] if c["status"] == "missing"] == []
    assert by_name["base", "python"]["detail"].startswith(sys.version.split()[0])
    assert "typer " in by_name["base", "packages"]["detail"]
    assert by_name["sandbox", "in use"]["detail"].split()[0] in {"bubblewrap", "landlock"}
    assert {check["status"] for check in document["checks"]} <= {"ready", "absent"}


def test_everything_that_is_not_ready_says_how_to_fix_it(tmp_path: Path) -> None:
    checks = checks_with(tmp_path)

    lacking = [check for check in checks.values() if check.status is not Status.READY and check.name != "GPU"]
    assert lacking
    assert [check.name for check in lacking if not check.fix] == []
    assert [check.name for check in checks.values() if check.status is Status.READY and check.fix] == []


def test_a_runs_folder_that_cannot_be_made_exits_3_and_says_so(hone: Hone) -> None:
    (hone.folder / "file").write_text("not a folder")

    ended = hone("doctor", "--home", "file/runs")

    assert ended.code == 3
    assert f"  MISSING  runs folder         {hone.folder / 'file' / 'runs'}: " in ended.out
    assert f"fix: make {hone.folder / 'file'} a folder you may write in, or set HONING_HOME" in ended.out
    assert ended.out.endswith("not ready: runs folder\n")


def test_programs_are_found_on_the_path_that_was_given(tmp_path: Path) -> None:
    program(tmp_path / "bin", "codex", "exit 9")

    checks = checks_with(tmp_path)

    assert checks["agents", "codex"] == Check(
        group="agents",
        name="codex",
        status=Status.READY,
        detail=f"unknown version, tested with 0.169.0: {tmp_path / 'bin' / 'codex'}",
    )
    assert checks["agents", "claude_code"] == Check(
        group="agents",
        name="claude_code",
        status=Status.ABSENT,
        detail="not found; tested with 2.1.329",
        fix="npm install -g @anthropic-ai/claude-code@2.1.329, or `make agents`",
    )


@pytest.mark.parametrize(
    ("version", "said"),
    [("0.169.0-linux-x64", "0.169.0 (as tested)"), ("0.170.2", "0.170.2, tested with 0.169.0")],
)
def test_an_agents_version_is_read_from_its_package_beside_the_tested_one(
    tmp_path: Path, version: str, said: str
) -> None:
    package = tmp_path / "agents/node_modules/@openai/codex-linux-x64"
    native = package / "vendor/x/bin"
    native.mkdir(parents=True)
    program(native, "codex", "touch /tmp/was-started")
    (package / "package.json").write_text(json.dumps({"name": "@openai/codex", "version": version}))

    check = checks_with(tmp_path, {"HONING_AGENTS": str(tmp_path / "agents")})["agents", "codex"]

    assert (check.status, check.detail) == (Status.READY, f"{said}: {native / 'codex'}")


@pytest.mark.parametrize(
    ("script", "environ", "status", "detail"),
    [
        (
            "echo 'GPU 0: NVIDIA X (UUID: GPU-12-34)'; echo 'GPU 1: NVIDIA X (UUID: GPU-5)'",
            {},
            Status.READY,
            "GPU 0: NVIDIA X, GPU 1: NVIDIA X",
        ),
        (
            "echo 'GPU 0: NVIDIA X (UUID: GPU-12-34)'",
            {"CUDA_VISIBLE_DEVICES": ""},
            Status.READY,
            "GPU 0: NVIDIA X (CUDA_VISIBLE_DEVICES='')",
        ),
        ("echo 'no driver'; exit 9", {}, Status.ABSENT, "nvidia-smi lists no device"),
        ("printf '\\377\\376'", {}, Status.ABSENT, "nvidia-smi lists no device"),
    ],
    ids=["two devices", "hidden by a variable", "no driver", "garbage"],
)
def test_a_gpu_is_what_its_own_tool_lists(
    tmp_path: Path, script: str, environ: dict[str, str], status: Status, detail: str
) -> None:
    program(tmp_path / "bin", "nvidia-smi", script)

    check = checks_with(tmp_path, environ)["hardware", "GPU"]

    assert (check.status, check.detail) == (status, detail)


def test_a_key_is_present_or_not_and_its_origin_is_named(tmp_path: Path) -> None:
    checks = checks_with(tmp_path, {"ANTHROPIC_API_KEY": "sk-x", "OPENAI_BASE_URL": "http://u:p@h:1/v1"})

    assert checks["models", "Anthropic key"].detail == "set by ANTHROPIC_API_KEY"
    assert checks["models", "OpenAI key"].detail == "not set"
    assert checks["models", "openai base url"].detail == "http://...@h:1/v1, set by OPENAI_BASE_URL"


def test_an_extra_lists_its_packages_with_versions_and_what_is_missing(tmp_path: Path) -> None:
    checks = checks_with(tmp_path)

    teach, hf = checks["extras", "teach"], checks["extras", "hf"]
    assert hf.detail.startswith("pyarrow ")
    assert ("torch" in teach.detail, "minigrid" in teach.detail) == (True, True)
    assert (teach.status is Status.READY) == ("missing:" not in teach.detail)
    assert ("extras", "dev") not in checks


def test_a_sandbox_that_must_be_asked_for_is_accepted_only_when_asked_for(tmp_path: Path) -> None:
    automatic = checks_with(tmp_path)["sandbox", "in use"]
    asked = checks_with(tmp_path, **{"sandbox.kind": "unconfined"})["sandbox", "in use"]

    assert (automatic.status, "unconfined" in automatic.detail) == (Status.READY, False)
    assert (asked.status, asked.detail) == (Status.READY, "unconfined (asked for: unconfined)")


@pytest.mark.parametrize("columns", [40, 71, 72, 160])
def test_the_page_fits_the_terminal(hone: Hone, columns: int) -> None:
    ended = hone("doctor", environ={"COLUMNS": str(columns), "PATH": f"{hone.folder}:{os.defpath}"})

    assert max(map(len, ended.out.splitlines())) <= columns
    assert "ready" in ended.out.splitlines()[-1]


def test_tsv_has_one_line_for_each_check(hone: Hone) -> None:
    header, *lines = hone("doctor", "--tsv").out.splitlines()

    assert header.split("\t") == ["group", "name", "status", "detail", "fix"]
    assert {len(line.split("\t")) for line in lines} == {5}


def test_text_from_programs_cannot_act_on_the_terminal() -> None:
    assert visible("a\x1b[2Jb\r\u200b\u2066c\nd", keep="\n") == "a\\u001b[2Jb\\u000d\\u200b\\u2066c\nd"


TOLD = """case "$1" in
-L) echo 'GPU 0: NVIDIA X (UUID: GPU-12)' ;;
*) printf '0, GPU-12, 24564\\n1, GPU-345, 16376\\n2, GPU-6, [N/A]\\n' ;;
esac"""


@pytest.mark.parametrize(
    ("visible", "status", "said"),
    [
        ("0", Status.READY, "GPU memory 24 GiB: trains 7-8B instruct, for example Qwen/Qwen2.5-7B-Instruct"),
        ("1", Status.READY, "GPU memory 16 GiB: trains 3B instruct, for example Qwen/Qwen2.5-3B-Instruct"),
        (None, Status.READY, "GPU memory 16 GiB: trains 3B instruct, for example Qwen/Qwen2.5-3B-Instruct"),
        (
            "GPU-12,1",
            Status.READY,
            "GPU memory 16 GiB: trains 3B instruct, for example Qwen/Qwen2.5-3B-Instruct",
        ),
        (
            "2",
            Status.ABSENT,
            "no GPU whose memory is known: trains pilots, and the warm-started tiny student",
        ),
        ("", Status.ABSENT, "no GPU whose memory is known: trains pilots, and the warm-started tiny student"),
    ],
)
def test_the_students_that_fit_follow_the_memory_of_the_visible_gpus(
    tmp_path: Path, visible: str | None, status: Status, said: str
) -> None:
    program(tmp_path / "bin", "nvidia-smi", TOLD)

    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    check = checks_with(tmp_path, environ)["hardware", "student"]

    assert (check.status, check.detail) == (status, said)
    assert bool(check.fix) == (status is Status.ABSENT)


def test_without_a_gpu_pilots_can_be_trained_and_no_torch_is_loaded(tmp_path: Path) -> None:
    check = checks_with(tmp_path)["hardware", "student"]

    assert check == Check(
        group="hardware",
        name="student",
        status=Status.ABSENT,
        detail="no GPU whose memory is known: trains pilots, and the warm-started tiny student",
        fix="full training takes a GPU: 16 GB for 3B, 24 GB for 7-8B instruct models",
    )
    code = (
        "import sys; from honing.learn import student_size; student_size(None); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
