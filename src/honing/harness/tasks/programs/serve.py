"""Holds a candidate's code for hidden tests that run elsewhere; started in the candidate's copy.

    python -I serve.py PORT PATH...

Each connection gets a process of its own, forked before anything of the candidate's was imported, so no test
sees what another left. Runs under any Python since 3.8.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pathlib
import select
import socket
import subprocess
import sys
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import honing_wire as wire

LARGEST_TEXT = 1_000_000
"""Characters that a call may print, and that a command's output is cut to."""
_PAUSE_S = 0.01
_PLAIN = (int, float, str, bytes, tuple, list, dict, set, frozenset)


class Holder:
    """Answers one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held: dict[int, Any] = {}

    def serve(self) -> None:
        while True:
            try:
                message = wire.receive(self._connection)
            except wire.WireError:
                return
            wire.send(self._connection, self._answer(message))

    def _answer(self, message: Any) -> Any:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                answer = getattr(self, "do_" + message["op"])(message)
        except wire.WireError as error:
            answer = {"error": self._error(RuntimeError(str(error)))}
        except BaseException as error:  # noqa: BLE001 - whatever the candidate raises is the test's to judge
            answer = {"error": self._error(error)}
        if printed.tell():
            answer["printed"] = printed.getvalue()[:LARGEST_TEXT]
        return answer

    def do_import(self, message: Any) -> Any:
        return {"value": self._keep(importlib.import_module(message["name"]))}

    def do_get(self, message: Any) -> Any:
        return {"value": self._encode(getattr(self._held[message["of"]], message["name"]))}

    def do_set(self, message: Any) -> Any:
        setattr(self._held[message["of"]], message["name"], self._decode(message["value"]))
        return {"value": None}

    def do_del(self, message: Any) -> Any:
        delattr(self._held[message["of"]], message["name"])
        return {"value": None}

    def do_call(self, message: Any) -> Any:
        args = [self._decode(one) for one in message["args"]]
        kwargs = {name: self._decode(one) for name, one in message["kwargs"].items()}
        result = self._held[message["of"]](*args, **kwargs)
        changed = [
            [at, self._encode(after)]
            for at, (sent, after) in enumerate(zip(message["args"], args))  # noqa: B905 - Python 3.8 has no `strict`
            if type(after) in (list, dict, set) and self._encode(after) != sent
        ]
        return {"value": self._encode(result), "changed": changed}

    def do_method(self, message: Any) -> Any:
        """A special method, looked up as the interpreter would, on the type."""
        held = self._held[message["of"]]
        method = getattr(type(held), message["name"], None)
        if method is None:
            raise TypeError(f"{type(held).__name__} has no {message['name']}")
        result = method(held, *[self._decode(one) for one in message["args"]])
        return {"value": {"k": "no"} if result is NotImplemented else self._encode(result)}

    def do_isinstance(self, message: Any) -> Any:
        return {"value": isinstance(self._decode(message["value"]), self._held[message["of"]])}

    def do_run(self, message: Any) -> Any:
        shell = isinstance(message["command"], str)
        command = ["bash", "-c", message["command"]] if shell else message["command"]
        command = ["env", *(f"{name}={value}" for name, value in message["env"].items()), *command]
        finished = subprocess.run(
            command,
            input=message["stdin"].encode(),
            capture_output=True,
            timeout=message["timeout_s"],
            cwd=message["workdir"],
            check=False,
        )
        texts = [one.decode("utf-8", "replace")[:LARGEST_TEXT] for one in (finished.stdout, finished.stderr)]
        return {"value": wire.encode((finished.returncode, *texts), self._refused)}

    def do_read(self, message: Any) -> Any:
        path = pathlib.Path(message["path"])
        return {"value": path.read_bytes().decode("utf-8", "replace") if path.is_file() else None}

    def _encode(self, value: Any) -> Any:
        return wire.encode(value, self._other)

    def _decode(self, value: Any) -> Any:
        return wire.decode(value, self._given)

    def _other(self, value: Any) -> Any:
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"k": "x", "lineage": _lineage(value)}
        return self._keep(value)

    def _keep(self, value: Any) -> Any:
        self._held[id(value)] = value
        found = {"k": "o", "id": id(value), "type": type(value).__name__, "call": callable(value)}
        if isinstance(value, _PLAIN):
            found["plain"] = self._encode(wire.plain_content(value))
        return found

    def _given(self, value: Any) -> Any:
        if value["k"] == "h":
            return self._held[value["id"]]
        if value["k"] == "x":
            return _class_of(value["lineage"])
        if value["k"] == "cb":
            return self._callback(value["id"])
        raise wire.WireError("an unknown kind of value")

    def _callback(self, number: int) -> Any:
        def callback(*args: Any, **kwargs: Any) -> Any:
            given = {name: self._encode(one) for name, one in kwargs.items()}
            asked = {"callback": number, "args": [self._encode(one) for one in args], "kwargs": given}
            wire.send(self._connection, asked)
            while True:
                message = wire.receive(self._connection)
                if "result" in message:
                    return self._decode(message["result"])
                if "raised" in message:
                    raise RuntimeError(message["raised"])
                # The callback itself asks something of the candidate before it answers.
                wire.send(self._connection, self._answer(message))

        return callback

    def _error(self, error: BaseException) -> dict[str, Any]:
        """An exception as far as a test can ask about it."""
        try:
            text = str(error)[:LARGEST_TEXT]
        except Exception:  # noqa: BLE001 - the candidate's own __str__
            text = ""
        try:
            args = [wire.encode(one, self._refused) for one in error.args]
        except wire.WireError:
            args = [text]
        return {"lineage": _lineage(type(error)), "text": text, "args": args}

    @staticmethod
    def _refused(value: Any) -> Any:
        raise wire.WireError(f"a {type(value).__name__} cannot be carried")


def _lineage(kind: type) -> list[list[str]]:
    """The class and what it comes from, as [module, name], nearest first."""
    classes = [one for one in kind.__mro__ if issubclass(one, BaseException)]
    return [[str(one.__module__), str(one.__qualname__)] for one in classes][:20]


def _class_of(lineage: list[list[str]]) -> Any:
    module, name = lineage[0]
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def main() -> None:
    port = int(sys.argv[1])
    paths = [os.path.abspath(path) for path in sys.argv[2:]]  # noqa: PTH100 - `resolve` would follow links
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
        except OSError:
            return
        # Its other end speaks when a test begins; its end is ours.
        select.select([connection], [], [])
        if not connection.recv(1, socket.MSG_PEEK):
            # A test that asked nothing, or the end of all of them: then this process is ended from outside.
            connection.close()
            time.sleep(_PAUSE_S)
            continue
        if os.fork() == 0:
            sys.path[:0] = paths
            try:
                Holder(connection).serve()
            finally:
                os._exit(0)
        connection.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


if __name__ == "__main__":
    main()
