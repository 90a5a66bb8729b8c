"""Hints from project files: CI, recipes, console scripts, containers, scripts, lists of requirements."""

from __future__ import annotations

from pathlib import Path

from hint_targets import hints_of, told

GITHUB = """\
env:
  TOP: "1"
jobs:
  test:
    runs-on: ubuntu-latest
    defaults:
      run:
        working-directory: inner
    strategy:
      matrix:
        python: ["3.11", "3.12"]
        include:
          - python: "3.13"
    env: {JOB: two}
    steps:
      - uses: actions/checkout@v4
      - name: Install
        run: pip install -e .
        working-directory: .
      - name: Tests
        env:
          STEP: three
        run: |
          cd sub
          pytest -q \\
            --python ${{ matrix.python }}
      - run: Write-Host hello
        shell: pwsh
"""


def test_a_github_step_knows_its_folder_variables_and_matrix(tmp_path: Path) -> None:
    found = hints_of(tmp_path, {".github/workflows/ci.yml": GITHUB})

    assert [(hint.role.value, hint.anchor, hint.command, hint.workdir, hint.env) for hint in found] == [
        ("install", ".github/workflows/ci.yml:18", "pip install -e .", ".", {"TOP": "1", "JOB": "two"}),
        (
            "test",
            ".github/workflows/ci.yml:25",
            "pytest -q --python ${{ matrix.python }}",
            "inner/sub",
            {"TOP": "1", "JOB": "two", "STEP": "three"},
        ),
    ]
    (one,) = found[1].placeholders
    assert (one.text, one.name, one.choices) == ("${{ matrix.python }}", "python", ("3.11", "3.12", "3.13"))


def test_a_gitlab_job_runs_its_lines_in_one_shell(tmp_path: Path) -> None:
    text = """\
variables: {A: "1"}
stages: [test]
score:
  before_script:
    - pip install .
  script:
    - cd eval
    - python score.py answers.jsonl
"""
    found = hints_of(tmp_path, {".gitlab-ci.yml": text, "eval/score.py": ""})

    assert [(hint.role.value, hint.anchor, hint.workdir, hint.env) for hint in found] == [
        ("install", ".gitlab-ci.yml:5", ".", {"A": "1"}),
        ("evaluate", ".gitlab-ci.yml:8", "eval", {"A": "1"}),
    ]


def test_a_makefile_target_is_judged_by_its_name_or_else_by_its_recipe(tmp_path: Path) -> None:
    text = (
        "MODEL ?= x\n.PHONY: all\nall: images\nimages:\n\t@docker build .\n\n# Score the answers\nfinal:\n"
        "\tpython score.py answers.jsonl\n%.o: %.c\n\tcc $<\ntest: ; \n"
    )
    found = hints_of(tmp_path, {"Makefile": text})

    assert told(found) == [
        ("install", "Makefile:3", "make all"),
        ("install", "Makefile:4", "make images"),
        ("evaluate", "Makefile:8", "make final"),
        ("test", "Makefile:12", "make test"),
    ]
    assert [[trap.trap.value for trap in hint.traps] for hint in found] == [["docker"], ["docker"], [], []]


def test_a_readme_that_runs_a_task_or_script_shares_the_traps_of_what_it_runs(tmp_path: Path) -> None:
    found = hints_of(
        tmp_path,
        {
            "README.md": "```bash\nmake images\nbash get.sh\n```\n",
            "Makefile": "images:\n\tdocker build .\n",
            "get.sh": "#!/bin/sh\nwget https://data.test/x.zip\n",
        },
    )[:2]

    assert [(hint.role.value, [trap.trap.value for trap in hint.traps]) for hint in found] == [
        ("install", ["docker"]),
        ("data", ["download"]),
    ]


