"""Shell text is read, never re-quoted: statements, what one leaves to the next, the programs it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import hints_of, in_readme, told


@pytest.mark.parametrize(
    "command",
    [
        "cd . && python eval.py | tee log.txt",
        "python eval.py < data.jsonl > out.txt 2>&1",
        "FOO=1 BAR='a b' python eval.py --x \"it's\"",
        "(cd sub; python eval.py) || exit 1",
        "cat <<'EOF' > run.cfg\nit's $HOME\nEOF",
        "for m in a b; do\n  python eval.py --m $m  # each\ndone",
        "if [ -f x ]; then\n  python eval.py\nfi",
        'python eval.py --text "two\nlines"',
        "python eval.py &&\n  python report.py",
        "python eval.py --x $(cat names | head -1) `date`",
        "bash -c 'echo \"a\" && python eval.py'",
    ],
)
def test_a_command_list_is_one_hint_and_stays_as_written(tmp_path: Path, command: str) -> None:
    found = in_readme(tmp_path, f"echo before\n{command}\necho after")

    assert [hint.command for hint in found] == ["echo before", command, "echo after"]


@pytest.mark.parametrize(
    ("written", "command", "why"),
    [
        ("python a.py \\\n    --x 1 \\\n    --y 2", "python a.py --x 1 --y 2", ""),
        ('python a.py "x\\\n  y"', 'python a.py "x  y"', ""),
        ("python a.py \\  \n    --x 1", "python a.py --x 1", "blanks behind a backslash"),
        ("python a.py \\\n  --x 1\n  --y 2", "python a.py --x 1 --y 2", "without a backslash before it"),
    ],
    ids=["as a shell does", "inside quotes", "blanks behind the backslash", "a forgotten backslash"],
)
def test_continued_lines_are_joined(tmp_path: Path, written: str, command: str, why: str) -> None:
    found = in_readme(tmp_path, written, {"a.py": ""})

    assert [(hint.command, hint.anchor) for hint in found] == [(command, "README.md:4")]
    assert why in found[0].why


def test_comments_belong_to_no_command(tmp_path: Path) -> None:
    found = in_readme(tmp_path, "# first\npip install a # to install\n\n# python b.py\nls -l")

    assert told(found) == [("install", "README.md:5", "pip install a"), ("other", "README.md:8", "ls -l")]


def test_text_that_no_shell_can_read_costs_one_line_and_not_the_block(tmp_path: Path) -> None:
    found = in_readme(tmp_path, 'pip install a\npython b.py --x "open\necho $(\nls -l', {"b.py": ""})

    assert [(hint.command, "No shell can read it" in hint.why) for hint in found] == [
        ("pip install a", False),
        ('python b.py --x "open', True),
        ("echo $(", True),
        ("ls -l", False),
    ]


def test_a_change_of_folder_and_exports_hold_for_what_follows(tmp_path: Path) -> None:
    found = in_readme(
        tmp_path,
        "export A=1 B='two words'\nC=3\nls -l\ncd sub/\nls -a\ncd ..\n(cd sub && ls)\nls -h",
        {"sub/x": ""},
    )

    env = {"A": "1", "B": "two words", "C": "3"}
    assert [(hint.command, hint.workdir, hint.env) for hint in found] == [
        ("ls -l", ".", env),
        ("ls -a", "sub", env),
        ("(cd sub && ls)", ".", env),
        ("ls -h", ".", env),
    ]


def test_another_section_forgets_the_variables(tmp_path: Path) -> None:
    page = "## One\n```bash\nexport A=1\n```\n```bash\nls -l\n```\n## Two\n```bash\nls -a\n```\n"

    assert [hint.env for hint in hints_of(tmp_path, {"README.md": page})] == [{"A": "1"}, {}]


@pytest.mark.parametrize(
    ("written", "commands"),
    [
        ("git clone https://git.test/me/nut-bench.git\ncd nut-bench\npip install -e .", ["pip install -e ."]),
        ("git clone https://git.test/me/nut-bench && cd ./nut-bench && pip install .", ["pip install ."]),
        ("git clone https://git.test/me/nut-bench here\ncd here\npip install .", ["pip install ."]),
        ("git clone https://git.test/me/other\ncd other\npip install .",
         ["git clone https://git.test/me/other", "pip install ."]),
    ],
    ids=["on lines of their own", "in one list", "into a named folder", "of something else"],
)  # fmt: skip
def test_a_clone_of_the_target_itself_is_dropped(tmp_path: Path, written: str, commands: list[str]) -> None:
    found = in_readme(tmp_path, written, {"setup.py": "setup(name='nut_bench')"})

    assert [hint.command for hint in found] == commands
    assert found[-1].workdir == ("other" if "other" in written else ".")


def test_a_word_that_names_the_copy_of_the_target_stands_for_its_own_folder(tmp_path: Path) -> None:
    written = "git clone https://git.test/me/nut-bench\npip install -e nut-bench"

    (hint,) = in_readme(tmp_path, written, {"setup.py": "setup(name='nut_bench')"})

    (one,) = hint.placeholders
    assert (hint.command, one.name, one.text, one.default) == (
        "pip install -e nut-bench",
        "target",
        "nut-bench",
        ".",
    )


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        ("pip install -e . && python -m a.b | tee log", ("pip", "a.b", "tee")),
        ("sudo docker run --rm -v $(pwd):/x -it image python3 main.py --y", ("docker", "main.py")),
        ("uv run --with x evaluate --z", ("uv", "evaluate")),
        ("CUDA_VISIBLE_DEVICES=0 torchrun --nproc_per_node 8 -m a.b", ("torchrun", "a.b")),
        ("accelerate launch --num_processes 2 main.py", ("accelerate", "main.py")),
        ("bash scripts/run.sh", ("bash", "scripts/run.sh")),
        ("for x in 1 2; do ./run.sh $x; done", ("run.sh",)),
        ("files=(a b); time python -u run.py", ("run.py",)),
    ],
)
def test_the_programs_of_a_command_are_told_in_order(
    tmp_path: Path, command: str, programs: tuple[str, ...]
) -> None:
    assert [hint.programs for hint in in_readme(tmp_path, command)] == [programs]
