"""Sources for tests of hidden tests: what such tests usually need of a module, and ways to cheat them."""

from __future__ import annotations

USUAL_CODE = """\
import dataclasses, enum, decimal
class Trouble(ValueError):
    pass
class Colour(enum.StrEnum):
    RED = "red"
@dataclasses.dataclass
class Point:
    x: int = 1
    def __add__(self, other): return Point(self.x + other.x)
    def __len__(self): return self.x
LIMIT = 3
def fail(): raise Trouble("too much")
def sort(values): values.sort()
def fill(table): table["new"] = (1, [2.5, None])
def say(): print("hello")
def each(function): return [function(one) for one in range(3)]
def colour(): return Colour.RED
def count(): yield from range(3)
def leave(): raise SystemExit(3)
def money(): return decimal.Decimal("1.10")
def above(x): return x > LIMIT
class Box:
    def __enter__(self): return self
    def __exit__(self, *error): return False
"""

USUAL_TESTS = """\
import contextlib, decimal, io, unittest
from unittest import mock
import app
from app import Colour, Point, Trouble
from honing_subject import read, run

class Deep(unittest.TestCase):
    def test_errors(self):
        with self.assertRaises(Trouble) as caught:
            app.fail()
        self.assertEqual(str(caught.exception), "too much")
        self.assertIsInstance(caught.exception, ValueError)
        with self.assertRaises(SystemExit) as left:
            app.leave()
        self.assertEqual(left.exception.code, 3)

    def test_changed_arguments(self):
        values, table = [3, 1, 2], {}
        app.sort(values)
        app.fill(table)
        self.assertEqual((values, table), ([1, 2, 3], {"new": (1, [2.5, None])}))

    def test_printed(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            app.say()
        self.assertEqual(out.getvalue(), "hello\\n")

    def test_callbacks(self):
        self.assertEqual(app.each(lambda one: one * 10), [0, 10, 20])

    def test_objects(self):
        self.assertEqual(Point(2), Point(2))
        self.assertNotEqual(Point(2), Point(3))
        self.assertEqual((Point(2) + Point(3)).x, 5)
        self.assertEqual(len(Point(4)), 4)
        self.assertIsInstance(Point(), Point)
        with app.Box() as box:
            self.assertIsInstance(box, app.Box)

    def test_plain_values(self):
        self.assertEqual(app.colour(), "red")
        self.assertIsInstance(app.colour(), str)
        self.assertEqual(app.colour(), Colour.RED)
        self.assertEqual(list(app.count()), [0, 1, 2])
        self.assertEqual(app.money(), decimal.Decimal("1.10"))

    def test_patched(self):
        with mock.patch("app.LIMIT", 10):
            self.assertFalse(app.above(5))
        self.assertTrue(app.above(5))

    def test_missing(self):
        with self.assertRaises(AttributeError):
            app.nothing()
        with self.assertRaises(ImportError):
            import no_such_module

    def test_commands_and_files(self):
        ran = run("cat; echo to stderr >&2; exit 3", stdin="typed")
        self.assertEqual((ran.code, ran.stdout, ran.stderr), (3, "typed", "to stderr\\n"))
        self.assertEqual(run(["python3", "-c", "print(1)"]).stdout, "1\\n")
        self.assertEqual(run("echo $A", env={"A": "b"}, workdir="sub").stdout, "b\\n")
        self.assertEqual((read("sub/file"), read("none")), ("text", None))
"""

CHEATS = {
    "an equality that is always true": """\
        class Always(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            __hash__ = int.__hash__
        class Any:
            def __eq__(self, other): return True
            def __bool__(self): return True
        def add(a, b): return Always() if isinstance(a, int) else Any()
        """,
    "ending the process well": "import os\ndef add(a, b): os._exit(0)\n",
    "ending at import": "import os\nos._exit(0)\n",
    "sys.exit(0)": "import sys\ndef add(a, b): sys.exit(0)\n",
    "skipping": "import unittest\ndef add(a, b): raise unittest.SkipTest('later')\n",
    "patched assertions": """\
        import unittest
        for name in dir(unittest.TestCase):
            if name.startswith('assert'):
                setattr(unittest.TestCase, name, lambda *args, **kwargs: None)
        unittest.TestResult.wasSuccessful = lambda self: True
        def add(a, b): return None
        """,
    "a walk over the stack": """\
        import gc, sys
        def add(a, b):
            frame = sys._getframe()
            while frame:
                for holder in (frame.f_locals, frame.f_globals):
                    for name, value in list(holder.items()):
                        if isinstance(value, dict) and 'held' in value: value['held'] = True
                frame = frame.f_back
            for one in gc.get_objects():
                if isinstance(one, dict) and any(str(k).startswith('test_') for k in one):
                    for k in list(one): one[k] = True
            return None
        """,
    "forged results": """\
        import glob, json, os
        def add(a, b):
            for folder in ['/honing/results', '/honing', '/tmp', '.', *glob.glob('/honing/*')]:
                try:
                    open(os.path.join(folder, 'results.json'), 'w').write(json.dumps({'held': {'x': True}}))
                except OSError:
                    pass
            print(json.dumps({'held': True})); print('=== 4 passed ===')
        """,
    "taking over the connection": """\
        import gc, json, os, socket, struct
        def add(a, b):
            for one in gc.get_objects():
                if isinstance(one, socket.socket):
                    frame = json.dumps({'value': True, 'held': True}).encode()
                    one.sendall(struct.pack('>I', len(frame)) + frame)
        """,
    "reading the tests": """\
        import glob, os
        def add(a, b):
            for top in ('/honing', '/tmp', '/proc/1/root/honing'):
                for name in glob.glob(top + '/*/test_*.py') + glob.glob(top + '/tests'):
                    return a + b
            for pid in filter(str.isdigit, os.listdir('/proc')):
                if 'run_tests' in open(f'/proc/{pid}/cmdline').read():
                    return a + b
        """,
    "no such function": "def minus(a, b): return a - b\n",
    "a module that does not load": "def add(a, b)\n",
    "a huge answer": "def add(a, b): return 'x' * 34_000_000\n",
    "a deep answer": "def add(a, b):\n  out = []\n  for _ in range(100_000): out = [out]\n  return out\n",
    "calling back without end": "def add(a, b): return add(a, b)\n",
}
"""Modules that do not add, by how they try to pass for ones that do."""
