"""Which of several commands is run: one whose program asks, for all tasks, with the measured model."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import in_readme, made

from honing.contract.derive import Derived, contract_for

CLICK = """import click

@click.command()
@click.option("--model", type=click.Choice(CHOICES))
@click.option("--suite", "-s", "suites", multiple=True)
@click.option("--model-id", type=str)
def main(model, suites, model_id):
    import openai
"""
PAGE = "# Games\n\n## Run the benchmark\n\n```bash\n{}\n```\n"


def derived(folder: Path, commands: str, **files: str) -> Derived:
    written = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    return contract_for(made(folder, {"README.md": PAGE.format(commands), **written}))


def test_the_command_for_all_tasks_comes_before_the_one_for_some(tmp_path: Path) -> None:
    program = CLICK.replace("click.Choice(CHOICES)", "str")

    all_tasks = derived(
        tmp_path / "a",
        "python benchmark.py -s one --model x\npython benchmark.py --model x",
        benchmark=program,
    )
    some = derived(tmp_path / "b", "python benchmark.py -s one --model x", benchmark=program)

    assert all_tasks.spec.stages.benchmark.commands == ('python benchmark.py --model "$HONING_MODEL"',)
    assert some.spec.stages.benchmark.commands == ('python benchmark.py -s one --model "$HONING_MODEL"',)
    parts = [
        [one.part for one in which.spec.provenance if "only a part of the tasks (-s)" in one.why]
        for which in (all_tasks, some)
    ]
    assert parts == [[], ["stages.benchmark"]]


@pytest.mark.parametrize(
    ("choices", "command", "holes"),
    [
        ("['gpt-4', 'local']", 'python benchmark.py --model local --model-id "$HONING_MODEL"', []),
        (
            "['gpt-4', 'gpt-5']",
            'python benchmark.py --model {{model}} --model-id "$HONING_MODEL"',
            [("choice", ("gpt-4", "gpt-5"))],
        ),
        (
            "MODELS",
            'python benchmark.py --model {{model}} --model-id "$HONING_MODEL"',
            [("choice", ("...",))],
        ),
    ],
    ids=["one stands for any", "a fixed set", "a set that stands elsewhere"],
)
def test_a_fixed_set_of_models_is_no_place_for_another_model(
    choices: str, command: str, holes: list[object], tmp_path: Path
) -> None:
    spec = derived(
        tmp_path / "games", "python benchmark.py --model gpt-4", benchmark=CLICK.replace("CHOICES", choices)
    ).spec

    assert spec.stages.benchmark.commands == (command,)
    assert [(hole.kind.value, hole.choices) for hole in spec.holes] == holes


def test_a_program_asks_when_a_module_that_it_imports_does(tmp_path: Path) -> None:
    spec = derived(
        tmp_path / "games",
        "python -m games.benchmark --rounds 3",
        games____init__="",
        games__benchmark="from games import player\n",
        games__player="import litellm\n",
    ).spec

    assert spec.stages.benchmark.commands == ("python -m games.benchmark --rounds 3",)


def test_the_agent_that_is_given_decides_whether_anything_is_asked(tmp_path: Path) -> None:
    spec = derived(
        tmp_path / "games",
        "python benchmark.py --agent agents/dice.py\npython benchmark.py --agent agents/talker.py",
        benchmark="import players\n",
        players="import openai\n",
        agents__dice="import random\n",
        agents__talker="import llm\n",
    ).spec

    assert spec.stages.benchmark.commands == ("python benchmark.py --agent agents/talker.py",)


def test_a_program_that_evaluates_elsewhere_is_run_before_a_step_that_only_judges(tmp_path: Path) -> None:
    page = """# Talk

## Running

```bash
python run_talk.py --model gpt-4
```

## Evaluation

```bash
python run_talk.py --model gpt-4 --mode parallel
```

## Scores of the answers

```bash
python judge_scores.py
```
"""
    ask = "import openai\nparser.add_argument('--model')\n"
    target = made(tmp_path / "talk", {"README.md": page, "run_talk.py": ask, "judge_scores.py": ask})

    assert contract_for(target).spec.stages.benchmark.commands[0].startswith("python run_talk.py --model")


@pytest.mark.parametrize(
    "text",
    [
        "bench evaluate <flags>",
        "bench COMMAND",
        "bench evaluate - Judge a file of answers that a model gave.",
        '| | bench/tools.py", line 3 | | evaluation |',
    ],
    ids=["flags", "command", "help", "table"],
)
def test_help_signatures_and_tables_are_no_commands(text: str, tmp_path: Path) -> None:
    project = {"pyproject.toml": "[project]\nname = 'bench'\nscripts = {bench = 'bench:main'}\n"}

    assert in_readme(tmp_path / "a", text, project) == []
    assert len(in_readme(tmp_path / "b", "bench evaluate --answers a.jsonl", project)) == 1


@pytest.mark.parametrize(
    "option",
    ["--input_response_data", "--model-predictions-file", "--generations_data", "--model_responses_path"],
)
def test_options_for_files_of_answers_are_known(option: str, tmp_path: Path) -> None:
    (hint,) = in_readme(tmp_path, f"python judge.py {option} mine.jsonl", {"judge.py": ""})

    assert [(one.kind.value, one.text) for one in hint.placeholders] == [("samples", "mine.jsonl")]
