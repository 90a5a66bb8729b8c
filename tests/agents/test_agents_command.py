"""Any program as an agent: what it is given, what it sees, and how its endings are told apart."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_scene import KEY, alive, scene
from recorded_sessions import stream

from honing.agents import AgentOutcome, AgentSettings, CommandAgent, Trouble, agent_named, probe
from honing.errors import MissingToolError, UsageError
from honing.llm import Fault, FaultKind
from honing.sandbox import (
    Capability,
    LandlockSandbox,
    Sandbox,
    Scripted,
    ScriptedSandbox,
    UnconfinedSandbox,
)

ASKS = """
import json, os, sys, urllib.request
tools = [{"type": "function", "function": {"name": "none", "parameters": {"type": "object"}}}]
said = [{"role": "user", "content": sys.stdin.read()}]
body = {"model": os.environ["OPENAI_MODEL"], "messages": said, "tools": tools}
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "content-type": "application/json"},
)
answer = json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
"""


def program(folder: Path, text: str, name: str = "my-agent") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def command(folder: Path, text: str, **options: Any) -> CommandAgent:
    """An agent of a program with that text, which lies in `folder`."""
    path = program(folder, text)
    return CommandAgent(AgentSettings(base=folder, options={"argv": f"./{path.name}", **options}))


def python(text: str) -> str:
    return f"#!/usr/bin/env python3\n{text}"


def test_a_program_that_asks_its_model_edits_the_workspace_and_is_counted(tmp_path: Path) -> None:
    write = python(
        f"{ASKS}\nopen('honing-probe.txt', 'w').write('ready\\n')\nprint('thinking')\nprint(answer)"
    )
    with scene(tmp_path, ["I am done."]) as here:
        found = probe(command(tmp_path / "bin", write), here.task)

        asked = here.server.requests[-1].request
        assert asked is not None
        assert (found.ok, found.run.agent, found.run.outcome) == (True, "command", AgentOutcome.FINISHED)
        assert (found.run.message, found.run.version, found.run.usage.calls) == ("I am done.", "", 1)
        assert asked.messages[-1].text.startswith("Write the file honing-probe.txt")
        assert (here.left, here.task.home.exists()) == ({"honing-probe.txt": "ready\n"}, False)


@pytest.mark.parametrize("sandbox", [LandlockSandbox(), UnconfinedSandbox()], ids=["landlock", "unconfined"])
def test_it_runs_in_a_weaker_sandbox_too(tmp_path: Path, sandbox: Sandbox) -> None:
    text = python(f"{ASKS}\nopen('made.txt', 'w').write(os.environ['HONING_WORKSPACE'])\nprint(answer)")
    with scene(tmp_path, ["I am done."]) as here:
        run = command(tmp_path / "bin", text).run(replace(here.task, sandbox=sandbox))

        assert (run.outcome, run.reason, run.sandbox) == (AgentOutcome.FINISHED, "", sandbox.name)
        assert (run.message, here.left) == ("I am done.", {"made.txt": str(here.workspace)})


def test_the_brief_is_its_input_a_file_and_a_word(tmp_path: Path) -> None:
    text = """#!/bin/sh
        cat > from-input.txt; cat "$HONING_BRIEF" > from-file.txt; printf %s "$1" > from-word.txt
        printf '%s|%s|%s|%s' "$2" "$3" "$PWD" "$MINE" > rest.txt
        cmp "$4" "$HONING_BRIEF" && touch same-file
    """
    program(tmp_path / "bin", text)
    brief = "Do this:\n  'quotes' $HOME {model} `and` ünïcode\n"
    agent = CommandAgent(
        AgentSettings(
            base=tmp_path / "bin",
            options={
                "argv": [
                    "./my-agent",
                    "{brief}",
                    "{workspace}",
                    "--model={model} {other}",
                    "{brief_file}",
                ],
                "env": {"MINE": "{model}+1", "NUMBER": 7},
            },
        )
    )
    with scene(tmp_path) as here:
        run = agent.run(replace(here.task, brief=brief))

        assert (run.outcome, run.reason) == (AgentOutcome.FINISHED, "")
        assert here.left == {
            **dict.fromkeys(("from-input.txt", "from-file.txt", "from-word.txt"), brief),
            "rest.txt": "/workspace|--model=scripted {other}|/workspace|scripted+1",
            "same-file": "",
        }


def test_it_sees_no_key_no_host_and_no_network(tmp_path: Path) -> None:
    secret = tmp_path / "of-the-host.txt"
    secret.write_text("CANARY")
    look = f"""#!/bin/sh
        env > seen.txt; cat {secret} /root/.bashrc {tmp_path}/bin/other >> seen.txt 2>&1
        python3 -c 'import socket; socket.create_connection(("192.0.2.1", 80), 3)' >> seen.txt 2>&1
        exit 0
    """
    program(tmp_path / "bin", "CANARY", "other")
    with scene(tmp_path) as here:
        run = command(tmp_path / "bin", look).run(here.task)

        seen = here.left["seen.txt"]
        assert (run.outcome, KEY in seen, "CANARY" in seen) == (AgentOutcome.FINISHED, False, False)
        assert (seen.count("No such file"), "Network is unreachable" in seen) == (3, True)


def test_a_program_that_needs_no_model_runs_without_one(tmp_path: Path) -> None:
    agent = command(tmp_path / "bin", "#!/bin/sh\nenv | grep -c OPENAI; touch made\n")
    with scene(tmp_path) as here:
        run = agent.run(replace(here.task, model="", channel=None))

        assert (run.outcome, run.message, here.left) == (AgentOutcome.FINISHED, "0", {"made": ""})


@pytest.mark.parametrize(
    ("text", "expected", "said"),
    [
        ("echo broken >&2; exit 3", (AgentOutcome.CRASH, Trouble.OTHER), "ended with 3: broken"),
        ("kill -9 $$", (AgentOutcome.CRASH, Trouble.OTHER), "ended by a signal"),
        ("echo 'Not logged in' >&2; exit 1", (AgentOutcome.CRASH, Trouble.AUTHENTICATION), "Not logged in"),
        ("mkdir /usr/x", (AgentOutcome.CRASH, Trouble.PERMISSION), "Read-only file system"),
        ("sleep 60", (AgentOutcome.TIMEOUT, Trouble.TIME), "time limit"),
        ("python3 -c 'x = bytearray(400_000_000)'", (AgentOutcome.CRASH, Trouble.LIMIT), "memory"),
    ],
    ids=["exits with 3", "killed", "no log-in", "cannot write", "hangs", "memory"],
)
def test_endings_are_told_apart(
    tmp_path: Path, text: str, expected: tuple[AgentOutcome, Trouble], said: str
) -> None:
    with scene(tmp_path, limit_s=4.0) as here:
        limits = replace(here.task.limits, memory_bytes=200_000_000)

        run = command(tmp_path / "bin", f"#!/bin/sh\n{text}\n").run(replace(here.task, limits=limits))

        assert (run.outcome, run.trouble) == expected
        assert said in run.reason


def test_a_call_that_failed_counts_before_its_exit_code(tmp_path: Path) -> None:
    text = python(f"try:\n    exec({ASKS!r})\nexcept Exception:\n    pass\n")
    with scene(tmp_path, faults=[Fault(kind=FaultKind.SERVER_ERROR)] * 9) as here:
        run = command(tmp_path / "bin", text).run(here.task)

        assert (run.outcome, run.trouble, run.exit_code) == (AgentOutcome.INFRA_ERROR, Trouble.SERVER, 0)


def test_a_program_that_prints_the_events_of_a_known_agent_is_read_as_that_one(tmp_path: Path) -> None:
    text = f"#!/bin/sh\ncat <<'END'\n{stream('claude_code_denied')}END\n"
    with scene(tmp_path) as here:
        run = command(tmp_path / "bin", text, reads="claude_code").run(here.task)

        assert (run.agent, run.outcome, run.trouble) == ("command", AgentOutcome.REFUSED, Trouble.PERMISSION)
        assert run.reason == "it was not permitted to use Write, Bash"


def test_its_version_is_asked_for_where_it_has_one(tmp_path: Path) -> None:
    text = '#!/bin/sh\n[ "$1" = version ] && echo "mine 3.2.1" || touch ran\n'
    with scene(tmp_path) as here:
        run = command(tmp_path / "bin", text, version="version").run(here.task)

        assert (run.version, here.left) == ("3.2.1", {"ran": ""})


def test_a_program_of_a_virtual_environment_finds_its_modules(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    packages = venv / f"lib/python3.{sys.version_info.minor}/site-packages"
    packages.mkdir(parents=True)
    (packages / "my_module.py").write_text("WORD = 'found'\n")
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(sys._base_executable)
    (venv / "pyvenv.cfg").write_text(f"home = {Path(sys._base_executable).parent}\n")
    text = f"#!{venv}/bin/python\nimport my_module\nopen('word.txt', 'w').write(my_module.WORD)\n"
    path = program(venv / "bin", text)
    with scene(tmp_path) as here:
        run = CommandAgent(AgentSettings(options={"argv": [str(path)]})).run(here.task)

        assert (run.outcome, run.reason, here.left) == (AgentOutcome.FINISHED, "", {"word.txt": "found"})


def test_files_beside_it_are_seen_where_they_are_named_only(tmp_path: Path) -> None:
    text = f"#!/bin/sh\ncat {tmp_path}/bin/rules.txt > seen.txt; exit 0\n"
    program(tmp_path / "bin", "the rules", "rules.txt")
    with scene(tmp_path) as here:
        command(tmp_path / "bin", text).run(here.task)
        without = here.left["seen.txt"]
        command(tmp_path / "bin", text, mounts=["rules.txt"]).run(here.task)

        assert (without, here.left["seen.txt"]) == ("", "the rules")


def test_a_program_on_path_is_found_and_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    program(tmp_path / "bin", "#!/bin/sh\ntouch ran\n")
    with scene(tmp_path) as here:
        ran = agent_named("command:my-agent --flag", AgentSettings(path=str(tmp_path / "bin"))).run(here.task)
        gone = agent_named("command:my-agent", AgentSettings(path="/usr/bin")).run(here.task)

        assert (ran.outcome, here.left) == (AgentOutcome.FINISHED, {"ran": ""})
        assert (gone.outcome, gone.trouble) == (AgentOutcome.CRASH, Trouble.PROGRAM)
        assert "'my-agent' was not found" in gone.reason


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "which program"),
        ({"argv": ""}, "which program"),
        ({"argv": "'unclosed"}, "No closing quotation"),
        ({"argv": 5}, "option 'argv' must be str or list, got 5"),
        ({"argv": "true", "reads": "word"}, "no agent whose events are known"),
        ({"argv": "true", "argvs": "true"}, "Did you mean 'argv'"),
        ({"argv": "true", "env": "A=1"}, "option 'env' must be dict"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(options: Mapping[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        CommandAgent(AgentSettings(options=options))


def test_no_program_starts_without_the_protections_it_needs(tmp_path: Path) -> None:
    weak = ScriptedSandbox({}, default=Scripted(), capabilities=frozenset({Capability.ENV_CLEAN}))
    with scene(tmp_path) as here, pytest.raises(MissingToolError, match="agent command needs"):
        command(tmp_path / "bin", "#!/bin/sh\n").run(replace(here.task, sandbox=weak))
    assert weak.commands == []


def test_what_it_leaves_running_is_dead_when_it_ends(tmp_path: Path) -> None:
    mark = f"mark-{tmp_path.name}"
    linger = f"python3 -c 'import time; time.sleep(600)' {mark}"
    with scene(tmp_path) as here:
        text = f"#!/bin/sh\nsetsid {linger} & {linger} &\ntouch done\n"

        run = command(tmp_path / "bin", text).run(here.task)

        assert (run.outcome, here.left) == (AgentOutcome.FINISHED, {"done": ""})
        assert alive(mark) == []


def test_its_run_is_plain_data(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        run = command(tmp_path / "bin", "#!/bin/sh\nexit 1\n").run(here.task)

        assert json.loads(json.dumps(run.as_document()))["reason"] == "it ended with 1: it printed nothing"
