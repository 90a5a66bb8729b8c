"""A program that plays the perfect model, for targets whose right answers stand in no table.

It runs in the sandbox without a network, sees a read-only copy of the target, and is asked line by line
through a socket that only Honing holds. A crash starts it anew for the next prompt.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from honing.contract.samples.sample import Sample
from honing.contract.stages.copies import fresh_copy
from honing.contract.workbench.bench import Bench
from honing.contract.workbench.surroundings import port_inside
from honing.documents import parse_json
from honing.errors import MetricsError, ModelReplyError, ModelServerError, ModelTimeoutError
from honing.llm import ModelReply, ModelRequest, Role, Usage, prompt_text
from honing.sandbox import Command, Finished, Forward, Limits, Mount

PORT = 4142
ANSWER_LIMIT_S = 60.0
START_LIMIT_S = 60.0
_LINE_BYTES = 4 * 1024 * 1024
_LIFE_S = 7 * 86400.0
_CONNECT = (
    "import os,socket,sys\n"
    "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
    "os.dup2(s.fileno(), 0); os.dup2(s.fileno(), 1)\n"
    "os.execvp('python3', ['python3', '-u', sys.argv[2]])\n"
)


class PolicyOracle:
    """An `Answerer` that passes each prompt to the contract's program and gives its answer.

    Args:
        bench: Where it runs.
        program: Its path in the working copy.
        answer_s: Seconds for one answer; after that it is stopped and started anew.
    """

    name = "policy"

    def __init__(self, bench: Bench, program: str, *, answer_s: float = ANSWER_LIMIT_S) -> None:
        self._bench = bench
        self._program = program
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._life: _Life | None = None

    def answer(self, request: ModelRequest) -> ModelReply:
        """What the program answers to the last turn of the user.

        Raises:
            ModelServerError: It cannot be started, or ended instead of answering.
            ModelTimeoutError: It did not answer in time.
            ModelReplyError: Its line is not of the agreed form.
        """
        prompt = next((m.text for m in reversed(request.messages) if m.role is Role.USER), "")
        with self._lock:
            text = self._asked(json.dumps({"prompt": prompt}).encode() + b"\n")
        usage = Usage(input_tokens=len(prompt) // 4, output_tokens=len(text) // 4)
        return ModelReply(text=text, model=request.model, usage=usage)

    def _asked(self, line: bytes) -> str:
        """The answer to one line; a program that ended after an earlier answer is started once more."""
        while True:
            used = self._life is not None
            if self._life is None:
                self._life = _Life(self._bench, self._program)
            try:
                return _completion(self._life.ask(line, self._answer_s))
            except ModelServerError:
                self._end()
                if not used:
                    raise
            except Exception:
                self._end()
                raise

    def close(self) -> None:
        """Stop the program. Safe to repeat."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._life is not None:
            self._life.end()
            self._life = None


class Misplaced:
    """The SHUFFLED control where a policy plays ORACLE: for each prompt, what it answered to another one."""

    name = "shuffled"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._right: dict[str, str] = {}

    def learn(self, samples: Sequence[Sample]) -> None:
        """Take in what the policy answered."""
        self._right = {_fold(sample.prompt): sample.completion for sample in samples}

    @property
    def possible(self) -> bool:
        """Whether any two answers differ."""
        return len(set(self._right.values())) > 1

    def answer(self, request: ModelRequest) -> ModelReply:
        """Another prompt's answer, a different one where this prompt's own is known."""
        prompt = _fold(prompt_text(request))
        own = self._right.get(prompt)
        others = sorted({text for text in self._right.values() if text != own})
        pick = hashlib.sha256(f"{self._seed}\0{prompt}".encode()).digest()
        text = others[int.from_bytes(pick[:8], "big") % len(others)] if others else ""
        usage = Usage(input_tokens=len(prompt) // 4, output_tokens=len(text) // 4)
        return ModelReply(text=text, model=request.model, usage=usage)


def _fold(text: str) -> str:
    return " ".join(text.split())


def _completion(line: bytes) -> str:
    try:
        document = parse_json(line, source="the oracle's policy")
    except MetricsError as error:
        raise ModelReplyError(str(error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("completion"), str):
        raise ModelReplyError(
            f'the oracle\'s policy answers with {{"completion": text}} on one line, got {str(document)[:200]}'
        )
    return str(document["completion"])


class _Life:
    """One start of the program, up to its end."""

    def __init__(self, bench: Bench, program: str) -> None:
        self._cancel = threading.Event()
        self._finished: Finished | None = None
        self._unread = b""
        self._scratch = tempfile.TemporaryDirectory(prefix="honing-")
        path = Path(self._scratch.name) / "policy.sock"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        folder = fresh_copy(bench.run, bench.trees, bench.prepared, "policy")
        self._thread = threading.Thread(
            target=self._run,
            args=(bench, _command(bench, folder, program, path)),
            name="honing-policy",
            daemon=True,
        )
        self._thread.start()
        self._connection = self._accept()

    def ask(self, line: bytes, limit_s: float) -> bytes:
        self._connection.settimeout(limit_s)
        try:
            self._connection.sendall(line)
            while b"\n" not in self._unread:
                chunk = self._connection.recv(1 << 16)
                if not chunk:
                    raise ModelServerError(f"the oracle's policy ended instead of answering{self._said()}")
                self._unread += chunk
                if len(self._unread) > _LINE_BYTES:
                    raise ModelReplyError("the oracle's policy wrote a line without end")
        except TimeoutError as error:
            raise ModelTimeoutError(f"the oracle's policy did not answer within {limit_s:g} s") from error
        except (BrokenPipeError, ConnectionError) as error:
            raise ModelServerError(f"the oracle's policy ended instead of answering{self._said()}") from error
        found, _, self._unread = self._unread.partition(b"\n")
        return found

    def end(self) -> None:
        self._cancel.set()
        with contextlib.suppress(AttributeError):
            self._connection.close()
        self._listener.close()
        self._thread.join(START_LIMIT_S)
        self._scratch.cleanup()

    def _run(self, bench: Bench, command: Command) -> None:
        assert bench.surroundings.sandbox is not None
        self._finished = bench.surroundings.sandbox.run(command, cancel=self._cancel)

    def _accept(self) -> socket.socket:
        self._listener.settimeout(0.1)
        waited = 0.0
        while waited < START_LIMIT_S and self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                return self._listener.accept()[0]
            waited += 0.1
        said = self._said()
        self.end()
        raise ModelServerError(f"the oracle's policy did not start{said}")

    def _said(self) -> str:
        self._thread.join(2.0)
        tail = "" if self._finished is None else self._finished.stderr.strip()[-400:]
        return f"; it printed last:\n{tail}" if tail else ""


def _command(bench: Bench, folder: Path, program: str, path: Path) -> Command:
    assert bench.surroundings.sandbox is not None
    context = bench.context(folder, None, None)
    port = port_inside(bench.surroundings.sandbox, PORT)
    return Command(
        argv=("python3", "-c", _CONNECT, str(port), str(folder / program)),
        workdir=folder,
        mounts=(Mount(folder), *context.mounts),
        env={**context.env, "PYTHONUNBUFFERED": "1"},
        forwards=(Forward(port, path),),
        limits=Limits(wall_s=_LIFE_S),
    )
