"""A model folder behind a loopback address: served, measured, and gone when its user is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from honing.errors import MissingToolError, ModelServerError, UsageError
from honing.learn import Loader, LocalServer, ServerOptions

teach = pytest.mark.teach


def post(base_url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{base_url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def turns(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def until(holds: Callable[[], bool]) -> bool:
    """Whether it holds within half a minute."""
    for _ in range(600):
        if holds():
            return True
        time.sleep(0.05)
    return False


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@teach
def test_a_served_folder_speaks_chat_completions_and_ends_with_its_block(
    tiny: Path, answers: dict[str, str]
) -> None:
    question = "Which number belongs to name6 ?"
    with LocalServer(tiny, ServerOptions(device="cpu")) as server:
        found = post(server.base_url, {"model": server.model, "messages": turns(question), "logprobs": True})
        about, pid = dict(server.about), server.pid
        during = is_running(pid)

    assert (during, is_running(pid)) == (True, False)
    assert found["choices"][0]["message"]["content"] == answers[question]
    assert found["usage"]["prompt_tokens"] == 9
    assert found["usage"]["completion_tokens"] == 3
    assert len(found["choices"][0]["logprobs"]["content"]) == 3
    parameters = about.pop("parameters")
    assert parameters > 1000
    assert about == {
        "loader": "honing",
        "prompting": "chat_template",
        "context_tokens": 64,
        "device": "cpu",
        "dtype": "float32",
    }


USER = """
import sys, time
from pathlib import Path
from honing.learn import LocalServer, ServerOptions
with LocalServer(Path(sys.argv[1]), ServerOptions(device="cpu")) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


@teach
def test_the_server_ends_with_its_user_even_where_that_is_killed(tiny: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", USER, str(tiny)], stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        server = int(user.stdout.readline())
        during = is_running(server)
        os.kill(user.pid, signal.SIGKILL)

    assert during
    assert until(lambda: not is_running(server))


@teach
def test_the_command_serves_on_the_port_it_is_given(tiny: Path, answers: dict[str, str]) -> None:
    command = [sys.executable, "-m", "honing.learn.serve", str(tiny), "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        found = post(told["base_url"], {"model": "any", "messages": turns(next(iter(answers)))})
        server.terminate()
        ended = server.wait(30)

    assert (told["model"], ended) == ("tiny", 0)
    assert found["choices"][0]["message"]["content"] == next(iter(answers.values()))


@teach
def test_a_model_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "nothing-like-it"}')

    with (
        pytest.raises(ModelServerError, match=r"could not be served: (?s:.*)loading the model"),
        LocalServer(tmp_path, ServerOptions(device="cpu")),
    ):
        pass


@teach
def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"no model folder \(it holds no config.json"),
        LocalServer(tmp_path),
    ):
        pass


WITHOUT = """
import sys
sys.modules["torch"] = None
from pathlib import Path
from honing.errors import MissingToolError
from honing.learn import LocalServer
try:
    LocalServer(Path(sys.argv[1])).__enter__()
except MissingToolError as error:
    print(error, end="")
"""


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith(
        "local models need the extra `teach`: pip install 'honing[teach]' (on a machine without a GPU"
    )
    assert "\n" not in done.stdout


SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def test_a_tethered_program_ends_with_the_input_of_its_tether() -> None:
    command = [sys.executable, "-m", "honing.learn.serving.tether", sys.executable, "-c", SLEEPER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tether:
        assert tether.stdin is not None
        assert tether.stdout is not None
        program = int(tether.stdout.readline())
        during = is_running(program)
        tether.stdin.close()
        code = tether.wait(30)

    assert (during, code) == (True, 128 + signal.SIGKILL)
    assert until(lambda: not is_running(program))


SERVING = all(find_spec(name) for name in ("fastapi", "openai", "uvicorn"))


@teach
@pytest.mark.slow
def test_the_other_server_says_what_it_lacks(tiny: Path) -> None:
    # `transformers serve` comes with a further extra; where that is there, it must serve.
    options = ServerOptions(loader=Loader.TRANSFORMERS, device="cpu")
    question = "Which number belongs to name6 ?"
    said = ""
    try:
        with LocalServer(tiny, options) as server:
            body = {"model": server.model, "messages": turns(question), "temperature": 0.0}
            said = post(server.base_url, body)["choices"][0]["message"]["content"]
            pid = server.pid
        assert not is_running(pid)
    except MissingToolError as error:
        said = str(error)

    assert said.strip() == "#### 45" if SERVING else "pip install 'transformers[serving]'" in said
