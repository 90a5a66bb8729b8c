"""Nothing that is secret leaves with a run, in any format, in any file; and plain words stay."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import pytest
from exported_runs import exported_run, outside, wandb_records

from honing.experiments import TRACKERS, Destination, track, tracker_named
from honing.experiments.exporting.secrets import HIDDEN, Redactor, is_secret_name
from honing.store import Fact, KeyValues, Report, Run, Section, StageEvidence, Text
from hostile_runs import acting, hostile_run

PLANTED = {
    "by a name in the config": "alpha-beta-gamma-1",
    "by a name in a document": "delta-epsilon-zeta-2",
    "by the name of a column": "eta-theta-iota-3",
    "by its form in a log": "hf_" + "A1b2C3d4E5" * 3,
    "by its form in a sample": "sk-" + "q9W8e7R6t5" * 3,
    "in an address": "kappa-lambda-mu-4",
    "in a header": "bnUteGktb21pY3Jvbi01MTIz",
    "by NAME=value": "pi-rho-sigma-6",
    "by value, in the environment": 'tau "upsilon" <phi>/7 + ä',
    "by value, given with --env": "chi-psi-omega-8",
    "in a proxy of the environment": "proxy-password-9",
    "in a document, seen in a sample": "seen-elsewhere-10",
    "beside its label": "beside-a-label-11",
    "as the name of a number": "named-by-a-secret-12",
}
KNOWN = {
    "PATH": "/usr/bin",
    "MY_SERVICE_TOKEN": PLANTED["by value, in the environment"],
    "--env COLOUR secret": PLANTED["by value, given with --env"],
    "NUMBER_SECRET": PLANTED["as the name of a number"],
    "https_proxy": f"http://me:{PLANTED['in a proxy of the environment']}@proxy.example:3128",
}


def planted_run(home: Path) -> Run:
    """A run with each of them in places where targets, users and servers leave such things."""
    run = exported_run(
        home,
        service={"api_key": PLANTED["by a name in the config"], "tokens": 512, "tokenizer": "byte-pairs"},
        url=f"https://user:{PLANTED['in an address']}@host.example/v1",
    )
    known, given = PLANTED["by value, in the environment"], PLANTED["by value, given with --env"]
    run.write_json(
        "extra/details.json",
        {
            "nested": [{"Authorization": PLANTED["by a name in a document"]}],
            "hub_token": PLANTED["in a document, seen in a sample"],
            known: [given, {"word": f"before {known} after"}],
            "score": 0.5,
            "named": {PLANTED["as the name of a number"]: 4.0},
        },
    )
    run.write_tsv(
        "who.tsv", ["user", "password"], [{"user": "me", "password": PLANTED["by the name of a column"]}]
    )
    said = (
        f"export FOO_SECRET={PLANTED['by NAME=value']}; "
        f"curl -H 'Authorization: Basic {PLANTED['in a header']}'"
        f" {PLANTED['by its form in a log']} {quote(known)} {base64.b64encode(known.encode()).decode()}"
        f" {PLANTED['in a proxy of the environment']}"
    )
    stage = StageEvidence(stage="rollout", command=said, ending="exited", ok=True, stdout=known)
    facts = KeyValues(facts=(Fact(label="API key", value=PLANTED["beside its label"]),))
    blocks = (Text(text=said), stage, facts)
    Report(title=given, sections=(Section(title=said, blocks=blocks),)).write(run.artifact("report.json"))
    sample = {
        "id": "r1", "epoch": 0, "prompt": f"{PLANTED['by its form in a sample']} {known}",
        "completion": PLANTED["in a document, seen in a sample"], "error": said, "reward": 1.0,
    }  # fmt: skip
    run.write_jsonl("samples.jsonl", [sample])
    run.write_bytes("figures/plot.png", b"\x89PNG" + PLANTED["by value, given with --env"].encode())
    return run


EACH = [
    pytest.param(name, marks=pytest.mark.slow if name in ("mlflow", "wandb") else ()) for name in TRACKERS
]
"""Their clients take ten seconds to start; what is handed to them was redacted before, as for the others."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder that a tracker wrote of the planted run."""
    run = planted_run(tmp_path_factory.mktemp("runs"))

    @cache
    def folder(name: str) -> Path:
        found = tmp_path_factory.mktemp("told") / name
        track(run, tracker_named(name), Destination(folder=found, environ=outside()), known=KNOWN)
        return found

    return folder


@cache
def texts(folder: Path) -> list[tuple[str, str]]:
    """Everything that a reader of a folder can see, by file: names, content, and what lies packed in it."""
    return list(_texts(folder))


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, str(path.relative_to(folder))
            yield path.name, path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            from pyarrow import parquet

            yield path.name, json.dumps(parquet.read_table(path).to_pydict(), ensure_ascii=False)
    for record in wandb_records(folder):
        yield "record", str(record)


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("where", list(PLANTED))
def test_no_planted_secret_is_found_anywhere(told: Callable[[str], Path], name: str, where: str) -> None:
    secret = PLANTED[where]
    forms = {secret, json.dumps(secret)[1:-1], quote(secret), base64.b64encode(secret.encode()).decode()}
    found = [file for file, text in texts(told(name)) for form in forms if form in text]

    assert found == []


