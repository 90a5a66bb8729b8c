"""Run a program that ends when we are gone: python -m honing.learn.serving.tether PROGRAM ARGUMENT...

Standard input is the tether: once it ends, the program and everything it started are killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Start the program, and wait for it or for the end of standard input."""
    command = list(sys.argv[1:] if argv is None else argv)
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _kill(program))
    threading.Thread(target=_end_with_parent, args=(program,), daemon=True).start()
    code = program.wait()
    # As a shell tells it: 128 and the number of the signal.
    return code if code >= 0 else 128 - code


def _end_with_parent(program: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    _kill(program)


def _kill(program: subprocess.Popen[bytes]) -> None:
    # Its own session, so that its workers are killed with it.
    if program.poll() is None:
        os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
