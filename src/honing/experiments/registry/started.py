"""Started in front of an experiment's command: it dies when the supervisor does, however that ends.

Run as a program: started.py SUPERVISOR_PID PROGRAM [ARGUMENT ...]. Imports nothing of Honing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""linux/prctl.h."""


def main() -> int:
    supervisor, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        # It died before the kernel was told.
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        os.execvp(program[0], program)
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    sys.exit(main())
