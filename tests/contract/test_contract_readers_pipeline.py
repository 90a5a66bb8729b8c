"""pipeline.yml and bootstrap.yml, version 1, read and run as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign_targets import PIPELINE, ROWS, jsonl, pipeline_target, write

from honing.contract import Mode, RolloutOptions, SetupOptions, dump_contract, setup
from honing.contract.readers import Foreign, ForeignGap, Note, read_foreign
from honing.contract.spec_file import parse_contract
from honing.errors import ContractError
from honing.sandbox import Network

WHOLE = """
version: 1
security: {mode: system, allowlist: ["^(python3|echo|test) "], max_cmd_seconds: 90, max_total_seconds: 500}
tests: {cmds: ["test -f ask.py"], timeout_seconds: 30}
auth: {steps: ["echo key"], interactive: true}
deploy:
  setup_cmds: ["echo up"]
  health_cmds: ["test 1 = 1"]
  teardown_cmds: ["echo down"]
  teardown_policy: on_failure
  kubectl_dump: {enabled: true}
  retries: 2
rollout:
  run_cmds: ["python3 ask.py"]
  retries: 1
  env: {MODE: fast, FLAG: true}
evaluation:
  run_cmds: ["python3 judge.py"]
  metrics_path: out/metrics.json
  required_keys: [ok, score]
  workdir: sub
