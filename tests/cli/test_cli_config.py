"""`hone config`, and the files that settings are found in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hone_process import Ended, Hone

from honing.cli.surroundings import find_configs, find_dotenv, read_document
from honing.errors import SettingsError
from honing.settings import FIELDS

CANARY = "sk-canary-0987654321"


def rows_of(ended: Ended) -> dict[str, dict[str, object]]:
    assert ended.code == 0, ended.err
    return {row["key"]: row for row in json.loads(ended.out)}


def test_every_setting_is_shown_with_value_origin_and_variable(hone: Hone) -> None:
    (hone.folder / "honing.toml").write_text("[limits]\nworkers = 3\n")
    (hone.folder / ".env").write_text(f"\nOPENAI_API_KEY={CANARY}\n")

    rows = rows_of(hone("config", "show", "--origin", "--json", "--home", "out", environ={"NO_COLOR": "1"}))

    assert set(rows) == set(FIELDS)
    assert [
        rows[key]
        for key in ("paths.home", "output.colour", "models.openai_api_key", "limits.workers", "output.quiet")
    ] == [
        {
            "key": "paths.home",
            "value": str(hone.folder / "out"),
            "origin": "--home",
            "place": "flag",
            "variable": "HONING_HOME",
        },
        {
            "key": "output.colour",
            "value": "never",
            "origin": "NO_COLOR",
            "place": "variable",
            "variable": "HONING_COLOR",
        },
        {
            "key": "models.openai_api_key",
            "value": "(set, not shown)",
            "origin": f"{hone.folder / '.env'}:2 OPENAI_API_KEY",
            "place": "dotenv",
            "variable": "HONING_OPENAI_API_KEY",
        },
        {
            "key": "limits.workers",
            "value": 3,
            "origin": f"{hone.folder / 'honing.toml'}:2",
            "place": "file",
            "variable": "HONING_WORKERS",
        },
        {
            "key": "output.quiet",
            "value": False,
            "origin": "default",
            "place": "default",
            "variable": "HONING_QUIET",
        },
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "show"),
        ("config", "show", "--origin", "--tsv"),
        ("config", "show", "--json"),
        ("doctor", "--json"),
        ("doctor",),
        ("runs", "list", "--debug"),
        ("runs", "show", "none", "--debug"),
    ],
    ids=" ".join,
)
def test_no_key_is_ever_printed(hone: Hone, arguments: tuple[str, ...]) -> None:
    (hone.folder / ".env").write_text(f"HF_TOKEN='{CANARY}'\nANTHROPIC_API_KEY={CANARY}\n")
    environ = {"OPENAI_API_KEY": CANARY, "GEMINI_API_KEY": CANARY}

    ended = hone(*arguments, environ={**environ, "OPENAI_BASE_URL": f"http://ada:{CANARY}@127.0.0.1:1/v1"})

    assert ended.code in {0, 1, 3}
    assert CANARY not in ended.out + ended.err


def test_a_broken_settings_file_is_an_error_that_names_the_line_and_help_still_works(hone: Hone) -> None:
    (hone.folder / "honing.toml").write_text("[limits]\nmax_conections = 3\n")

    ended, helped = hone("config", "show"), hone("config", "show", "--help")

    assert (ended.code, ended.out, helped.code) == (2, "", 0)
    assert ended.err.startswith(
        f"hone: error: {hone.folder / 'honing.toml'}:2: there is no setting 'limits.max_conections'. "
        "Did you mean 'limits.max_connections'?"
    )


def test_a_settings_file_named_on_the_line_replaces_those_found(hone: Hone) -> None:
    (hone.folder / "honing.toml").write_text("[limits]\nworkers = 3\nbudget_calls = 4\n")
    (hone.folder / "other.toml").write_text("[limits]\nworkers = 5\n")

    rows = rows_of(hone("config", "show", "--json", "--settings", "other.toml"))
    missing = hone("config", "show", "--settings", "absent.toml")

    assert (rows["limits.workers"]["value"], rows["limits.budget_calls"]["value"]) == (5, None)
    assert (missing.code, "absent.toml: cannot be read: No such file" in missing.err) == (2, True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout inside a folder that is not part of it; returns a folder two levels down."""
    below = tmp_path / "checkout" / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "checkout" / ".git").mkdir()
    return below


def test_dotenv_is_the_nearest_up_to_the_checkouts_root(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    beyond = find_dotenv(checkout)
    (tmp_path / "checkout" / ".env").touch()
    at_root = find_dotenv(checkout)
    (checkout / ".env").touch()
    nearest = find_dotenv(checkout)

    assert (beyond, at_root, nearest) == (None, tmp_path / "checkout" / ".env", checkout / ".env")


def test_outside_a_checkout_only_the_working_directory_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    (tmp_path / "honing.toml").touch()
    below = tmp_path / "below"
    below.mkdir()

    assert (find_dotenv(below), find_configs(below, {})) == (None, [])
    assert (find_dotenv(tmp_path), find_configs(tmp_path, {})) == (
        tmp_path / ".env",
        [tmp_path / "honing.toml"],
    )


def test_the_project_file_comes_before_the_users_own(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / ".config" / "honing").mkdir(parents=True)
    user = tmp_path / "home" / ".config" / "honing" / "honing.toml"
    user.touch()
    project = tmp_path / "checkout" / "pyproject.toml"
    project.write_text("[tool.honing.limits]\n")
    home = {"HOME": str(tmp_path / "home")}

    assert find_configs(checkout, home) == [project, user]
    assert find_configs(checkout, home | {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}) == [project]


def test_files_without_settings_are_passed_over(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (checkout / "honing.yaml").write_text("tasks: []\n")
    above = checkout.parent / "honing.yaml"
    above.write_text("settings: {}\n")

    assert find_configs(checkout, {}) == [above]


def test_two_settings_files_in_one_folder_are_refused(checkout: Path) -> None:
    (checkout / "honing.toml").touch()
    (checkout / "pyproject.toml").write_text("[tool.honing]\n")

    with pytest.raises(SettingsError, match=r"settings stand in honing\.toml and pyproject\.toml"):
        find_configs(checkout, {})


@pytest.mark.parametrize(
    ("payload", "message"),
    [(b"\xff\xfe", "is not UTF-8 text (byte 0)"), (b"#" * 1_100_000, "larger than 1 MiB")],
)
def test_a_file_that_cannot_hold_settings_is_refused(tmp_path: Path, payload: bytes, message: str) -> None:
    path = tmp_path / "honing.toml"
    path.write_bytes(payload)

    with pytest.raises(SettingsError) as caught:
        read_document(path)

    assert f"{path}: {message}" in str(caught.value)
