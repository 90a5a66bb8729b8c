"""Placeholders: what must be filled in, with the kind of what belongs there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import in_readme


@pytest.mark.parametrize(
    ("argument", "kind", "text", "choices"),
    [
        ("--dataset [easy|hard]", "choice", "[easy|hard]", ("easy", "hard")),
        ("--dataset {easy|hard|...}", "choice", "{easy|hard|...}", ("easy", "hard")),
        ("--dataset {easy,hard}", "choice", "{easy,hard}", ("easy", "hard")),
        ("--env <east/west>", "choice", "<east/west>", ("east", "west")),
        ("--backend one|two", "choice", "one|two", ("one", "two")),
        ("--model <model>", "model", "<model>", ()),
        ("--name {model_name}", "model", "{model_name}", ()),
        ("--name {model_name --fast", "model", "{model_name", ()),
        ('--model "some/model-7B"', "model", "some/model-7B", ()),
        ("--model_name=gpt-4", "model", "gpt-4", ()),
        ("client.model_id=gpt-4", "model", "gpt-4", ()),
        ("--name $MODEL", "model", "$MODEL", ()),
        ("--name ${MODEL}", "model", "${MODEL}", ()),
        ("--base-url http://localhost:8000/v1", "base_url", "http://localhost:8000/v1", ()),
        ("--api-key KEY", "key", "KEY", ()),
        ("--secret YOUR_KEY", "key", "YOUR_KEY", ()),
        ("--x $OPENAI_API_KEY", "key", "$OPENAI_API_KEY", ()),
        ("--samples samples.jsonl", "samples", "samples.jsonl", ()),
        ("path/to/samples.jsonl", "samples", "path/to/samples.jsonl", ()),
        ("--results-path <the path to your results file here>", "samples",
         "<the path to your results file here>", ()),
        ("--input /path/to/data.csv", "path", "/path/to/data.csv", ()),
        ("--config configs/your_config.yaml", "path", "configs/your_config.yaml", ()),
        ("[gold file]", "path", "[gold file]", ()),
        ("--output-dir results/", "output", "results/", ()),
        ("--root [result_path]", "output", "[result_path]", ()),
        ("--limit 10", "limit", "10", ()),
        ("--num-samples 10", "limit", "10", ()),
        ("--limit <NUMBER_PROBLEMS>", "limit", "<NUMBER_PROBLEMS>", ()),
        ("--device <GPU_ID>", "number", "<GPU_ID>", ()),
        ("--tp [TENSOR_PARALLEL_SIZE]", "number", "[TENSOR_PARALLEL_SIZE]", ()),
        ("[OPTIONS]", "text", "[OPTIONS]", ()),
        ("--prompt <PROMPT>", "text", "<PROMPT>", ()),
        ("--fast ...", "text", "...", ()),
        ("--samples /runs/a-[??]b_[??]", "samples", "/runs/a-[??]b_[??]", ()),
    ],
)  # fmt: skip
def test_a_placeholder_is_recognised_and_typed(
    tmp_path: Path, argument: str, kind: str, text: str, choices: tuple[str, ...]
) -> None:
    (hint,) = in_readme(tmp_path, f"python run.py {argument}", {"run.py": ""})

    (one,) = hint.placeholders
    assert (one.kind.value, one.text, one.choices) == (kind, text, choices)
    assert hint.command[one.start : one.end] == text


@pytest.mark.parametrize(
    "command",
    [
        "python run.py --dataset easy --seed 3",
        "cp data/{train,test}.jsonl there",
        "python run.py --k {1..5}",
        "pip install bench[extra] '.[test]'",
        "python run.py file[0-9].txt",
        "[ -f run.py ] && python run.py || exit 1",
        "python run.py <in.txt >out.txt",
        "python run.py --config there.yaml",
        "for m in a b; do python run.py --name $m; done",
        "python run.py --home $HOME",
        "git commit -m message",
        "python run.py --x '$LITERAL'",
        "cat names|sort",
    ],
)
def test_what_a_shell_or_a_reader_takes_as_it_is_is_no_placeholder(tmp_path: Path, command: str) -> None:
    found = in_readme(tmp_path, command, {"run.py": "", "there.yaml": ""})

    assert [hint.placeholders for hint in found] == [()]


def test_concrete_values_stay_as_defaults_and_names_are_unique(tmp_path: Path) -> None:
    command = "python run.py --model gpt-4 --user-model gpt-5 --model <M> --samples out/samples.jsonl"

    (hint,) = in_readme(tmp_path, command, {"run.py": ""})

    assert [(one.name, one.option, one.default) for one in hint.placeholders] == [
        ("model", "--model", "gpt-4"),
        ("user_model", "--user-model", "gpt-5"),
        ("model_2", "--model", None),
        ("samples", "--samples", "out/samples.jsonl"),
    ]


def test_a_variable_that_the_text_sets_is_no_placeholder(tmp_path: Path) -> None:
    set_before, unset = in_readme(
        tmp_path, "MODEL=tiny\npython run.py --name $MODEL\npython run.py --name $OTHER", {"run.py": ""}
    )

    assert set_before.placeholders == ()
    assert [one.text for one in unset.placeholders] == ["$OTHER"]


def test_the_options_of_well_known_programs_name_no_model(tmp_path: Path) -> None:
    (hint,) = in_readme(tmp_path, "docker build --model x -o out .")

    assert hint.placeholders == ()
