"""What a command sees: its mounts, the public part of the system, a working Python; and what choosing a
sandbox does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_scene import Scene

from honing.errors import MissingToolError, SandboxError, UsageError
from honing.sandbox import (
    BubblewrapSandbox,
    Capability,
    Command,
    Ending,
    LandlockSandbox,
    Mount,
    Network,
    Sandbox,
    Scripted,
    ScriptedSandbox,
    choose,
    describe,
    python_mounts,
    remove_tree,
    require,
    seccomp,
)
from honing.sandbox.bubblewrap import ALL_PROTECTIONS, Protection
from honing.sandbox.mounts import ETC_FILES, ETC_FOLDERS
from honing.sandbox.seccomp import ARCHITECTURES, Owner, Sockets, build_filter, notified
from honing.sandbox.selfcheck import check


def test_a_mount_whose_source_is_a_link_is_seen_under_both_names(scene: Scene, sandbox: Sandbox) -> None:
    real = scene.root / "real"
    (real / "inner").mkdir(parents=True)
    (real / "inner" / "f").write_text("seen")
    link = scene.root / "link"
    link.symlink_to(real)
    command = scene.command(["cat", str(link / "inner" / "f"), str(real / "inner" / "f")])

    finished = sandbox.run(replace(command, mounts=[*command.mounts, Mount(link / "inner")]))

    assert finished.stdout == "seenseen", finished


def test_a_workspace_below_a_linked_folder_is_writable(scene: Scene, sandbox: Sandbox) -> None:
    home = scene.root / "home"
    home.symlink_to(scene.work)
    (scene.work / "ws").mkdir()
    command = Command(
        argv=["bash", "-c", "echo x > f; pwd"],
        workdir=home / "ws",
        mounts=[Mount(home / "ws", writable=True)],
        env={"PATH": "/usr/bin:/bin"},
    )

    assert sandbox.run(command).ok
    assert (scene.work / "ws" / "f").read_text() == "x\n"


def test_a_writable_folder_can_lie_in_a_read_only_one(scene: Scene, confining: Sandbox) -> None:
    inner = scene.shown / "inner"
    inner.mkdir()
    command = scene.command(["bash", "-c", f"echo x > {inner}/f; echo y > {scene.shown}/g"])

    confining.run(replace(command, mounts=[Mount(inner, writable=True), *command.mounts]))

    assert [path.name for path in sorted(scene.shown.rglob("*"))] == ["inner", "f", "page"]


def test_bubblewrap_shows_a_folder_elsewhere_and_locks_one_inside(scene: Scene) -> None:
    (scene.work / "tests").mkdir()
    command = scene.command(["bash", "-c", "cat /data/page; touch tests/x; touch y; ls"])
    mounts = [*command.mounts, Mount(scene.shown, inside=Path("/data")), Mount(scene.work / "tests")]

    finished = BubblewrapSandbox().run(replace(command, mounts=mounts))

    assert finished.stdout == "pagetests\ny\n"
    assert list((scene.work / "tests").iterdir()) == []


@pytest.mark.parametrize("which", ["elsewhere", "read-only below writable"])
def test_landlock_refuses_what_it_has_no_rule_for(scene: Scene, which: str) -> None:
    (scene.work / "tests").mkdir()
    extra = Mount(scene.shown, inside=Path("/data")) if which == "elsewhere" else Mount(scene.work / "tests")
    command = scene.command(["true"])

    with pytest.raises(SandboxError, match="or install bubblewrap"):
        LandlockSandbox().run(replace(command, mounts=[*command.mounts, extra]))


@pytest.mark.parametrize(
    ("mounts", "message"),
    [
        ([Mount(Path("/no/such"))], "mount /no/such: cannot be resolved"),
        ([Mount(Path("/var"), inside=Path("/etc"))], "would cover a folder that every command has"),
        ([Mount(Path("/var"), inside=Path("/a/../etc"))], "must be absolute"),
        ([], "lies below none of the command's mounts"),
    ],
)
def test_mounts_that_make_no_sense_are_refused(
    scene: Scene, sandbox: Sandbox, mounts: list[Mount], message: str
) -> None:
    kept = [] if not mounts else [Mount(scene.work)]
    command = replace(scene.command(["true"]), mounts=[*kept, *mounts])

    with pytest.raises(SandboxError, match=re.escape(message)):
        sandbox.run(command)


def test_a_working_folder_that_does_not_exist_is_an_error_of_ours(scene: Scene, sandbox: Sandbox) -> None:
    command = replace(scene.command(["true"]), workdir=scene.work / "missing")

    with pytest.raises(SandboxError, match="missing"):
        sandbox.run(command)


def test_this_python_and_its_packages_run_inside(scene: Scene, sandbox: Sandbox) -> None:
    command = scene.command([sys.executable, "-c", "import sys, numpy; print(sys.prefix, numpy.__name__)"])

    finished = sandbox.run(replace(command, mounts=[*command.mounts, *python_mounts()]))

    assert finished.stdout == f"{sys.prefix} numpy\n", finished


def test_the_home_around_this_python_stays_hidden(scene: Scene) -> None:
    home = Path(os.path.realpath(sys.base_prefix))
    above = [str(folder) for folder in home.parents if folder != Path("/")]
    command = scene.command(["bash", "-c", f"for d in {' '.join(above)}; do ls -A $d; done"])

    finished = BubblewrapSandbox().run(replace(command, mounts=[*command.mounts, *python_mounts()]))

    assert finished.stdout.split() == [folder.name for folder in [home, *home.parents][: len(above)]]


def test_only_the_public_part_of_etc_is_seen(scene: Scene) -> None:
    finished = scene.shell(
        BubblewrapSandbox(), "cd /etc; ls -A; ls -A ssl; cat passwd hosts; hostname; whoami"
    )
    top = {name.split("/")[0] for name in ETC_FILES}
    top |= {path.relative_to("/etc").parts[0] for name in ETC_FOLDERS for path in Path("/etc").glob(name)}
    seen = set(finished.stdout.split("\n127.0.0.1")[0].split("root:x")[0].split())

    assert seen <= top | {"passwd", "group", "hosts", "nsswitch.conf", "certs", "openssl.cnf"}
    assert finished.stdout.endswith("127.0.0.1 localhost\n::1 localhost ip6-localhost\nhoning\nnobody\n")


def test_ordinary_tools_work_inside(scene: Scene, confining: Sandbox) -> None:
    text = (
        "git init -q . 2>/dev/null; git config user.email a@b; git config user.name n; echo x > f; "
        "git add f; git commit -qm m && git log --format=%s; tar cf t.tar f; mkdir o; "
        "tar xf t.tar -C o; cp -p f g; chmod +x f; chmod 640 g; touch -d @1000 g; stat -c '%a %Y' g; "
        "test -x f && echo executable; install -m 700 f h; stat -c %a h; rm -rf o .git; mktemp -p . | wc -l"
    )
    command = scene.command(["bash", "-c", text])

    finished = confining.run(
        replace(command, env={"PATH": "/usr/bin:/bin", "HOME": str(scene.work), "GIT_CONFIG_NOSYSTEM": "1"})
    )

    assert finished.stdout == "m\n640 1000\nexecutable\n700\n1\n", finished.stderr
    assert (scene.work / "g").stat().st_mtime == 1000


@pytest.mark.parametrize(
    ("code", "mode", "modified"),
    [
        ("os.chmod('f', 0o640)", 0o640, None),
        ("os.chmod(os.getcwd() + '/f', 0o600)", 0o600, None),
        ("os.chmod(os.open('f', os.O_RDONLY), 0o604)", 0o604, None),
        ("os.chmod('f', 0o660, dir_fd=os.open('.', os.O_RDONLY))", 0o660, None),
        ("os.chmod('link', 0o664)", 0o664, None),
        ("os.chmod(f'/proc/self/fd/{os.open(\"f\", os.O_RDONLY)}', 0o666)", 0o666, None),
        ("os.utime('f', (5, 7))", 0o644, 7),
        ("os.utime('f', ns=(5, 7_500_000_000))", 0o644, 7.5),
        ("os.utime(os.open('f', os.O_RDWR), (5, 9))", 0o644, 9),
        ("os.utime('link', (5, 11), follow_symlinks=False)", 0o644, None),
    ],
)
def test_modes_and_times_can_be_changed_in_the_workspace(
    scene: Scene, confining: Sandbox, code: str, mode: int, modified: float | None
) -> None:
    """Under Landlock the warden carries these out."""
    file = scene.work / "f"
    file.write_text("")
    file.chmod(0o644)
    os.utime(file, (1, 1))
    (scene.work / "link").symlink_to("f")

    finished = scene.python(confining, "import os\n" + code)
    found = file.stat()

    assert finished.ok, finished.stderr
    assert (found.st_mode & 0o7777, found.st_mtime) == (mode, 1 if modified is None else modified)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("os.chmod('missing', 0o600)", "FileNotFoundError"),
        ("os.chmod('', 0o600)", "FileNotFoundError"),
        ("os.chmod('x' * 5000, 0o600)", "OSError"),
        ("os.utime('missing')", "FileNotFoundError"),
        ("os.chmod('f/x', 0o600)", "NotADirectoryError"),
    ],
)
def test_a_change_that_cannot_be_made_fails_as_usual(
    scene: Scene, sandbox: Sandbox, code: str, error: str
) -> None:
    (scene.work / "f").write_text("")

    finished = scene.python(sandbox, "import os\n" + code)

    assert finished.stderr.splitlines()[-1].startswith(error)


def test_the_strongest_sandbox_that_works_is_chosen() -> None:
    assert choose().name == "bubblewrap"
    assert [choose(name).name for name in ("bubblewrap", "landlock", "unconfined")] == [
        "bubblewrap",
        "landlock",
        "unconfined",
    ]


def test_an_unknown_sandbox_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="choose auto, bubblewrap, landlock, unconfined"):
        choose("docker")


def test_the_doctor_is_told_what_each_sandbox_gives() -> None:
    found = {status.name: (status.ready, bool(status.fix)) for status in describe()}

    assert found == {"bubblewrap": (True, False), "landlock": (True, True), "unconfined": (True, True)}


class Boastful(BubblewrapSandbox):
    """Says that it puts everything in place."""

    def offered(self, network: Network) -> frozenset[Capability]:
        return frozenset(Capability)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can leave some of these protections out")
@pytest.mark.parametrize(
    ("removed", "lost"),
    [
        (Protection.HIDDEN_FILES, {Capability.HOME_HIDDEN, Capability.NET_CUT, Capability.NET_PORT_ONLY}),
        (Protection.NETWORK, {Capability.NET_CUT, Capability.NET_PORT_ONLY}),
        (Protection.CLEAN_ENV, {Capability.ENV_CLEAN}),
        (Protection.PIDS, {Capability.PID_NAMESPACE}),
        (Protection.FILTER, {Capability.PRIVILEGES_DROPPED, Capability.NET_CUT, Capability.NET_PORT_ONLY}),
        (Protection.MEMORY, {Capability.MEMORY_CAP}),
        (Protection.PROCESSES, {Capability.PIDS_CAP}),
        (Protection.DISK, {Capability.DISK_CAP}),
    ],
)
def test_a_protection_that_does_not_hold_is_not_claimed(removed: Protection, lost: set[Capability]) -> None:
    found = check(Boastful(protections=ALL_PROTECTIONS - {removed}))

    assert found.capabilities == frozenset(Capability) - lost
    assert found.reason == f"did not hold under attack: {', '.join(sorted(lost))}"


def test_a_bubblewrap_that_cannot_start_gives_nothing_and_says_why(root: Path) -> None:
    fake = root / "bwrap"
    fake.write_text(
        "#!/bin/sh\necho 'bwrap: Creating new namespace failed: Operation not permitted' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    sandbox = BubblewrapSandbox(fake)

    assert sandbox.capabilities == frozenset()
    assert "Creating new namespace failed: Operation not permitted" in sandbox.proof.reason
    assert not sandbox.proof.works
    with pytest.raises(SandboxError, match="Creating new namespace failed"):
        sandbox.run(Command(argv=["true"], workdir=root, mounts=[Mount(root)]))


def test_a_missing_capability_is_refused_by_name() -> None:
    with pytest.raises(MissingToolError, match="stage evaluate needs net_cut, pid_namespace"):
        require(LandlockSandbox(), [Capability.PID_NAMESPACE, Capability.NET_CUT], what="stage evaluate")


def test_a_scripted_sandbox_answers_from_its_table(tmp_path: Path) -> None:
    wrote = []
    sandbox = ScriptedSandbox(
        {
            "make test": Scripted(stdout="ok\n", effect=lambda command: wrote.append(command.workdir)),
            "echo 'a b'": Scripted(exit_code=3),
        }
    )
    cancelled = threading.Event()
    cancelled.set()
    shell = Command(argv=["bash", "-c", "make test"], workdir=tmp_path)
    words = Command(argv=["echo", "a b"], workdir=tmp_path)

    assert (sandbox.run(shell).stdout, sandbox.run(words).exit_code) == ("ok\n", 3)
    assert sandbox.run(shell, cancel=cancelled).ending is Ending.STOPPED
    assert (wrote, sandbox.commands) == ([tmp_path], [shell, words, shell])
    with pytest.raises(SandboxError, match=r"no answer for 'ls'; it has answers for: make test; echo 'a b'"):
        sandbox.run(Command(argv=["ls"], workdir=tmp_path))


def test_a_tree_too_deep_for_any_path_can_be_removed(scene: Scene, sandbox: Sandbox) -> None:
    code = "import os\nfor _ in range(300):\n    os.mkdir('d' * 20); os.chdir('d' * 20)\nopen('f', 'w')"
    finished = scene.python(sandbox, code)
    remove_tree(scene.work)

    assert finished.ok, finished.stderr
    assert not scene.work.exists()


def test_removing_a_tree_follows_no_link(root: Path) -> None:
    (root / "kept").mkdir()
    (root / "kept" / "f").write_text("x")
    tree = root / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "link").symlink_to(root / "kept")
    (tree / "link").symlink_to(root / "kept")
    (root / "top").symlink_to(root / "kept")
    remove_tree(tree)
    remove_tree(root / "top")
    remove_tree(root / "never")

    assert sorted(path.name for path in root.rglob("*")) == ["f", "kept"]


def test_importing_the_module_loads_no_implementation() -> None:
    code = (
        "import sys, honing.sandbox\n"
        "print(sorted(m for m in sys.modules if 'sandbox' in m), 'socket' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "['honing.sandbox', 'honing.sandbox.base'] False\n"


HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_a_filter_is_whole_for_every_processor_and_mode(machine: str) -> None:
    """Each jump lands inside, and the last line returns."""
    for sockets in Sockets:
        for owner in (None, Owner(0, 0)):
            raw = build_filter(sockets, on_host=owner, machine=machine)
            lines = [raw[i : i + 8] for i in range(0, len(raw), 8)]
            jumps = [
                index + 1 + max(line[2], line[3]) for index, line in enumerate(lines) if line[0] & 7 == 5
            ]

            assert len(raw) % 8 == 0
            assert len(lines) < 4096
            assert max(jumps) < len(lines)
            assert lines[-1][0] == 6


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_the_call_numbers_are_the_kernels(machine: str) -> None:
    header = Path(HEADERS[machine])
    if not header.exists():
        pytest.skip(f"{header} is not installed (Debian: linux-libc-dev)")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
    tables = [
        value
        for name, value in vars(seccomp).items()
        if re.fullmatch("_[A-Z_]+", name) and isinstance(value, dict)
    ]
    column = ARCHITECTURES[machine].column
    ours = {name: numbers[column] for table in tables for name, numbers in table.items()}
    newest = max(map(int, known.values()))
    wrong = {
        name: number
        for name, number in ours.items()
        if number is not None and number <= newest and known.get(name) != str(number)
    }

    assert wrong == {}
    assert len(ours) > 80
    assert set(notified(machine).values()) <= set(ours)
