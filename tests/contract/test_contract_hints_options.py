"""The options of a program, read from its source and never by running it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import made

from honing.contract.hints import Option, find_hints, options_of

ARGPARSE = """\
import argparse
raise SystemExit
parser = argparse.ArgumentParser()
parser.add_argument("file", help="what to "
                    "read")
parser.add_argument("-d", "--data-set", choices=["a", "b"], default="a", type=str)
parser.add_argument("--n", type=int, required=True)
parser.add_argument("--fast", action="store_true")
"""
CLICK = """\
import click
@click.command()
@click.option("--data-set", "-d", type=click.Choice(["a", "b"]), default="a")
@click.argument("file")
def main(data_set, file): ...
"""
TYPER = """\
import typer
from typing import Annotated, Literal
from pathlib import Path
app = typer.Typer()
@app.command()
def main(out: Path, n: Annotated[int, typer.Option("--count", "-n", help="how many")] = 3,
         kind: Literal["a", "b"] = "a", fast: bool = False): ...
"""
FIRE = """\
import fire
def score(sample_file: str, k: int = 1, *, workers=4): ...
if __name__ == "__main__":
    fire.Fire(score)
"""
FIELDS = """\
from dataclasses import dataclass, field
@dataclass
class Arguments:
    n: int = field(default=2, metadata={"help": "how many"})
    name: str
parser = HfArgumentParser(Arguments)
"""
FLAGS = """\
flags.DEFINE_enum("kind", "a", ["a", "b"], "which kind")
flags.DEFINE_bool("fast", False, "be fast")
"""
HYDRA = """\
import hydra
@hydra.main(config_path="conf", config_name="config")
def main(config): ...
"""


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (
            ARGPARSE,
            (
                Option(name="file", required=True, help="what to read", anchor="run.py:4"),
                Option(
                    name="--data-set", aliases=("-d",), choices=("a", "b"), default="a", type="str",
                    anchor="run.py:6",
                ),
                Option(name="--n", required=True, type="int", anchor="run.py:7"),
                Option(name="--fast", flag=True, anchor="run.py:8"),
            ),
        ),
        (
            CLICK,
            (
                Option(
                    name="--data-set", aliases=("-d",), choices=("a", "b"), default="a", anchor="run.py:3"
                ),
                Option(name="file", required=True, anchor="run.py:4"),
            ),
        ),
        (
            TYPER,
            (
                Option(name="--out", required=True, type="path", anchor="run.py:6"),
                Option(
                    name="--count", aliases=("-n",), default="3", type="int", help="how many",
                    anchor="run.py:6",
                ),
                Option(name="--kind", choices=("a", "b"), default="a", anchor="run.py:7"),
                Option(name="--fast", default="False", flag=True, type="bool", anchor="run.py:7"),
            ),
        ),
        (
            FIRE,
            (
                Option(name="--sample_file", required=True, type="str", anchor="run.py:2"),
                Option(name="--k", default="1", type="int", anchor="run.py:2"),
                Option(name="--workers", default="4", anchor="run.py:2"),
            ),
        ),
        (
            FIELDS,
            (
                Option(name="--n", default="2", type="int", help="how many", anchor="run.py:4"),
                Option(name="--name", required=True, type="str", anchor="run.py:5"),
            ),
        ),
        (
            FLAGS,
            (
                Option(
                    name="--kind", choices=("a", "b"), default="a", type="str", help="which kind",
                    anchor="run.py:1",
                ),
                Option(
                    name="--fast", default="False", flag=True, type="bool", help="be fast", anchor="run.py:2"
                ),
            ),
        ),
        (HYDRA, (Option(name="model.id", default="x", anchor="conf/config.yaml:2"),)),
    ],
    ids=["argparse", "click", "typer", "fire", "dataclass", "absl", "hydra"],
)  # fmt: skip
def test_every_usual_way_to_declare_options_is_read(
    tmp_path: Path, source: str, options: tuple[Option, ...]
) -> None:
    folder = made(
        tmp_path,
        {
            "README.md": "```bash\npython run.py\n```\n",
            "run.py": source,
            "conf/config.yaml": "model:\n  id: x\n",
        },
    )

    assert options_of(folder, find_hints(folder)[0]) == options


def test_options_are_followed_from_a_console_script_into_the_modules_it_imports(tmp_path: Path) -> None:
    folder = made(
        tmp_path,
        {
            "README.md": "```bash\nbench.score --dataset <DATASET>\npip install x\n```\n",
            "pyproject.toml": "[project]\nname='b'\n[project.scripts]\n'bench.score' = 'bench.cli:main'\n",
            "src/bench/__init__.py": "",
            "src/bench/cli.py": "from .parser import made\nimport torch\n",
            "src/bench/parser.py": "p.add_argument('--dataset', choices=['a', 'b'])\n",
        },
    )

    score, install = find_hints(folder)[:2]

    assert options_of(folder, score) == (
        Option(name="--dataset", choices=("a", "b"), anchor="src/bench/parser.py:1"),
    )
    assert options_of(folder, install) == ()
    (one,) = score.placeholders
    assert (one.kind.value, one.choices) == ("choice", ("a", "b"))


def test_the_help_of_an_option_tells_a_limit_from_a_number_for_each_task(tmp_path: Path) -> None:
    folder = made(
        tmp_path,
        {
            "README.md": "```bash\npython run.py --num-samples 5 --n 3\n```\n",
            "run.py": "p.add_argument('--num-samples', help='Samples per problem')\np.add_argument('--n')\n",
        },
    )

    (hint,) = find_hints(folder)

    assert [(one.name, one.kind.value) for one in hint.placeholders] == [
        ("num_samples", "number"),
        ("n", "limit"),
    ]


def test_a_command_whose_source_takes_an_address_asks_a_model_unless_it_reads_samples(tmp_path: Path) -> None:
    folder = made(
        tmp_path,
        {
            "README.md": "```bash\npython run.py --config x\npython run.py --samples samples.jsonl\n```\n",
            "run.py": "p.add_argument('--base-url')\n",
        },
    )

    assert [hint.asks_model for hint in find_hints(folder)] == [True, False]
