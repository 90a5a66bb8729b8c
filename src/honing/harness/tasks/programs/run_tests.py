"""Runs hidden tests; the candidate's code is elsewhere.

    python -I run_tests.py PORT FOLDER RESULTS      with a JSON document on standard input

Each test begins anew: its file is read again, and a new process on the other side answers it. The results
are written once, at the end, into a folder that nothing of the candidate's can see.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
import unittest
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parent))
import honing_subject as subject
import honing_wire as wire


def main() -> None:
    port, folder, results = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    asked = json.load(sys.stdin)
    sys.path.insert(0, str(folder))
    subject.install(asked["modules"])
    held = {test: _passes(test, folder, port, float(asked["test_timeout_s"])) for test in asked["tests"]}
    wire.write_results(results, {"nonce": asked["nonce"], "held": held})


def _passes(test: str, folder: Path, port: int, limit_s: float) -> bool:
    """Whether one test ran to its end and everything in it held. Skipped, missing and broken ones do not."""
    known = set(sys.modules)
    try:
        subject.Connection.current = subject.Connection(port, limit_s)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return _held(test, folder)
    except BaseException:  # noqa: BLE001 - a test that ends in any other way than by returning has failed
        return False
    finally:
        if subject.Connection.current is not None:
            subject.Connection.current.close()
            subject.Connection.current = None
        subject.forget()
        for name in set(sys.modules) - known:
            file = getattr(sys.modules[name], "__file__", None)
            if isinstance(file, str) and Path(file).is_relative_to(folder):
                del sys.modules[name]


def _held(test: str, folder: Path) -> bool:
    file, *names = test.split("::")
    module = _loaded(folder / file)
    if len(names) == 1:
        found = getattr(module, names[0])()
        return found is None
    kind = getattr(module, names[0])
    result = unittest.TestResult()
    unittest.TestSuite([kind(names[1])]).run(result)
    odd = (result.skipped, result.expectedFailures, result.unexpectedSuccesses)
    return result.testsRun == 1 and result.wasSuccessful() and not any(odd)


def _loaded(file: Path) -> ModuleType:
    name = "hidden_" + "".join(each if each.isalnum() else "_" for each in file.stem)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
