"""The program that runs tests inside the sandbox. It needs the standard library only.

Two processes that share no memory. The *solver* runs what the model wrote. The *referee* holds the tests, the
expected values and the nonce, which it reads only after the solver was split off. It calls the solver's
functions over a socket and gets plain data back, so that an object which claims to equal everything, a
patched `builtins`, `sys.exit(0)` or a printed verdict reach no comparison. The verdict goes to a descriptor
the solver does not have, behind the nonce; the referee's memory is closed to the solver (not dumpable; the
solver has no capabilities).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

PARTS = ("crossing", "programs", "solver", "referee", "start")
"""The files of the program, each importing only those before it."""


@cache
def program() -> str:
    """The whole program as text for `python -c`: its parts, registered under their names, then started.

    Nothing needs to be installed or mounted inside the sandbox but Python itself.
    """
    folder = Path(__file__).parent
    parts = {f"{__name__}.{part}": (folder / f"{part}.py").read_text(encoding="utf-8") for part in PARTS}
    return (
        "import sys, types\n"
        f"for name, source in {parts!r}.items():\n"
        "    module = sys.modules[name] = types.ModuleType(name)\n"
        "    exec(compile(source, name, 'exec'), module.__dict__)\n"
        "module.main()\n"
    )
