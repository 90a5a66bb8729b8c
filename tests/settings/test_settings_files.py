"""`.env` and config files: what is read, and on which line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.errors import SettingsError
from honing.settings import Document, holds_settings, load_settings
from honing.settings.documents import Entry, read_entries
from honing.settings.dotenv import Assignment, parse_dotenv


def values(text: str) -> dict[str, str]:
    return {name: assignment.value for name, assignment in parse_dotenv(text, where=".env").items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("  export A = 1  \n", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A", {}),
        ("export A", {}),
        ("A=1 # one", {"A": "1"}),
        ("A=1#one", {"A": "1#one"}),
        ("A='it # stays' # gone", {"A": "it # stays"}),
        ('A="line\\nbreak \\"x\\" \\\\ \\$HOME"', {"A": 'line\nbreak "x" \\ $HOME'}),
        ("A='$HOME \\n'", {"A": "$HOME \\n"}),
        ("A=$HOME/${X}", {"A": "$HOME/${X}"}),
        ('PEM="-----BEGIN\nabc\n-----END"\nB=2', {"PEM": "-----BEGIN\nabc\n-----END", "B": "2"}),
        ("# only a comment", {}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=a=b==", {"A": "a=b=="}),
        ("A=''\nB=\"\"", {"A": "", "B": ""}),
        ("A=x y z", {"A": "x y z"}),
        ("A=it's", {"A": "it's"}),
        ("", {}),
        ("\n\n   \n#\n", {}),
    ],
)
def test_an_assignment_is_read_as_shells_and_tools_write_it(text: str, expected: dict[str, str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nnot an assignment\nB=2", 2),
        ('A=1\n\nB="never closed\nC=3\n', 3),
        ("A='x' y", 1),
        ("1A=2", 1),
        ("A-B=2", 1),
        ("=x", 1),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_its_text_is_not_shown(text: str, line: int) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_dotenv(text, where="/p/.env")

    assert str(caught.value).startswith(f"/p/.env:{line}: this line is not NAME=value")
    assert "never closed" not in str(caught.value)


def test_lines_are_counted_through_quotes_that_span_them() -> None:
    found = parse_dotenv("\n\nA='1\n2\n3'\n# c\nB=4", where=".env")

    assert {name: entry.line for name, entry in found.items()} == {"A": 3, "B": 7}


def test_an_assignment_never_shows_its_value() -> None:
    assert repr(Assignment("sk-secret", 4)) == "Assignment(line=4)"


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True),
        st.text(alphabet=st.characters(exclude_characters="\r\0", exclude_categories=["Cs"])),
    )
)
def test_whatever_is_written_in_double_quotes_comes_back(expected: dict[str, str]) -> None:
    quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in expected.items()}
    text = "".join(f'{name}="{value}"\n' for name, value in quoted.items())

    assert values(text) == expected


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_by_line_and_never_crashes(text: str) -> None:
    message = ""
    lines: list[int] = []
    try:
        lines = [entry.line for entry in parse_dotenv(text, where=".env").values()]
    except SettingsError as error:
        message = str(error)

    assert message == "" or message.startswith(".env:")
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("honing.toml", "a.b = 1\n[c]\nd = 'x'\n", [Entry("a.b", 1, 1), Entry("c.d", "x", 3)]),
        ("honing.toml", "# c\n\n[ limits ] # x\n'workers' = 2\n", [Entry("limits.workers", 2, 4)]),
        ("pyproject.toml", "[tool.a]\n\n[tool.honing.limits]\nworkers=2", [Entry("limits.workers", 2, 4)]),
        ("honing.yaml", "name: x\nsettings:\n  limits:\n    workers: 2\n    budget_calls: '3'\n",
         [Entry("limits.workers", 2, 4), Entry("limits.budget_calls", "3", 5)]),
        ("honing.yaml", "settings:\n", []),
        ("honing.yaml", "tasks: [a]\n", []),
        ("honing.yaml", "", []),
        ("honing.yaml", "settings: [1]\n", [Entry("", [], 1)]),
        ("honing.toml", "", []),
    ],
)  # fmt: skip
def test_a_config_file_gives_flat_keys_with_their_lines(name: str, text: str, expected: list[Entry]) -> None:
    assert read_entries(Document(Path("/p") / name, text)) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("honing.toml", "a = \n", "/p/honing.toml: not valid TOML: "),
        ("honing.yaml", "settings:\n  a: [1\n", "/p/honing.yaml:3: not valid YAML: "),
        ("honing.yaml", "settings:\n\ta: 1\n", "/p/honing.yaml:2: not valid YAML: "),
        (
            "honing.yaml",
            "settings:\n  limits:\n    workers: 1\n    workers: 2\n",
            "/p/honing.yaml:4: 'limits.workers' stands here and on line 3. Keep one of them.",
        ),
    ],
)
def test_a_config_file_that_is_not_valid_names_the_line(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_entries(Document(Path("/p") / name, text))

    assert str(caught.value).startswith(message)


def test_a_yaml_mapping_that_contains_itself_is_refused_like_any_unknown_setting() -> None:
    with pytest.raises(SettingsError, match="there is no setting"):
        load_settings(configs=[Document(Path("honing.yaml"), "settings: &a\n  limits: *a\n")])


@pytest.mark.parametrize(
    ("name", "text", "holds"),
    [
        ("pyproject.toml", "[project]\nname='x'\n", False),
        ("pyproject.toml", "[tool.honing]\n", True),
        ("pyproject.toml", "[tool.honing.limits]\n", True),
        ("pyproject.toml", "[tool.honingx]\n", False),
        ("honing.yaml", "tasks: []\n", False),
        ("honing.yaml", "settings: {}\n", True),
        ("honing.toml", "", True),
    ],
)
def test_a_file_counts_as_settings_only_where_it_has_a_place_for_them(
    name: str, text: str, *, holds: bool
) -> None:
    assert holds_settings(Document(Path(name), text)) is holds


def test_the_examples_of_the_documentation_work() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL))

    settings = load_settings(configs=[Document(Path("/p/honing.toml"), blocks["toml"])])
    exec(blocks["python"], {})

    assert set(blocks) == {"toml", "python"}
    assert (settings.paths.home, settings.limits.max_connections) == (Path("/p/results"), 16)
    assert (settings.limits.budget_usd, settings.limits.budget_wall_s) == (5.0, 7200.0)