@pytest.mark.parametrize("name", EACH)
def test_what_is_no_secret_is_still_there(told: Callable[[str], Path], name: str) -> None:
    everything = "\n".join(text for _, text in texts(told(name)))

    wanted = ("byte-pairs", "512", "host.example", "FOO_SECRET", "details", HIDDEN)
    assert [word for word in wanted if word not in everything] == []


def test_a_picture_that_holds_a_known_value_is_left_out_and_named(tmp_path: Path) -> None:
    told = track(planted_run(tmp_path), tracker_named("csv"), Destination(folder=tmp_path / "x"), known=KNOWN)

    assert "figures/plot.png left out: it holds a secret and cannot be edited" in told.notes
    assert [name for name in told.files if name.endswith(".png")] == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("OPENAI_API_KEY", True), ("hub.token", True), ("GITHUBTOKEN", True), ("Authorization", True),
        ("db_password", True), ("client-secret", True), ("accessKey", True), ("tokens", True),
        ("tokenizer", False), ("tokenization", False), ("key", False), ("monkey", False), ("author", False),
    ],
)  # fmt: skip
def test_names_tell_secrets(name: str, *, kept: bool) -> None:
    assert is_secret_name(name) is kept


@pytest.mark.parametrize(
    ("document", "left"),
    [
        ({"tokens": 512}, {"tokens": 512}),
        ({"tokens": "1,234"}, {"tokens": "1,234"}),
        ({"tokens": {"input": 9, "kind": "x1"}}, {"tokens": {"input": 9, "kind": HIDDEN}}),
        ({"use_token": True, "token": None, "secret": ""}, {"use_token": True, "token": None, "secret": ""}),
        ({"password": 12345678}, {"password": HIDDEN}),
        ({"tokens": ["abc", 3]}, {"tokens": [HIDDEN, 3]}),
        ({"text": "the token is right: no"}, {"text": "the token is right: no"}),
        ({"text": "max_tokens=512 n"}, {"text": "max_tokens=512 n"}),
        ({"text": "run --token=abcdef x"}, {"text": f"run --token={HIDDEN} x"}),
        ({"text": '{"api_key": "abcdef"}'}, {"text": f'{{"api_key": "{HIDDEN}"}}'}),
        ({"text": "ssh://git@host/x"}, {"text": f"ssh://{HIDDEN}@host/x"}),
        ({"text": "mail me@host.example"}, {"text": "mail me@host.example"}),
        ({"text": "the bearer of news"}, {"text": "the bearer of news"}),
        ({"text": "Basic understanding"}, {"text": "Basic understanding"}),
    ],
)
def test_words_and_counts_stay_and_values_go(document: object, left: object) -> None:
    assert Redactor().value("", document) == left


def test_a_short_value_goes_only_where_it_stands_alone() -> None:
    redactor = Redactor(["four5", "abc"])

    assert [redactor.text(text) for text in ("four5", "four5 words", "abc")] == [HIDDEN, "four5 words", "abc"]


def test_a_key_block_goes_whole() -> None:
    text = "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\nx==\n-----END RSA PRIVATE KEY----- b"

    assert Redactor().text(text) == f"a {HIDDEN} b"


def test_a_command_keeps_its_words_and_loses_its_values() -> None:
    words = ["hone", "--env", "A=b", "--env=C=d", "--api-key", "x1y2", "--max-tokens", "512", "data"]

    assert Redactor().words(words) == [
        "hone", "--env", "A=***", "--env=C=***", "--api-key", HIDDEN, "--max-tokens", "512", "data",
    ]  # fmt: skip


@pytest.mark.parametrize("name", EACH)
def test_a_hostile_run_is_handed_on_inert(tmp_path: Path, name: str) -> None:
    run = hostile_run(tmp_path / "runs", line_bytes=20_000, columns=50)
    out = tmp_path / "out"
    told = track(run, tracker_named(name), Destination(folder=out, environ=outside()), known={})

    assert told.counts["tables"] > 1
    cells = [
        cell.strip('"')
        for path in [*out.glob("*.csv"), *out.glob("tables/*.csv")]
        for line in path.read_text(encoding="utf-8").splitlines()
        for cell in line.split(",")
    ]
    assert [cell for cell in cells if cell.startswith(("=", "@", "+", "-")) and not _number(cell)] == []
    assert [cell for cell in cells for char in acting(cell) if char in "\x00\x07\x08\x1b\x9b\r\u2028"] == []


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "piece", ["a", "-", "http", "eyJ-", "token", "secret=", "://", "bearer ", "x@", "-----BEGIN "]
)
def test_a_megabyte_that_repeats_itself_is_read_in_time(piece: str) -> None:
    """Models that fail say one thing for ever; text of a quarter of that length would take minutes, were the
    time to grow with its square."""
    began = time.process_time()

    Redactor(["a-known-value"]).text(piece * (1_000_000 // len(piece)))

    assert time.process_time() - began < 20.0
