"""Precedence, origins, and what is refused."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from honing.errors import SettingsError
from honing.settings import (
    FIELDS,
    Colour,
    Document,
    Origin,
    Place,
    SandboxKind,
    Secret,
    Settings,
    load_settings,
    shown,
)

CANARY = "sk-canary-1234567890"
CWD = Path("/home/ada/project")


def toml(text: str, path: str = "/home/ada/project/honing.toml") -> Document:
    return Document(Path(path), text)


def dotenv(text: str) -> Document:
    return Document(CWD / ".env", text)


PLACES: list[tuple[str, dict[str, Any]]] = [
    ("flag", {"flags": {"limits.max_connections": 1}}),
    ("variable", {"environ": {"HONING_MAX_CONNECTIONS": "2"}}),
    ("dotenv", {"dotenv": dotenv("HONING_MAX_CONNECTIONS=3\n")}),
    ("project", {"configs": [toml("[limits]\nmax_connections = 4\n")]}),
    ("default", {}),
]


@pytest.mark.parametrize("strongest", range(len(PLACES)), ids=[name for name, _ in PLACES])
def test_the_strongest_place_that_gives_a_value_wins(strongest: int) -> None:
    given: dict[str, Any] = {}
    for _, place in PLACES[strongest:]:
        given |= place

    assert load_settings(**given).limits.max_connections == [1, 2, 3, 4, 8][strongest]


def test_our_own_variable_beats_the_usual_one_and_both_beat_dotenv() -> None:
    own = {"HONING_OPENAI_BASE_URL": "http://own", "OPENAI_BASE_URL": "http://usual"}
    file = dotenv("HONING_OPENAI_BASE_URL=http://file")

    assert load_settings(environ=own, dotenv=file).models.openai_base_url == "http://own"
    del own["HONING_OPENAI_BASE_URL"]
    assert load_settings(environ=own, dotenv=file).models.openai_base_url == "http://usual"
    assert load_settings(environ={}, dotenv=file).models.openai_base_url == "http://file"


def test_usual_variables_count_in_their_order() -> None:
    environ = {"GOOGLE_API_KEY": "second", "GEMINI_API_KEY": "first"}

    assert load_settings(environ=environ).models.gemini_api_key == Secret("first")
    assert load_settings(environ={"GOOGLE_API_KEY": "second"}).models.gemini_api_key == Secret("second")


def test_the_project_file_beats_the_users_own() -> None:
    project, user = (
        toml("[limits]\nworkers = 2\n"),
        toml("[limits]\nworkers = 9\nbudget_calls = 5\n", "/u.toml"),
    )

    limits = load_settings(configs=[project, user]).limits

    assert (limits.workers, limits.budget_calls) == (2, 5)


def test_every_value_has_an_origin_that_names_flag_variable_or_line() -> None:
    settings = load_settings(
        flags={"paths.home": "r"},
        environ={"OPENAI_API_KEY": CANARY},
        dotenv=dotenv("# keys\n\nexport HF_TOKEN=abc\n"),
        configs=[toml("[output]\nquiet = true\n\n[limits]\n# two\nworkers = 2\n")],
    )

    assert set(settings.origins) == set(FIELDS)
    assert {key: origin for key, origin in settings.origins.items() if origin.place is not Place.DEFAULT} == {
        "paths.home": Origin(Place.FLAG, "--home"),
        "models.openai_api_key": Origin(Place.VARIABLE, "OPENAI_API_KEY"),
        "hub.token": Origin(Place.DOTENV, "/home/ada/project/.env:3 HF_TOKEN"),
        "output.quiet": Origin(Place.FILE, "/home/ada/project/honing.toml:2"),
        "limits.workers": Origin(Place.FILE, "/home/ada/project/honing.toml:6"),
    }


def test_without_anything_given_every_setting_has_its_default() -> None:
    assert load_settings(environ={"HOME": "/home/ada"}, cwd=CWD) == load_settings(
        environ={"HOME": "/home/ada"}, cwd=CWD, flags=dict.fromkeys(FIELDS)
    )
    settings = load_settings(environ={"HOME": "/home/ada"}, cwd=CWD)
    assert settings.paths.home == CWD / "runs"
    assert settings.paths.cache == Path("/home/ada/.cache/honing")
    assert {origin.place for origin in settings.origins.values()} == {Place.DEFAULT}
    assert settings.models.endpoints() == {}


def test_an_empty_variable_counts_as_not_set_except_where_it_hides_every_device() -> None:
    settings = load_settings(
        environ={"HONING_HOME": "", "OPENAI_API_KEY": "", "NO_COLOR": "", "CUDA_VISIBLE_DEVICES": ""}
    )

    assert settings.paths.home == Path("runs")
    assert (settings.models.openai_api_key, settings.output.colour) == (None, Colour.AUTO)
    assert settings.devices.cuda_visible == ""


@pytest.mark.parametrize(
    ("given", "home"),
    [
        ({"flags": {"paths.home": "out"}}, CWD / "out"),
        ({"environ": {"HONING_HOME": "out"}}, CWD / "out"),
        ({"environ": {"HONING_HOME": "~/out", "HOME": "/home/ada"}}, Path("/home/ada/out")),
        ({"dotenv": Document(Path("/repo/.env"), "HONING_HOME=out")}, Path("/repo/out")),
        ({"configs": [toml('[paths]\nhome = "out"', "/repo/honing.toml")]}, Path("/repo/out")),
        ({"environ": {"HONING_HOME": "/abs"}}, Path("/abs")),
    ],
    ids=["flag", "variable", "tilde", "dotenv", "config file", "absolute"],
)
def test_a_relative_path_counts_from_where_it_was_written(given: dict[str, Any], home: Path) -> None:
    assert load_settings(cwd=CWD, **given).paths.home == home


@pytest.mark.parametrize(
    ("environ", "colour"),
    [
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, Colour.NEVER),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, Colour.ALWAYS),
        ({"FORCE_COLOR": "0"}, Colour.NEVER),
        ({"TERM": "dumb"}, Colour.NEVER),
        ({"TERM": "xterm-256color"}, Colour.AUTO),
        ({"HONING_COLOR": "always", "NO_COLOR": "1"}, Colour.ALWAYS),
    ],
    ids=["NO_COLOR", "FORCE_COLOR", "FORCE_COLOR=0", "dumb", "a terminal", "our own"],
)
def test_colour_follows_the_usual_variables(environ: dict[str, str], colour: Colour) -> None:
    assert load_settings(environ=environ).output.colour is colour


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("limits.max_connections", "1_000", 1000),
        ("limits.budget_usd", "$2.50", 2.5),
        ("limits.budget_usd", 3, 3.0),
        ("limits.budget_wall_s", "1.5h", 5400.0),
        ("limits.budget_wall_s", "90", 90.0),
        ("output.quiet", "Yes", True),
        ("output.quiet", 0, False),
        ("sandbox.kind", "Landlock", SandboxKind.LANDLOCK),
        ("models.openai_base_url", "http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("models.ollama_host", "0.0.0.0:11434", "0.0.0.0:11434"),
        ("models.ollama_host", "http://box:11434", "http://box:11434"),
    ],
)
def test_a_value_is_read_in_its_usual_spellings(key: str, raw: object, value: object) -> None:
    assert load_settings(flags={key: raw}).value(key) == value


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("limits.max_connections", "0", "a whole number, at least 1; found '0'"),
        ("limits.max_connections", "1e3", "a whole number, at least 1; found '1e3'"),
        ("limits.max_connections", True, "a whole number, at least 1; found True"),
        ("limits.max_connections", 2.0, "a whole number, at least 1; found 2.0"),
        ("limits.max_connections", "9" * 5000, "a whole number, at least 1; found '999"),
        ("limits.budget_usd", "nan", "an amount in US dollars above 0, for example 2.50; found 'nan'"),
        ("limits.budget_usd", "-1", "an amount in US dollars above 0, for example 2.50; found '-1'"),
        (
            "limits.budget_wall_s",
            "5 weeks",
            "a time in seconds above 0, or like 90s, 30m, 2h; found '5 weeks'",
        ),
        ("limits.budget_wall_s", "1.2.3h", "a time in seconds above 0, or like 90s, 30m, 2h; found '1.2.3h'"),
        ("output.quiet", "maybe", "true or false (1, yes, on; 0, no, off); found 'maybe'"),
        ("sandbox.kind", "docker", "one of auto, bubblewrap, landlock, unconfined; found 'docker'"),
        (
            "models.openai_base_url",
            "localhost:80",
            "an address like https://host:port/path; found 'localhost:80'",
        ),
        (
            "models.openai_base_url",
            "http://a b/",
            "an address like https://host:port/path; found 'http://a b/'",
        ),
        (
            "models.openai_base_url",
            "http://h:99999",
            "an address like https://host:port/path; found 'http://h:99999'",
        ),
        (
            "models.ollama_host",
            "ftp://x",
            "an address like http://127.0.0.1:11434, or host:port; found 'ftp://x'",
        ),
        ("paths.home", 3, "a path; found 3"),
        ("models.default", ["a"], "a text; found ['a']"),
    ],
)
def test_a_value_that_cannot_be_used_names_origin_found_and_expected(
    key: str, raw: object, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags={key: raw})

    assert str(caught.value).startswith(f"{FIELDS[key].flag}: {key} must be {expected}")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"environ": {"HONING_WORKERS": "x"}}, "HONING_WORKERS: "),
        ({"dotenv": dotenv("A=1\nHONING_WORKERS=x")}, "/home/ada/project/.env:2 HONING_WORKERS: "),
        ({"configs": [toml('[limits]\nworkers = "x"')]}, "/home/ada/project/honing.toml:2: "),
        ({"configs": [toml('limits.workers = "x"')]}, "/home/ada/project/honing.toml:1: "),
        ({"configs": [toml('\nlimits = {workers = "x"}')]}, "/home/ada/project/honing.toml:2: "),
        (
            {"configs": [toml('[project]\n[tool.honing.limits]\nworkers="x"', "/p/pyproject.toml")]},
            "/p/pyproject.toml:3: ",
        ),
        ({"configs": [toml("settings:\n  limits:\n    workers: x", "/p/honing.yaml")]}, "/p/honing.yaml:3: "),
    ],
    ids=["variable", "dotenv", "table", "dotted", "inline", "pyproject", "yaml"],
)
def test_an_error_names_the_variable_or_the_line(given: dict[str, Any], where: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)

    assert str(caught.value).startswith(
        where + "limits.workers must be a whole number, at least 1; found 'x'"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"flags": {"limits.wrkers": 1}},
            "--wrkers: there is no setting 'limits.wrkers'. Did you mean 'limits.workers'?",
        ),
        (
            {"configs": [toml("[limits]\nmax_conections = 1")]},
            "/home/ada/project/honing.toml:2: there is no setting 'limits.max_conections'. "
            "Did you mean 'limits.max_connections'?",
        ),
        (
            {"configs": [toml("\nmax_connections = 1")]},
            "/home/ada/project/honing.toml:2: there is no setting 'max_connections'. "
            "Did you mean 'limits.max_connections'?",
        ),
        (
            {"configs": [toml("[zzz]\nqqq = 1")]},
            "/home/ada/project/honing.toml:2: there is no setting 'zzz.qqq'. The sections are paths, models,",
        ),
        (
            {"environ": {"HONING_MAX_CONECTIONS": "1"}},
            "HONING_MAX_CONECTIONS: there is no setting HONING_MAX_CONECTIONS. Did you mean "
            "HONING_MAX_CONNECTIONS?",
        ),
        (
            {"dotenv": dotenv("HONING_SANDBX=auto")},
            "/home/ada/project/.env:1 HONING_SANDBX: there is no setting HONING_SANDBX. Did you mean "
            "HONING_SANDBOX?",
        ),
    ],
    ids=["flag", "file", "without its section", "unknown section", "variable", "dotenv"],
)
def test_an_unknown_name_is_refused_with_the_one_that_may_be_meant(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)

    assert str(caught.value).startswith(message)


def test_variables_that_honing_gives_to_commands_it_runs_are_left_alone() -> None:
    environ = {"HONING_STAGE": "rollout", "HONING_WORKER_LOADS_MAIN": "1", "UNRELATED": "x"}

    assert load_settings(environ=environ) == load_settings(environ={})


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"flags": {"models.openai_api_key": CANARY}}, "--openai-api-key: "),
        ({"configs": [toml(f'[models]\nopenai_api_key = "{CANARY}"')]}, "/home/ada/project/honing.toml:2: "),
    ],
    ids=["flag", "config file"],
)
def test_a_key_in_a_flag_or_a_config_file_is_refused_and_not_shown(given: dict[str, Any], where: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)

    assert str(caught.value).startswith(f"{where}models.openai_api_key is a key, and keys are not taken from")
    assert "Set OPENAI_API_KEY, or write it in .env." in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_key_that_would_break_out_of_a_header_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={"OPENAI_API_KEY": f"{CANARY}\r\nHost: evil"})

    assert CANARY not in str(caught.value)
    assert "OPENAI_API_KEY: models.openai_api_key must be a key" in str(caught.value)


def test_a_secret_shows_itself_nowhere_but_where_it_is_revealed() -> None:
    settings = load_settings(environ={"OPENAI_API_KEY": f" {CANARY}\n", "HF_TOKEN": "hf"})

    assert CANARY not in f"{settings!r} {settings} {settings.models.openai_api_key:>40} {settings.origins}"
    assert shown(settings.value("models.openai_api_key")) == "(set, not shown)"
    assert settings.models.endpoints() == {"OPENAI_API_KEY": CANARY}
    with pytest.raises(TypeError):
        pickle.dumps(settings)
    with pytest.raises(TypeError):
        json.dumps(settings.models.openai_api_key)
    assert copy.deepcopy(settings.models) == settings.models


def test_endpoints_carry_every_key_and_address_by_its_usual_name() -> None:
    environ = {
        "OPENAI_API_KEY": "a",
        "OPENAI_BASE_URL": "http://o/v1",
        "ANTHROPIC_API_KEY": "b",
        "ANTHROPIC_BASE_URL": "http://a",
        "GEMINI_API_KEY": "c",
        "GOOGLE_GEMINI_BASE_URL": "http://g",
        "OLLAMA_HOST": "127.0.0.1:11434",
    }

    assert load_settings(environ=environ).models.endpoints() == environ


def test_the_password_of_an_address_is_not_printed() -> None:
    assert shown("http://ada:secret@host:80/v1") == "http://...@host:80/v1"
    assert (shown("plain@text"), shown(3), shown(Path("/x")), shown(None)) == ("plain@text", 3, "/x", None)


def test_every_setting_has_a_variable_of_its_own() -> None:
    variables = [field.variable for field in FIELDS.values()]

    assert len(set(variables)) == len(variables)
    assert all(variable.startswith("HONING_") for variable in variables)


@pytest.mark.parametrize(
    ("key", "flag"),
    [
        ("limits.max_connections", "--max-connections"),
        ("models.default", "--llm"),
        ("sandbox.kind", "--sandbox"),
    ],
)
def test_the_origin_of_a_flag_is_the_option_that_commands_give_it(key: str, flag: str) -> None:
    assert load_settings(flags={key: {"sandbox.kind": "auto"}.get(key, "3")}).origins[key].where == flag


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()

    with pytest.raises(AttributeError):
        settings.limits.max_connections = 9  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.origins["paths.home"] = Origin(Place.FLAG, "x")  # type: ignore[index]
    assert isinstance(settings, Settings)


def test_the_documentation_lists_every_setting_with_its_variables() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()

    missing = [
        name
        for field in FIELDS.values()
        for name in (field.key, field.variable, *(usual.name for usual in field.usual))
        if f"`{name}`" not in page
    ]

    assert missing == []