def test_task_files_give_the_command_that_runs_each_task(tmp_path: Path) -> None:
    found = hints_of(
        tmp_path,
        {
            "justfile": "score file='x':\n    python score.py {{file}}\n",
            "tox.ini": "[tox]\nenvlist = py\n[testenv]\ncommands =\n    pytest -q\n"
            "[testenv:style]\ncommands = ruff check\n",
            "noxfile.py": "import nox\n@nox.session\ndef unit(session):\n    session.run('pytest', '-q')\n",
            "package.json": '{"scripts": {\n  "test": "jest",\n  "serve": "vite"}}\n',
            "pyproject.toml": "[tool.poe.tasks]\nbench = 'python eval.py'\n"
            "[tool.pdm.scripts]\nprep = {cmd = 'python download.py'}\n"
            "[tool.hatch.envs.docs.scripts]\nbuild = 'mkdocs build'\n",
        },
    )

    assert told(found) == [
        ("evaluate", "justfile:1", "just score"),
        ("test", "noxfile.py:3", "nox -s unit"),
        ("test", "package.json:2", "npm test"),
        ("serve", "package.json:3", "npm run serve"),
        ("evaluate", "pyproject.toml:2", "poe bench"),
        ("data", "pyproject.toml:4", "pdm run prep"),
        ("other", "pyproject.toml:6", "hatch run docs:build"),
        ("test", "tox.ini:3", "tox"),
        ("other", "tox.ini:6", "tox -e style"),
    ]


def test_console_scripts_are_read_from_all_three_project_files(tmp_path: Path) -> None:
    setup = "from setuptools import setup\nraise SystemExit\n"
    setup += 'setup(entry_points={"console_scripts": [\n  "n.score = n:s"]})\n'
    found = hints_of(
        tmp_path,
        {
            "pyproject.toml": "[project]\nname='n'\n[project.scripts]\n'n.generate' = 'n.g:main'\n",
            "setup.cfg": "[options.entry_points]\nconsole_scripts =\n    n.serve = n.x:main\n",
            "setup.py": setup,
        },
    )

    scripts = [hint for hint in found if hint.source == "pyproject"]
    assert told(scripts) == [
        ("rollout", "pyproject.toml:4", "n.generate"),
        ("serve", "setup.cfg:3", "n.serve"),
        ("evaluate", "setup.py:4", "n.score"),
    ]


def test_a_dockerfile_runs_in_the_folder_to_which_the_target_was_copied(tmp_path: Path) -> None:
    text = (
        "FROM python\nENV MODE=fast\nRUN apt-get update && \\\n    # a comment\n    apt-get install -y git\n"
        "COPY . /app\nWORKDIR /app/eval\nRUN --mount=type=cache,target=/x pip install -r needs.txt\n"
        'CMD ["python", "eval.py", "--name", "two words"]\n'
    )
    found = hints_of(tmp_path, {"Dockerfile": text, "eval/needs.txt": "", "eval/eval.py": ""})

    assert [(hint.role.value, hint.anchor, hint.command, hint.workdir) for hint in found] == [
        ("install", "Dockerfile:3", "apt-get update && apt-get install -y git", "."),
        ("install", "Dockerfile:8", "pip install -r needs.txt", "eval"),
        ("evaluate", "Dockerfile:9", "python eval.py --name 'two words'", "eval"),
    ]
    assert [hint.env for hint in found] == [{"MODE": "fast"}] * 3


def test_a_devcontainer_may_have_comments(tmp_path: Path) -> None:
    text = '{\n  // why\n  "postCreateCommand": "pip install -e . && echo \\"a,}\\"", /* x */\n}\n'
    found = hints_of(tmp_path, {".devcontainer/devcontainer.json": text})

    assert told(found) == [("install", ".devcontainer/devcontainer.json:3", 'pip install -e . && echo "a,}"')]


def test_scripts_and_lists_of_requirements_are_facts_with_less_confidence(tmp_path: Path) -> None:
    found = hints_of(
        tmp_path,
        {
            "scripts/all.sh": "#!/bin/bash\n# all of it\npython evaluate.py --model $1\n",
            "requirements.txt": "numpy\n",
            "eval/requirements-eval.txt": "scipy\n",
            "environment.yml": "name: x\n",
            "setup.py": "setup()\n",
        },
    )

    assert told(found) == [
        ("evaluate", "scripts/all.sh:3", "bash scripts/all.sh"),
        ("install", "setup.py:1", "pip install -e ."),
        ("install", "environment.yml:1", "conda env create -f environment.yml"),
        ("install", "requirements.txt:1", "pip install -r requirements.txt"),
        ("install", "eval/requirements-eval.txt:1", "pip install -r eval/requirements-eval.txt"),
    ]
    assert max(hint.confidence for hint in found) < 0.6
