"""`hone measure`, `contract`, `demo` and `reverify` as a user meets them: documents, exit codes, resume."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from honing.llm import Fault, FaultKind, ModelReply, ModelRequest, ScriptedModel, ScriptedServer, Usage


def hone(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **environ}
    command = [sys.executable, "-W", "error", "-m", "honing", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document on stdout."""
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a data set of forty sums in `data`."""
    (tmp_path / "data").mkdir()
    rows = [{"question": f"What is {i} + {i}?", "answer": f"#### {2 * i}"} for i in range(40)]
    (tmp_path / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_json_is_one_document_and_progress_stays_on_stderr(folder: Path) -> None:
    done = hone(folder, "measure", "data", "--llm", "scripted/perfect", "--mode", "full", "--json")

    metrics = document(done)
    assert done.returncode == 0
    assert (metrics["ok"], metrics["score"], metrics["n_scored"]) == (True, 1.0, 40)
    assert "calibrate" in done.stderr


def test_quiet_prints_nothing_but_the_result(folder: Path) -> None:
    assert hone(folder, "-q", "measure", "data", "--llm", "scripted/perfect", "--json").stderr == ""


def test_a_model_that_is_not_named_is_a_usage_error(folder: Path) -> None:
    done = hone(folder, "measure", "data")

    assert (done.returncode, done.stdout) == (2, "")
    assert "no model is named. Give --llm MODEL" in done.stderr


def test_every_end_is_one_document(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / "notes.txt").write_text("nothing to run here\n")
    ask = ("--llm", "scripted/perfect", "--json")
    gap = hone(folder, "measure", "empty", *ask)
    gone = hone(folder, "measure", "nowhere", *ask)
    misuse = hone(folder, "measure", "data", "--json")
    dry = hone(folder, "measure", "empty", *ask, "--dry-run")
    many = hone(folder, "measure", "empty", "nowhere", *ask)

    told = [(done.returncode, found["ok"], found["level"], found["failure"]["kind"])
            for done in (gap, gone, misuse, dry) for found in [document(done)]]  # fmt: skip
    assert told == [
        (1, False, "L0", "no_contract"),
        (1, False, None, "target"),
        (2, False, None, "usage"),
        (1, False, "L0", "no_contract"),
    ]
    written = json.loads((Path(document(gap)["run"]) / "metrics.json").read_text())
    assert (written["reason"], written["level"]) == (document(gap)["reason"], "L0")
    several = document(many)["targets"]
    assert [one["metrics"]["failure"]["kind"] for one in several] == ["no_contract", "target"]
    assert "Traceback" not in gap.stderr + gone.stderr + misuse.stderr + dry.stderr + many.stderr


def test_a_missing_key_names_the_variable_to_set(folder: Path) -> None:
    done = hone(folder, "measure", "data", "--llm", "gpt-4o-mini")

    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("measure", "nowhere", "--llm", "scripted/perfect"), "no such folder"),
        (("measure", "data", "--llm", "scripted/best"), "scripted models are"),
        (("measure", "data", "--llm", "scripted/perfect", "--mode", "ful"), "--mode is smoke or full"),
        (("measure", "data", "--llm", "scripted/perfect", "--env", "X"), "--env takes KEY=VALUE"),
        (("measure", "data", "--llm", "scripted/perfect", "--split", "dev"), "no table has split 'dev'"),
        (("measure", "data", "--llm", "x", "--replay", "gone.jsonl"), "gone.jsonl"),
        (("measure", "data", "--samples", "gone.jsonl"), "cannot be read"),
        (("reverify", "latest"), "no run named 'latest'"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_bad_input_gets_a_sentence_and_no_stack_trace(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = hone(folder, *arguments)

    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_asks_nothing(folder: Path) -> None:
    with ScriptedServer(ScriptedModel(lambda _: "0")) as server:
        done = hone(
            folder, "measure", "data", "--llm", "gpt-4o-mini", "--mode", "full", "--dry-run", "--json",
            OPENAI_BASE_URL=f"{server.base_url}/v1", OPENAI_API_KEY="none",
        )  # fmt: skip
        asked = len(server.requests)

    forecast = document(done)
    assert (done.returncode, asked) == (0, 0)
    assert (forecast["calls"], forecast["rows"], forecast["population"]) == (40, 40, 40)
    assert forecast["cost_usd"] > 0
    assert (forecast["level_reachable"], forecast["would_stop"]) == ("L5", "")


def test_a_budget_stops_with_code_4_and_the_same_command_goes_on(folder: Path) -> None:
    def answer(request: ModelRequest) -> ModelReply:
        return ModelReply(text="#### 0", usage=Usage(input_tokens=10, output_tokens=10))

    with ScriptedServer(ScriptedModel(answer)) as server:
        environ = {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "none"}
        common = ("measure", "data", "--llm", "m", "--mode", "full", "--max-connections", "1", "--json")
        stopped = hone(folder, *common, "--token-limit", "200", **environ)
        before = len(server.requests)
        done = hone(folder, *common, "--token-limit", "5000", **environ)
        after = len(server.requests)

    told = document(stopped)
    assert (stopped.returncode, told["ok"], told["score"], told["level"]) == (4, False, None, "L5")
    assert (told["failure"]["kind"], Path(told["run"]).parent) == ("budget", folder / "runs")
    assert "budget" in stopped.stderr
    assert 10 <= before < 20
    assert (done.returncode, document(done)["n_scored"], after) == (0, 40, 40)


def test_failures_of_the_server_withhold_the_score_and_only_they_are_asked_again(folder: Path) -> None:
    gold = ScriptedModel(lambda request: f"#### {2 * int(request.messages[-1].text.split()[2])}")
    common = ("measure", "data", "--llm", "m", "--mode", "full", "--max-connections", "1", "--json")
    with ScriptedServer(gold, faults=[None] * 20 + [Fault(kind=FaultKind.UNAUTHORIZED)] * 20) as server:
        environ = {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "none"}
        withheld = hone(folder, *common, **environ)
        first = len(server.requests)
        done = hone(folder, *common, **environ)
        second = len(server.requests) - first

    assert withheld.returncode == 1
    assert document(withheld)["score"] is None
    assert document(withheld)["outcomes"]["infra_error"] == 20
    assert "ModelAuthenticationError" in document(withheld)["reason"]
    assert (first, second) == (40, 20)
    assert (done.returncode, document(done)["score"]) == (0, 1.0)


def test_the_demo_tells_three_models_apart(folder: Path) -> None:
    found = document(hone(folder, "-q", "demo", "--measure", "--json"))
    perfect, skilled, empty = found["models"]

    assert (perfect["score"], empty["score"]) == (1.0, 0.0)
    assert skilled["ci95"][0] < 0.6 < skilled["ci95"][1]
    assert {one["label"] for one in found["models"]} == {"calibrated"}
    page = Path(folder / found["page"]).read_text()
    assert "scripted/skilled-0.6" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_contract_check_names_the_line(folder: Path) -> None:
    (folder / "data" / ".honing").mkdir()
    (folder / "data" / ".honing" / "contract.yaml").write_text("schema: 1\nstages:\n  evaluat: {}\n")
    done = hone(folder, "contract", "check", "data", "--json")

    assert done.returncode == 1
    assert (
        "contract.yaml:3: unknown key 'stages.evaluat'; did you mean 'evaluate'?" in document(done)["reason"]
    )


def test_a_derived_contract_written_by_init_measures_the_same(folder: Path) -> None:
    derived = document(hone(folder, "-q", "measure", "data", "--llm", "scripted/skilled-0.6", "--json"))
    written = hone(folder, "contract", "init", "data")
    again = document(hone(folder, "-q", "measure", "data", "--llm", "scripted/skilled-0.6", "--json"))

    assert written.returncode == 0
    assert (again["score"], again["contract_hash"]) == (derived["score"], derived["contract_hash"])


def test_reverify_agrees_with_what_was_stored(folder: Path) -> None:
    measured = document(hone(folder, "-q", "measure", "data", "--llm", "scripted/skilled-0.6", "--json"))
    done = hone(folder, "reverify", "latest", "--json")

    assert done.returncode == 0
    assert (document(done)["score"], document(done)["changed"]) == (measured["score"], [])


def test_a_folder_of_runs_is_ignored_by_git(folder: Path) -> None:
    hone(folder, "-q", "measure", "data", "--llm", "scripted/empty", "--json")

    assert (folder / "runs" / ".gitignore").read_text().splitlines()[-1] == "*"


def test_contract_init_writes_a_template_that_uses_the_oracle_that_lies_there(folder: Path) -> None:
    (folder / "bench").mkdir()
    (folder / "bench" / "oracle.jsonl").write_text('{"match": "a?", "completion": "b"}\n')
    written = hone(folder, "contract", "init", "bench")
    done = hone(folder, "contract", "check", "bench", "--json")

    assert (written.returncode, done.returncode) == (0, 0)
    assert document(done)["rows"] == 1
    assert "\noracle: {file: oracle.jsonl}\n" in (folder / "bench" / ".honing" / "contract.yaml").read_text()


def test_contract_errors_name_the_readers_own_file(folder: Path) -> None:
    (folder / "data" / ".honing").mkdir()
    (folder / "data" / ".honing" / "contract.yaml").write_text("schema: 1\nnames: x\n")
    checked = hone(folder, "contract", "check", "data")
    measured = hone(folder, "measure", "data", "--llm", "scripted/perfect")

    assert "data/.honing/contract.yaml:2: unknown key 'names'; did you mean 'name'?" in checked.stdout
    assert "error: data/.honing/contract.yaml:2: unknown key 'names'" in measured.stderr
