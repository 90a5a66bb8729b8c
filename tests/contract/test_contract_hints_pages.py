"""Hints from READMEs and docs: which text is a command, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import hints_of, in_readme, told

README = """\
# Nut counter

## Installation

```bash
pip install -e .
```

## Generate answers

Ask a model for its answers:

```bash
nutcount.generate --model "some/model" \\
                  --split [dev|test]   \\
                  --out answers.jsonl
```

<details><summary>Scoring</summary>

1. Then score them:

   ```console
   $ nutcount.score answers.jsonl
   {'accuracy': 0.5}
   $ nutcount.score --help
   ```

</details>

Run the tests with `pytest -q tests`. The word `pytest` alone is no command.

    python plot.py results/
"""


def test_fenced_indented_and_inline_commands_are_found_with_their_roles_and_lines(tmp_path: Path) -> None:
    scripts = "[project]\nname = 'nutcount'\n[project.scripts]\n"
    scripts += "'nutcount.generate' = 'n:g'\n'nutcount.score' = 'n:s'\n"
    found = hints_of(tmp_path, {"README.md": README, "pyproject.toml": scripts})

    assert told([hint for hint in found if hint.source == "readme"]) == [
        ("install", "README.md:6", "pip install -e ."),
        (
            "rollout",
            "README.md:14",
            'nutcount.generate --model "some/model" --split [dev|test] --out answers.jsonl',
        ),
        ("evaluate", "README.md:24", "nutcount.score answers.jsonl"),
        ("other", "README.md:26", "nutcount.score --help"),
        ("test", "README.md:31", "pytest -q tests"),
        ("other", "README.md:33", "python plot.py results/"),
    ]


def test_restructured_text_has_directives_literal_blocks_and_inline_code(tmp_path: Path) -> None:
    page = """\
Title
=====

Installation
------------

.. code-block:: bash
   :linenos:

   pip install bench

Evaluation
----------

Score the answers::

    python -m bench.evaluate answers.jsonl

Tests run with ``pytest tests``.

.. code-block:: python

   import bench
"""
    found = hints_of(tmp_path, {"README.rst": page})

    assert told(found) == [
        ("install", "README.rst:10", "pip install bench"),
        ("evaluate", "README.rst:17", "python -m bench.evaluate answers.jsonl"),
        ("test", "README.rst:19", "pytest tests"),
    ]


def test_docs_are_read_to_depth_three_and_nested_readmes_run_in_their_own_folder(tmp_path: Path) -> None:
    block = "```bash\npython {}.py --x 1\n```\n"
    found = hints_of(
        tmp_path,
        {
            "docs/a.md": block.format("a"),
            "docs/one/two/c.md": block.format("c"),
            "docs/one/two/three/d.md": block.format("d"),
            "eval/README.md": block.format("run_eval") + "```bash\npip install -e ..\n```\n",
            "eval/run_eval.py": "",
            "deep/er/README.md": block.format("e"),
        },
    )

    assert [(hint.anchor, hint.workdir) for hint in found] == [
        ("eval/README.md:2", "eval"),
        ("eval/README.md:5", "eval"),
        ("docs/a.md:2", "."),
        ("docs/one/two/c.md:2", "."),
    ]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("", "Reading samples...\n100%|...| 6/6 [00:03<00:00]\n{'pass@1': 0.5}"),
        ("", '{"task_id": "A/0", "completion": "x"}'),
        ("", "from bench import read\nrows = read(path=1)\nmake_rows(rows)"),
        ("", "@article{you, title={Make the best of it}}"),
        ("", "results/\n|-- summary.json\n    run the thing"),
        ("json", '{"a": 1}'),
        ("python", "import bench\nbench.run()"),
        ("yaml", "model: x\nrun: pytest"),
        ("python", ">>> bench.run()\n1"),
        ("shell", "[Service]\nExecStart=/usr/bin/serve --x"),
    ],
    ids=[
        "printed output",
        "data",
        "unmarked Python",
        "a citation",
        "a tree of files",
        "JSON",
        "Python",
        "YAML",
        "a Python session",
        "settings",
    ],
)
def test_what_is_no_command_gives_no_hint(tmp_path: Path, language: str, text: str) -> None:
    assert hints_of(tmp_path, {"README.md": f"# T\n\n```{language}\n{text}\n```\n"}) == []


def test_of_a_transcript_only_what_was_typed_counts(tmp_path: Path) -> None:
    block = "```\n(env) me@box:~/b$ python eval.py \\\n>   --fast\nscore: 0.3\n$ ls results\n"
    block += "python is fine\n```\n"

    found = hints_of(tmp_path, {"README.md": block, "eval.py": ""})

    assert told(found) == [
        ("evaluate", "README.md:2", "python eval.py --fast"),
        ("other", "README.md:5", "ls results"),
    ]


def test_shell_text_in_a_python_block_counts_with_less_confidence(tmp_path: Path) -> None:
    wrong = hints_of(
        tmp_path / "a", {"README.md": "```python\npython train.py --lr 1\n```\n", "train.py": ""}
    )
    notebook = hints_of(tmp_path / "b", {"README.md": "```python\n!pip install bench\nimport bench\n```\n"})

    assert told(wrong) == [("other", "README.md:2", "python train.py --lr 1")]
    assert told(notebook) == [("install", "README.md:2", "pip install bench")]


def test_a_script_that_lies_in_one_folder_below_is_run_there(tmp_path: Path) -> None:
    found = in_readme(tmp_path, "python sample.py", {"inner/sample.py": ""})

    assert [(hint.workdir, hint.why) for hint in found] == [
        ("inner", "Its name says `sample`. `sample.py` lies in inner/.")
    ]


def test_a_script_that_is_not_there_costs_confidence_and_says_so(tmp_path: Path) -> None:
    there = in_readme(tmp_path / "a", "python sample.py", {"sample.py": ""})[0]
    gone = in_readme(tmp_path / "b", "python sample.py")[0]

    assert gone.confidence < there.confidence
    assert gone.why == "Its name says `sample`. The target has no `sample.py` there."
