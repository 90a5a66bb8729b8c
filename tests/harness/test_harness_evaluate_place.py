"""Places: throw-away copies that nothing leaks out of, whatever a candidate made of them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from harness_judging import Bench, write

from honing.errors import MissingToolError, StoreError
from honing.harness.place import Places
from honing.harness.place_files import write_below
from honing.sandbox import Ending, Limits, ScriptedSandbox
from honing.store import TreeId


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


HOSTILE = """\
mkfifo pipe
ln -s loop loop
ln -s / root
ln -s /etc/passwd passwd
mkdir -p closed/inner && touch closed/inner/file && chmod 000 closed/inner closed
truncate -s 3G huge
touch "$(printf 'bad\\377name')" "$(printf 'new\\nline')" -- -rf
mkdir -p "deep/$(printf 'd/%.0s' $(seq 300))"
"""


def test_a_copy_is_gone_afterwards_whatever_it_holds(bench: Bench) -> None:
    with bench.places.open(bench.candidate({"make.sh": HOSTILE})) as place:
        assert place.run("bash make.sh").ok
        read = [
            place.read_text(name) for name in ("pipe", "loop", "passwd", "root/etc/passwd", "huge", "none")
        ]

    assert read == [None] * 6
    assert list(bench.scratch.iterdir()) == []


def test_the_stored_candidate_and_other_copies_stay_as_they_are(bench: Bench) -> None:
    tree = bench.candidate({"file": "one", "sub/x": ""})
    with bench.places.open(tree) as first, bench.places.open(tree) as second:
        first.run("echo two > file; rm -rf sub; chmod 000 .")
        seen = second.run("cat file; ls").stdout
        again = first.run("cat file").stdout

    assert (seen, again) == ("onefile\nsub\n", "two\n")
    assert bench.trees.verify(tree).ok


def test_nothing_of_the_machine_is_seen_or_changed(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    script = f"""\
        cat {secret} {bench.trees.root}/* /root/.bashrc 2>&1 | grep -c canary
        echo x > {tmp_path}/planted
        ls {tmp_path} {bench.scratch} 2>/dev/null
        timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/22' 2>/dev/null && echo reached
        ls -d /proc/[0-9]* | wc -l
        """
    with bench.places.open(bench.candidate({"look.sh": script})) as place:
        lines = place.run("bash look.sh").stdout.split()

    assert lines[0] == "0"
    assert int(lines[-1]) < 10
    assert len(lines) == 2
    assert not (tmp_path / "planted").exists()


def test_a_folder_that_is_not_there_is_the_command_s_failure(bench: Bench) -> None:
    with bench.places.open(bench.candidate({"a": "", "link.sh": ""})) as place:
        place.run("ln -s / out; mkdir shut; chmod 000 shut")
        endings = [place.run("pwd -P", workdir=name) for name in ("none", "a", "shut", "out")]

    assert [(one.ending, one.exit_code) for one in endings[:3]] == [(Ending.EXITED, 127)] * 3
    assert endings[3].stdout == "/\n"


def test_a_branch_is_what_the_copy_was_at_that_moment(bench: Bench) -> None:
    with bench.places.open(bench.candidate({"file": "one"})) as place:
        with place.branch() as pristine:
            before = pristine.run("cat file; echo changed > file").stdout
        place.run(
            "echo two > file; mkfifo pipe; ln -s nowhere link; touch -d 2001-01-01 old; echo x > run.sh"
        )
        with place.branch() as branch:
            seen = branch.run("cat file; ls; stat -c %y old; echo three > file").stdout.split("\n")
            names = seen[1:-2]
        after = place.run("cat file").stdout

    assert (before, after) == ("one", "two\n")
    assert names == ["file", "link", "old", "pipe", "run.sh"]
    assert seen[-2].startswith("2001-01-01")
    assert list(bench.scratch.iterdir()) == []


def test_a_branch_of_what_cannot_be_read_is_the_candidate_s_fault(bench: Bench) -> None:
    with bench.places.open(bench.candidate({"file": "one"})) as place:
        place.run("mkdir closed && chmod 000 closed")
        with pytest.raises(StoreError, match="cannot be copied as it is now"), place.branch():
            pass

    assert list(bench.scratch.iterdir()) == []


@pytest.mark.parametrize(
    "made",
    [
        "mkdir -p a/b",
        "ln -s /tmp a",
        "mkdir a; ln -s / a/b",
        "mkdir -p a/b/file/nested; touch a/b/file/nested/x; chmod 000 a/b/file",
        "touch a",
        "mkdir a; mkfifo a/b",
        "mkdir -p a/b; ln -s /etc/passwd a/b/file",
        "mkdir -p a/b; mkfifo a/b/file",
        "mkdir -p a/b; chmod 000 a/b a",
        "true",
    ],
)
def test_a_file_of_ours_is_written_into_a_copy_whatever_stands_there(bench: Bench, made: str) -> None:
    with bench.places.open(bench.candidate({"x": ""})) as place:
        place.run(made)
        place.put("a/b/file", b"ours", mode=0o755)
        found = place.workspace / "a" / "b" / "file"
        status = found.lstat()
        at = [found.parent.parent.is_symlink(), found.parent.is_symlink(), stat.S_IMODE(status.st_mode)]
        content = found.read_bytes()

    assert (at, content, stat.S_ISREG(status.st_mode)) == ([False, False, 0o755], b"ours", True)


@pytest.mark.parametrize("path", ["", "/x", "../x", "a/../../x", "."])
def test_nothing_is_written_beside_a_copy(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="must be a path inside the copy"):
        write_below(tmp_path, path, b"")


def test_what_runs_beside_does_not_see_the_copy(bench: Bench, tmp_path: Path) -> None:
    write(tmp_path / "grader", {"file": "grader"})
    with bench.places.open(bench.candidate({"mine": ""})) as place:
        mount = place.mount(tmp_path / "grader", "grader")
        found = place.beside(
            ("bash", "-c", "pwd; ls; ls /workspace; cat"), mounts=(mount,), stdin=b"typed", env={"A": "b"}
        )

    assert found.stdout == "/honing/grader\nfile\ntyped"
    assert "No such file" in found.stderr


def test_a_sandbox_that_lacks_a_protection_judges_nothing(bench: Bench) -> None:
    weak = Places(
        trees=bench.trees,
        sandbox=ScriptedSandbox({}, capabilities=frozenset()),
        scratch=bench.scratch,
    )
    with pytest.raises(MissingToolError, match="judging a candidate needs"), weak.open(TreeId("0" * 64)):
        pass

    assert not bench.scratch.exists()


def test_unconfined_is_used_where_it_was_chosen_and_is_said_beside_the_result(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sandbox_name="unconfined")
    found = bench.judge({"a.sh": "pwd; exit 1"}, type="command", command="bash a.sh")
    grader = {"t/test_x.py": "import app\ndef test_x():\n    assert app.f() == 1\n"}
    bench.grader(grader)
    hidden = bench.judge({"app.py": "def f(): return 1\n"}, type="hidden_tests", tests="t")

    assert (found.score, found.sandbox) == (0.0, "unconfined")
    assert found.log.startswith(str(tmp_path))
    assert (hidden.score, hidden.sandbox) == (1.0, "unconfined")


def test_a_candidate_that_reaches_its_tests_unconfined_is_caught(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sandbox_name="unconfined")
    bench.grader({"t/test_x.py": "import app\ndef test_x():\n    assert app.f() == 1\n"})
    code = f"open({str(bench.project / 't' / 'test_x.py')!r}, 'w').write('def test_x(): pass')\n"

    found = bench.judge({"app.py": code}, type="hidden_tests", tests="t")
    assert (found.status.value, found.score) == ("tampered", None)


@pytest.mark.parametrize(
    "forged",
    ["open(name + '/more', 'w').close()", "os.mkfifo(name + '/results.json')", "os.link(tests, name + '/x')"],
    ids=["a file beside", "a pipe in its place", "a link beside"],
)
def test_results_that_a_candidate_had_a_hand_in_are_tampered_with(tmp_path: Path, forged: str) -> None:
    bench = Bench(tmp_path, sandbox_name="unconfined")
    bench.grader({"t/test_x.py": "import app\ndef test_x():\n    assert app.f() == 1\n"})
    code = f"""\
        import glob, os
        tests = {str(bench.project / "t" / "test_x.py")!r}
        for name in glob.glob("../grader/*"):
            {forged}
        def f(): return 1
        """

    found = bench.judge({"app.py": code}, type="hidden_tests", tests="t")
    assert (found.status.value, found.score) == ("tampered", None)


def test_memory_and_disk_limits_end_a_command_and_are_said(bench: Bench) -> None:
    limits = Limits(wall_s=30, disk_bytes=20 * 1024 * 1024)
    with bench.places.open(bench.candidate({"a": ""})) as place:
        found = place.run("dd if=/dev/zero of=big bs=1M count=200; sleep 20", limits=limits)

    assert found.ending is Ending.DISK
