"""Any text is safe to look at, and what is told of it is true of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hint_targets import hints_of, made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honing.contract.hints import find_hints, options_of, survey

PIECES = (
    "```bash\n", "```\n", "~~~sh\n", "$ ", "> ", "    ", "\\\n", "\n", "\n\n", "# ", "'", '"', "`", "$(", ")",
    "${", "}", "<<EOF\n", "EOF\n", "|", "&&", ";", "<model>", "[a|b]", "{a,b}", "...", "python eval.py ",
    "--samples x.jsonl ", "pip install -e . ", "cd sub\n", "export A=b\n", "git clone https://a.test/b.git\n",
    "for x in 1; do\n", "done\n", "if true; then ", "fi\n", "- item\n", ".. code-block:: bash\n\n", "::\n\n",
    "\t", "\u2028", "\x00", "\ufeff", "\r\n",
)  # fmt: skip
ANYTHING = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=40).map("".join)
COMMANDS = st.lists(
    st.sampled_from(
        ("pip install a", "python eval.py --model <m>", "ls -l [x|y]", "cd sub && ls", "A=b make x", *PIECES)
    ),
    min_size=1,
    max_size=12,
).map("".join)
TEXTS = st.one_of(
    ANYTHING,
    st.tuples(ANYTHING, st.sampled_from(("bash", "console", "")), COMMANDS).map(
        lambda parts: f"{parts[0]}\n\n```{parts[1]}\n{parts[2]}\n```\n"
    ),
    st.tuples(COMMANDS, ANYTHING).map(lambda parts: f"Title\n=====\n\n::\n\n    {parts[0]}\n\n{parts[1]}"),
)
FILES = (
    "README.md", "README.rst", "Makefile", "justfile", "Dockerfile", "pyproject.toml", "setup.py",
    "setup.cfg", "tox.ini", "noxfile.py", "package.json", ".gitlab-ci.yml", ".github/workflows/a.yml",
    ".devcontainer.json", "run.sh",
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS)
def test_an_anchor_points_at_the_command_and_the_command_is_what_stands_there(text: str) -> None:
    with TemporaryDirectory() as folder:
        for name in ("README.md", "README.rst"):
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        found = find_hints(Path(folder))

    lines = re.split("\r\n|\r|\n", text.removeprefix("\ufeff").replace("\x00", "\ufffd"))
    for hint in found:
        line = int(hint.anchor.rsplit(":", 1)[1])
        assert hint.command.split()[0].split("\\")[0] in lines[line - 1]
        # Beside prompts and continued lines, a command is a part of the text.
        assert _bare(hint.command) in _bare("\n".join(lines[line - 1 :]))
        for one in hint.placeholders:
            assert hint.command[one.start : one.end] == one.text
        assert not hint.workdir.startswith(("/", ".."))
        assert 0 <= hint.confidence <= 1


def _bare(text: str) -> str:
    return re.sub(r"^[>$%]\s|[\s\\>$%]", "", text, flags=re.MULTILINE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, name=st.sampled_from(FILES))
def test_no_content_of_any_file_stops_the_search(text: str, name: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        first, second = survey(Path(folder)), survey(Path(folder))
        for hint in first.hints:
            options_of(Path(folder), hint)

    assert first == second


@pytest.mark.parametrize(
    "content",
    [
        "> " * 50_000 + "x",
        "- " * 50_000 + "x",
        "[" * 100_000,
        "`" * 100_000,
        "```bash\n" + "'\n" * 20_000,
        "```bash\n" + "$(" * 20_000 + "\n```\n",
        "```bash\n" + "python a.py " + "<a" * 20_000 + "\n```\n",
        "```bash\n" + "a <<EOF\n" * 5_000 + "```\n",
        "```bash\n" + "python x.py --" + "a" * 300_000 + "\n```\n",
        "<details>\n" * 20_000,
    ],
    ids=[
        "quotes", "lists", "brackets", "ticks", "apostrophes", "substitutions", "angles", "documents",
        "a line", "html",
    ],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_text_made_to_be_slow_is_not(tmp_path: Path, content: str) -> None:
    assert isinstance(hints_of(tmp_path, {"README.md": content, "README.rst": content}), list)


def test_nested_data_and_source_made_to_be_deep_is_noted(tmp_path: Path) -> None:
    found = survey(
        made(
            tmp_path,
            {
                "package.json": "[" * 100_000,
                ".github/workflows/a.yml": "[" * 5_000,
                "setup.py": "x = " + "(" * 500 + ")" * 500,
                "pyproject.toml": "x = " + "[" * 5_000,
            },
        )
    )

    assert found.hints[0].command == "pip install -e ."
    assert {note.split(":")[0] for note in found.notes} == {
        "package.json",
        ".github/workflows/a.yml",
        "setup.py",
        "pyproject.toml",
    }


def test_links_out_pipes_and_binary_files_are_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("```bash\npip install secret\n```\n")
    folder = made(tmp_path / "target", {"README.md": "```bash\npip install mine\n```\n", "inner/x": ""})
    (folder / "docs").symlink_to(tmp_path)
    (folder / "inner" / "README.md").symlink_to(outside)
    (folder / "README.txt").write_bytes(b"\0\1\2```bash\npip install binary\n```\n")
    (folder / "USAGE.md").symlink_to("README.md")
    (folder / "loop").symlink_to(".")
    os.mkfifo(folder / "INSTALL.md")

    found = find_hints(folder)

    assert [(hint.anchor, hint.command) for hint in found] == [
        ("README.md:2", "pip install mine"),
        ("USAGE.md:2", "pip install mine"),
        ("loop/README.md:2", "pip install mine"),
    ]


def test_other_encodings_are_read(tmp_path: Path) -> None:
    page = "# Pr\u00fcfung\n\n```bash\npip install a\n```\n"
    for name, encoding in (("a", "utf-16"), ("b", "latin-1"), ("c", "utf-8-sig")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_bytes(page.encode(encoding))

    found = find_hints(tmp_path)

    assert [hint.anchor for hint in found] == ["a/README.md:4", "b/README.md:4", "c/README.md:4"]


def test_what_is_left_out_because_of_its_size_is_said(tmp_path: Path) -> None:
    long_block = "```bash\n" + "echo x\n" * 500 + "```\n"
    found = survey(made(tmp_path, {"README.md": "x" * 600_000, "docs/a.md": long_block}))

    assert len(found.hints) == 1
    assert found.notes == (
        "README.md: 600000 bytes, more than the 524288 that are read of one file",
        "docs/a.md:2: only the first 400 of 500 lines of this block were read",
    )
