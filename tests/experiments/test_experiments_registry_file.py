"""experiments.yaml: read strictly, every problem at its line; commands planned before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from registry_scene import WRITES, scene_of

from honing.errors import RegistryError, UsageError
from honing.experiments import (
    ExperimentMode,
    ExperimentOptions,
    forecast_experiment,
    load_registry,
    plan_experiment,
    registry_schema,
)
from honing.experiments.registry.evidence import fill, placeholders
from honing.experiments.registry.planning import split_words

OWN = Path(__file__).parents[2] / "experiments.yaml"
DATA = """\
schema: 1
data:
  words: {sentence: A list of words., default: words.txt}
  model: {sentence: A model., must_exist: false}
experiments:
  - id: E1
    name: reads data
    category: Tests
    commands:
      smoke: {run: "python program.py {words} '{model}' {{x}} {run}", time_limit_s: 5}
      full: {commands: ["python a.py", {run: "cat {words} | wc", shell: true}], done: ['output == ["1"]']}
    env: {FROM: "{words}"}
    done: [exists(output)]
"""


def read(text: str, folder: Path) -> None:
    path = folder / "experiments.yaml"
    path.write_text(text)
    load_registry(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("goal:", "gaol:"), "experiments.yaml:8: unknown key 'experiments.0.gaol'; did you mean 'goal'?"),
        (("smoke:", "smok:"), "unknown key 'experiments.0.commands.smok'; did you mean 'smoke'?"),
        (("metrics.ok == true", "metrics.ok("), ":14: experiments.0.done.1: 'metrics.ok(' cannot be read"),
        (("metrics.ok == true", "open(x)"), "only these functions can be called"),
        (
            ("{run}/metrics.json\n", "{runs}/x\n"),
            ":10: E1: {runs} stands for nothing; there are home, id, mode, results, root, run.",
        ),
        (("done: [", "notes: ["), "got ['rollout_ok'"),
        (("id: E1", "id: ../E1"), ":3: experiments.0.id: string should match pattern"),
        (("category: Tests", ""), "experiments.0.category: field required"),
        (("schema: 1", "schema: 2"), ":1: schema: input should be 1"),
    ],
    ids=["key", "mode", "syntax", "call", "placeholder", "kind", "id", "missing", "schema"],
)
def test_a_fault_is_named_with_its_line(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    text = WRITES.replace("    commands:", "    goal: none\n    commands:")
    assert change[0] in text

    with pytest.raises(RegistryError) as caught:
        read(text.replace(*change, 1), tmp_path)

    assert told in str(caught.value)


def test_every_fault_that_only_the_whole_file_shows_is_listed(tmp_path: Path) -> None:
    row = "  - {id: %s, name: n, category: c, commands: {smoke: %s}}\n"
    text = "data:\n  run: {sentence: x}\nexperiments:\n" + row % ("A", "ls") + row % ("a", "ls")

    with pytest.raises(RegistryError) as caught:
        read(text, tmp_path)

    lines = [line.partition("experiments.yaml:")[2] for line in str(caught.value).splitlines()]
    assert [line[:30] for line in lines] == [
        "2: data.run: a placeholder of ",
        "4: A: the mode smoke has no do",
        "5: the id 'a' stands twice; th",
        "5: a: the mode smoke has no do",
    ]


def test_an_unknown_experiment_is_answered_with_the_nearest(tmp_path: Path) -> None:
    file = scene_of(tmp_path).file()

    with pytest.raises(RegistryError, match="no experiment 'E2'; there are E1"):
        file.find("E2")
    with pytest.raises(RegistryError, match="no experiment 'E11'; did you mean 'E1'"):
        file.find("E11")

    assert file.find("e1").name == "writes a score"


def test_a_registry_that_is_missing_or_no_mapping_says_so(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"experiments\.yaml: cannot be read"):
        load_registry(tmp_path / "experiments.yaml")
    with pytest.raises(RegistryError, match="a registry is a mapping, got list"):
        read("- a\n", tmp_path)


def test_placeholders_are_filled_after_words_are_split_so_a_path_stays_one_word(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, DATA)
    folder = scene.folder / "two words"
    folder.mkdir()
    (folder / "list.txt").write_text("a\n")
    plan = scene.plan(values={"words": str(folder / "list.txt"), "model": "a model"})

    found = forecast_experiment(plan)

    words = [sys.executable, "program.py", str(folder / "list.txt"), "a model", "{x}"]
    assert found["commands"] == [[*words, str(tmp_path / "runs" / "E1-smoke")]]
    assert found["variables"] == {"FROM": str(folder / "list.txt")}
    assert (found["time_s_at_most"], found["signals"]) == (5.0, ["exists(output)"])
    assert not (tmp_path / "runs").exists()


def test_a_mode_may_have_several_commands_and_signals_of_its_own(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, DATA)
    (tmp_path / "words.txt").write_text("a\n")

    found = forecast_experiment(scene.plan(mode=ExperimentMode.FULL, values={"model": "m"}))

    shell = ["bash", "-c", f"cat {tmp_path / 'words.txt'} | wc"]
    assert found["commands"] == [[sys.executable, "a.py"], shell]
    assert found["signals"] == ["exists(output)", 'output == ["1"]']


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"words": "."}, r"\{model\} is needed: A model\. Give it with --set model=VALUE"),
        ({"model": "m", "wrods": "x"}, "names no data 'wrods'; there are words, model"),
        ({"model": "m", "words": "gone.txt"}, r"gone\.txt: not there\. A list of words\. Give it with --set"),
        ({"model": "m"}, r"words\.txt: not there"),
    ],
    ids=["needed", "unknown", "given path", "default path"],
)
def test_missing_data_is_a_clear_error_before_anything_starts(
    values: dict[str, str], told: str, tmp_path: Path
) -> None:
    scene = scene_of(tmp_path, DATA)

    with pytest.raises(UsageError, match=told):
        scene.plan(values=values)

    assert not (tmp_path / "runs").exists()


def test_a_row_without_the_mode_says_which_it_has(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)

    with pytest.raises(RegistryError, match="E1 has no mode full; it has smoke"):
        scene.plan(mode=ExperimentMode.FULL)


@pytest.mark.parametrize("command", ["a | b", "a && b", "a > file", "a ; b", "'open", ""])
def test_what_needs_a_shell_is_refused_without_one(command: str) -> None:
    with pytest.raises(RegistryError):
        split_words(command)


def test_braces_are_doubled_to_stand_for_themselves() -> None:
    assert fill("{{a}} {b}", {"b": "{c}"}) == "{a} {c}"
    assert placeholders("{{a}} {b} {b}") == {"b"}


def test_the_schema_explains_every_key_of_a_row() -> None:
    row = registry_schema()["$defs"]["Experiment"]["properties"]

    assert row["metrics"]["description"] == "What is read and shown, whatever it comes to."
    assert {"goal", "baseline", "resources", "outputs", "notes", "category", "recorded", "done"} <= set(row)


def test_the_registry_of_this_repository_can_be_read_and_every_mode_planned(tmp_path: Path) -> None:
    file = load_registry(OWN)
    data = file.registry.data
    values = {name: str(tmp_path) if spec.must_exist else "any" for name, spec in data.items()}
    options = ExperimentOptions(
        home=tmp_path / "runs", results=tmp_path / "results", environ={}, values=values
    )

    plans = [
        plan_experiment(file, row.id, mode, options)
        for row in file.registry.experiments
        for mode in row.modes
    ]

    assert {"Exp-001", "Exp-002", "Exp-003", "Exp-004"} <= {plan.experiment.id for plan in plans}
    assert all(plan.experiment.signals_of(plan.mode) for plan in plans)
