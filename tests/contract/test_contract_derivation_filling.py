"""Placeholders are filled in place; what nobody can know becomes a typed hole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from honing.contract.derivation.candidates import other_keys, split_by_traps
from honing.contract.derivation.filling import Wishes, end_of_command, fill
from honing.contract.derivation.holes import fill_holes
from honing.contract.hints import Hint, Placeholder, Role, Trap, TrapFound
from honing.contract.spec import ContractSpec, EvaluateSpec, HoleKind, HoleSpec, RolloutSpec, Stages
from honing.errors import UsageError


def hint(command: str, *, asks: bool = False, **kinds: HoleKind) -> Hint:
    """A command in which every `<name>` is a placeholder of the given kind, and `<name=text>` one whose text
    stands there already."""
    placeholders, plain = [], ""
    position = 0
    for match in re.finditer(r"<(\w+)(?:=([^>]*))?>", command):
        plain += command[position : match.start()]
        text = match[2] if match[2] is not None else f"<{match[1]}>"
        option = re.search(r"(--[\w-]+)[ =]['\"]?$", plain)
        kind = kinds[match[1]]
        choices = tuple(text.strip("[]").split("|")) if kind is HoleKind.CHOICE else ()
        placeholders.append(
            Placeholder(
                start=len(plain),
                end=len(plain) + len(text),
                text=text,
                kind=kind,
                name=match[1],
                choices=choices,
                option=option[1] if option else "",
                default=match[2] if kind is not HoleKind.CHOICE else None,
            )
        )
        plain += text
        position = match.end()
    plain += command[position:]
    return Hint(
        command=plain,
        role=Role.EVALUATE,
        anchor="README.md:3",
        source="readme",
        confidence=0.9,
        why="The heading above it says `evaluation`.",
        asks_model=asks,
        programs=(command.split()[0],),
        placeholders=tuple(placeholders),
    )


@pytest.mark.parametrize(
    ("command", "filled"),
    [
        ("bench --model <m>", 'bench --model "$HONING_MODEL"'),
        ('bench --model "<m=gpt-4>"', 'bench --model "${HONING_MODEL}"'),
        ("bench --model '<m=gpt-4>'", "bench --model ''\"$HONING_MODEL\"''"),
        ("bench --out results/<m>/x | tee log", 'bench --out results/"$HONING_MODEL"/x | tee log'),
    ],
    ids=["bare", "in double quotes", "in single quotes", "inside a word"],
)
def test_a_model_s_name_is_spliced_as_its_quotes_need_it(command: str, filled: str, tmp_path: Path) -> None:
    result = fill(hint(command, m=HoleKind.MODEL), Wishes(folder=tmp_path))

    assert (result.command, result.holes) == (filled, ())


def test_the_shell_gives_the_program_the_very_name(tmp_path: Path) -> None:
    name = 'lab/a model\'s "name" $HOME'
    for command in ("printf %s <m>", 'printf %s "<m=x>"', "printf %s '<m=x>'"):
        filled = fill(hint(command, m=HoleKind.MODEL), Wishes(folder=tmp_path)).command
        ran = subprocess.run(
            ["bash", "-c", filled],
            env={"HONING_MODEL": name, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=True,
        )

        assert ran.stdout.decode() == name


@pytest.mark.parametrize(
    ("limit", "arguments"), [("", "--input a"), ("7", "--input a --limit 7")], ids=["none", "seven"]
)
def test_a_limit_is_given_only_where_one_is_set(limit: str, arguments: str, tmp_path: Path) -> None:
    filled = fill(hint("echo --input a --limit <limit>", limit=HoleKind.LIMIT), Wishes(folder=tmp_path))
    ran = subprocess.run(
        ["bash", "-c", filled.command],
        env={"HONING_LIMIT": limit, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )

    assert ran.stdout.decode().strip() == arguments


def test_a_number_of_answers_for_each_row_is_no_limit_of_rows(tmp_path: Path) -> None:
    command = fill(hint("bench --n <n=10>", n=HoleKind.LIMIT), Wishes(folder=tmp_path)).command

    assert command == "bench --n 10"


def test_a_choice_falls_on_what_the_data_are_called(tmp_path: Path) -> None:
    wishes = Wishes(folder=tmp_path, data_words=("SECOND_SET_PATH", "second_set.jsonl"))
    result = fill(hint("bench --dataset <dataset=[first|second_set]>", dataset=HoleKind.CHOICE), wishes)

    assert result.command == "bench --dataset second_set"
    assert result.choices[0].sentence == (
        "dataset = second_set: its data are there; others: first (--set dataset=...)"
    )


def test_the_user_s_choice_wins_and_the_engine_is_the_one_that_the_gateway_speaks(tmp_path: Path) -> None:
    wishes = Wishes(folder=tmp_path, choices={"dataset": "first"}, data_words=("second",))
    result = fill(
        hint(
            "bench --dataset <dataset=[second|first]> --backend <backend=[vllm|openai|...]>",
            dataset=HoleKind.CHOICE,
            backend=HoleKind.CHOICE,
        ),
        wishes,
    )

    assert result.command == "bench --dataset first --backend openai"


def test_what_nobody_knows_is_a_typed_hole(tmp_path: Path) -> None:
    result = fill(
        hint("bench --config <config> --tp <tp>", config=HoleKind.PATH, tp=HoleKind.NUMBER),
        Wishes(folder=tmp_path),
    )

    assert result.command == "bench --config {{config}} --tp {{tp}}"
    assert result.holes == (
        HoleSpec(name="config", kind=HoleKind.PATH, text="<config>", anchor="README.md:3"),
        HoleSpec(name="tp", kind=HoleKind.NUMBER, text="<tp>", anchor="README.md:3"),
    )


def test_a_path_that_is_there_stays_and_one_of_a_set_variable_is_taken_from_it(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("")
    one = Placeholder(
        start=5, end=15, text="/path/file", kind=HoleKind.PATH, name="data_path", option="DATA_PATH"
    )
    command = "DATA=/path/file bench"
    given = Hint(
        command=command,
        role=Role.EVALUATE,
        anchor="a:1",
        source="docs",
        confidence=1,
        why="",
        placeholders=(one,),
    )

    kept = fill(hint("bench --config <config=small.yaml>", config=HoleKind.PATH), Wishes(folder=tmp_path))
    taken = fill(given, Wishes(folder=tmp_path, variables=frozenset({"DATA_PATH"})))

    assert (kept.command, taken.command) == ("bench --config small.yaml", 'DATA="$DATA_PATH" bench')


def test_an_example_of_samples_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "example.jsonl").write_text("{}")
    existing = fill(hint("grade <s=example.jsonl>", s=HoleKind.SAMPLES), Wishes(folder=tmp_path))
    free = fill(hint("grade <s=mine.jsonl>", s=HoleKind.SAMPLES), Wishes(folder=tmp_path))

    assert (existing.command, existing.samples) == ("grade honing-samples.jsonl", "honing-samples.jsonl")
    assert (free.command, free.samples) == ("grade mine.jsonl", "mine.jsonl")


def test_a_program_is_told_where_the_gateway_is_by_the_options_it_has(tmp_path: Path) -> None:
    options = frozenset({"--model", "--base-url", "--api-key", "--greedy", "--temperature"})
    result = fill(
        hint("bench --config a.yaml | tee log", asks=True), Wishes(folder=tmp_path, options=options)
    )

    assert result.command == (
        'bench --config a.yaml --base-url "$OPENAI_BASE_URL" --api-key "$OPENAI_API_KEY" '
        '--model "$HONING_MODEL" --greedy | tee log'
    )


def test_an_option_that_is_given_is_not_given_twice(tmp_path: Path) -> None:
    options = frozenset({"--base-url", "--temperature"})
    command = 'bench --base-url "http://x" --temperature=0.7'

    assert fill(hint(command, asks=True), Wishes(folder=tmp_path, options=options)).command == command


@pytest.mark.parametrize(
    ("command", "head"),
    [
        ("bench -a | tee log", "bench -a"),
        ("cd x && bench -a 2>&1 > out", "cd x && bench -a"),
        ("bench 'a | b'; echo done", "bench 'a | b'"),
        ("bench -a", "bench -a"),
    ],
)
def test_arguments_end_before_the_next_operator(command: str, head: str) -> None:
    assert command[: end_of_command(command, ("bench",))] == head


def test_commands_that_cannot_run_here_are_passed_over_with_the_reason(tmp_path: Path) -> None:
    fine = hint("bench --model <m>", m=HoleKind.MODEL)
    gpu = Hint(
        command="bench --gpu",
        role=Role.EVALUATE,
        anchor="README.md:9",
        source="readme",
        confidence=0.9,
        why="",
        traps=(TrapFound(Trap.GPU, "It wants a GPU: `--gpu`."),),
    )

    usable, rejected = split_by_traps([gpu, fine])

    assert usable == [fine]
    assert [one.sentence for one in rejected] == [
        "README.md:9: `bench --gpu`: it needs a GPU (It wants a GPU: `--gpu`.)"
    ]


def test_keys_of_other_providers_are_told_from_the_gateway_s_own() -> None:
    env = {"OPENAI_API_KEY": "x", "OTHER_API_KEY": "y", "SEED": "1"}

    assert other_keys(env, "bench --key $THIRD_API_KEY") == ["OTHER_API_KEY", "THIRD_API_KEY"]


HOLES = ContractSpec(
    holes=(
        HoleSpec(name="split", kind=HoleKind.CHOICE, text="[a|b]", anchor="README.md:3", choices=("a", "b")),
        HoleSpec(name="tp", kind=HoleKind.NUMBER, text="N", anchor="README.md:3"),
    ),
    stages=Stages(
        rollout=RolloutSpec(commands=("ask --split {{split}}",)),
        evaluate=EvaluateSpec(commands=("grade {{split}} --tp {{tp}}",)),
    ),
)


def test_a_hole_is_filled_wherever_it_stands_and_by_whom_is_recorded() -> None:
    spec = fill_holes(HOLES, {"split": "b", "unknown": "x"})

    assert (spec.stages.rollout.commands, spec.stages.evaluate.commands) == (
        ("ask --split b",),
        ("grade b --tp {{tp}}",),
    )
    assert [hole.name for hole in spec.holes] == ["tp"]
    assert [(one.part, one.by, one.why) for one in spec.provenance] == [
        ("holes.split", "user", "--set split=b")
    ]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"split": "c"}, "--set split=c: the target names a, b"),
        ({"tp": "many"}, "--set tp=many: a number belongs there"),
    ],
)
def test_a_value_that_does_not_fit_its_hole_is_refused(choices: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        fill_holes(HOLES, choices)