benchmark: {run_cmds: ["echo more"]}
artifacts: {out_dir: kept}
tooling: {anything: 1}
"""


def read(folder: Path) -> Foreign:
    found = read_foreign(folder)
    assert isinstance(found, Foreign)
    return found


def test_a_pipeline_opens_unchanged_and_is_measured(tmp_path: Path) -> None:
    gold = [{"match": row["question"], "completion": row["answer"]} for row in ROWS]
    (tmp_path / "gold.jsonl").write_text(jsonl(gold))
    options = SetupOptions(home=tmp_path / "runs", oracle=tmp_path / "gold.jsonl")
    with setup(pipeline_target(tmp_path / "target"), options) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL))
        result = session.evaluate()

    assert (result.ok, result.score, result.metrics["level"]) == (True, 1.0, "L5")
    assert (result.metrics["n_planned"], result.metrics["n_scored"]) == (12, 12)
    assert (result.metrics["calibration"]["null"], result.metrics["calibration"]["shuffled"]) == (0.0, 0.0)


def test_every_part_of_a_pipeline_is_carried(tmp_path: Path) -> None:
    folder = pipeline_target(tmp_path / "target", WHOLE, **{"sub/x": ""})
    stages = read(folder).spec.stages

    assert stages.tests.commands == ("test -f ask.py",)
    assert (stages.tests.timeout_s, stages.rollout.timeout_s) == (30.0, 90.0)
    assert stages.auth.commands == ("echo key",)
    assert stages.deploy.setup.commands[1:] == ("echo up",)
    assert stages.deploy.health.commands == ("test 1 = 1",)
    assert (stages.deploy.teardown.commands, stages.deploy.policy.value) == (("echo down",), "on_failure")
    assert (stages.deploy.setup.retries, stages.rollout.retries) == (2, 1)
    assert stages.rollout.commands[1:] == ("python3 ask.py",)
    assert stages.rollout.env["FLAG"] == "true"
    assert stages.rollout.env["AIDER_LLM_MODEL"] == "$HONING_MODEL"
    assert stages.rollout.env["AIDER_FSM_ARTIFACTS_DIR"] == "$HONING_TARGET/kept"
    assert stages.rollout.env["HOME_OF_DATA"] == "$HONING_TARGET/data"
    assert stages.evaluate.commands[1] == "cd sub || exit 1\npython3 judge.py"
    assert stages.evaluate.commands[-1] == "echo more"
    assert (stages.evaluate.metrics_path, stages.evaluate.workdir) == ("out/metrics.json", ".")
    assert stages.evaluate.required_keys == ("ok", "score")
    assert stages.bootstrap.commands[-1] == "echo ready > installed.txt"
    assert stages.bootstrap.network is Network.OPEN


def test_what_cannot_be_carried_is_noted_with_its_line(tmp_path: Path) -> None:
    notes = read(pipeline_target(tmp_path / "target", WHOLE)).notes

    assert [(note.anchor, note.text.split(";")[0].split(":")[0]) for note in notes] == [
        ("pipeline.yml:4", "auth asks a person"),
        ("pipeline.yml:10", "no cluster is dumped"),
        ("pipeline.yml:23", "deprecated, and without effect"),
        ("pipeline.yml:2", "commands run in Honing's sandbox all the same"),
        ("pipeline.yml:2", "a limit over all stages is the user's to set"),
        ("pipeline.yml:21", "the benchmark's commands run after the evaluation's"),
    ]


def test_every_part_has_its_anchor_and_the_contract_can_be_written_and_read(tmp_path: Path) -> None:
    found = read(pipeline_target(tmp_path / "target"))
    anchors = {one.part: one.anchor for one in found.spec.provenance if one.part.startswith("stages")}

    assert anchors == {
        "stages.bootstrap": ".aider_fsm/bootstrap.yml:3",
        "stages.tests": "pipeline.yml:3",
        "stages.deploy.setup": "pipeline.yml:4",
        "stages.deploy.health": "pipeline.yml:4",
        "stages.rollout": "pipeline.yml:6",
        "stages.evaluation": "pipeline.yml:11",
        "stages.evaluate.metrics_path": "pipeline.yml:12",
        "stages.evaluate.results": "pipeline.yml:5",
    }
    assert parse_contract(dump_contract(found.spec).encode(), source="x").digest == found.spec.digest


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "  run_cmds:\n",
            "  run_cmd:\n",
            r"pipeline.yml:6: unknown key 'rollout.run_cmd'; did you mean 'run_cmds'",
        ),
        (
            "evaluation:",
            "evaluations:",
            r"pipeline.yml:10: unknown key 'evaluations'; did you mean 'evaluation'",
        ),
        ("mode: safe", "mode: wild", r"pipeline.yml:2: security.mode must be 'safe' or 'system', got 'wild'"),
        ("300", "soon", r"pipeline.yml:8: rollout.timeout_seconds must be a number above 0, got 'soon'"),
        (
            "always}",
            "sometimes}",
            r"pipeline.yml:4: deploy.teardown_policy must be one of .* got 'sometimes'",
        ),
        ('"rm -rf /"', '"judge[.]py"', r"pipeline.yml:11: 'judge.py' is on the pipeline's own denylist"),
        ('"rm -rf /"', '"ask[.]py"', r"pipeline.yml:7: 'ask.py' is on the pipeline's own denylist"),
        ('"rm -rf /"', '"("', r"pipeline.yml:2: '\(' is not a regular expression"),
        (
            "denylist: [",
            'allowlist: ["^echo"], denylist: [',
            r"matches nothing on the pipeline's own allowlist",
        ),
        ("MINE: 7", "MINE: [7]", r"pipeline.yml:9: rollout.env.MINE must be a text or a number"),
    ],
    ids=[
        "a misspelt key of a stage",
        "a misspelt stage",
        "an unknown mode",
        "a time that is no number",
        "an unknown policy",
        "a command on the denylist",
        "a script with what is on the denylist",
        "a pattern that cannot be read",
        "a command off the allowlist",
        "a variable that is a list",
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in PIPELINE
    folder = pipeline_target(tmp_path / "target", PIPELINE.replace(before, after))

    with pytest.raises(ContractError, match=says):
        read_foreign(folder)


@pytest.mark.parametrize(
    ("bootstrap", "says"),
    [
        ("version: 1\ncmd: [a]\n", r"bootstrap.yml:2: unknown key 'cmd'; did you mean 'cmds'"),
        ("version: 1\ncmds:\n- {ran: a}\n", r"bootstrap.yml:3: unknown key 'cmds.0.ran'; did you mean 'run'"),
        ("version: 1\ncmds: [1]\n", r"bootstrap.yml:2: cmds.0 must be a command"),
    ],
    ids=["a misspelt key", "a misspelt key of a step", "a step that is a number"],
)
def test_a_fault_of_the_bootstrap_names_its_line(tmp_path: Path, bootstrap: str, says: str) -> None:
    folder = pipeline_target(tmp_path / "target", **{".aider_fsm/bootstrap.yml": bootstrap})

    with pytest.raises(ContractError, match=says):
        read_foreign(folder)


def test_a_wrapped_bootstrap_is_read(tmp_path: Path) -> None:
    wrapped = "version: 1\nboot:\n  steps: [echo a]\n  env: {A: 1}\n  retries: 2\n"
    folder = pipeline_target(tmp_path / "target", **{".aider_fsm/bootstrap.yml": wrapped})
    found = read(folder)

    assert found.spec.stages.bootstrap.commands[-1] == "echo a"
    assert (found.spec.stages.bootstrap.retries, found.spec.stages.tests.env["A"]) == (2, "1")
    assert found.notes[0] == Note(
        ".aider_fsm/bootstrap.yml:2", "what stands below 'boot' is read as the bootstrap"
    )


@pytest.mark.parametrize(
    "text",
    [
        "trigger: main\npool: {vmImage: x}\nsteps: [{script: a}]\n",
        "version: 2\nrollout: {}\n",
        "{{ template }}\n",
    ],
    ids=["another tool's", "another version", "no YAML"],
)
def test_a_pipeline_of_another_kind_is_left_alone(tmp_path: Path, text: str) -> None:
    assert read_foreign(write(tmp_path, {"pipeline.yml": text})) is None


@pytest.mark.parametrize(
    ("pipeline", "closes"),
    [
        ("version: 1\nevaluation: {run_cmds: [a]}\n", "rollout.run_cmds"),
        ("version: 1\nrollout: {run_cmds: [a]}\n", "evaluation.run_cmds"),
    ],
    ids=["nobody asks", "nobody judges"],
)
def test_a_pipeline_that_cannot_measure_is_a_gap(tmp_path: Path, pipeline: str, closes: str) -> None:
    found = read_foreign(write(tmp_path, {"pipeline.yml": pipeline}))

    assert isinstance(found, ForeignGap)
    assert (found.kind, found.closes) == ("pipeline.yml", closes)


def test_a_benchmark_alone_asks_and_judges(tmp_path: Path) -> None:
    text = "version: 1\nbenchmark: {run_cmds: [python3 all.py], metrics_path: m.json, workdir: sub}\n"
    stages = read(write(tmp_path, {"pipeline.yml": text})).spec.stages

    assert stages.benchmark.commands[1] == "cd sub || exit 1\npython3 all.py"
    assert (stages.rollout.commands, stages.evaluate.commands) == ((), ())
    assert stages.evaluate.metrics_path == "m.json"
