"""The words by which programs say why they failed, by kind of failure, and the Debian packages that close it.

The order matters: the first kind whose words stand in the output holds. What is more specific comes first: a
missing libcuda is a missing GPU before it is a missing library, a missing header breaks an install.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

Sign = Callable[[str], tuple[str, ...] | None]
"""What the output names, where it holds the kind's words (possibly nothing); None where it does not."""


def _words(*patterns: str, flags: int = 0) -> Sign:
    """A sign that holds where one of the patterns does; the groups of every match are what it names."""
    compiled = [re.compile(pattern, flags | re.MULTILINE) for pattern in patterns]

    def sign(printed: str) -> tuple[str, ...] | None:
        matches = [match for pattern in compiled for match in pattern.finditer(printed)]
        if not matches:
            return None
        return tuple(group for match in matches for group in match.groups() if group)

    return sign


def _argument_errors(printed: str) -> tuple[str, ...] | None:
    found = _ARGUMENTS(printed)
    if found is None:
        return None
    # argparse names several options in one breath: "--a, --b".
    return tuple(name.strip() for group in found for name in group.split(",") if name.strip())


_NOT_SET = "(?:not set|must be set|[Mm]issing|required|is not|environment variable|[Pp]lease set|export)"
_ARGUMENTS = _words(
    r"error: unrecognized arguments: (.+)$",
    r"error: the following arguments are required: (.+)$",
    r"error: argument ([^:]+): ",
    r"error: ambiguous option: (\S+)",
    r"No such option: ?'?(--?[\w-]+)",
    r"Missing (?:option|argument) '([^']+)'",
    r"Invalid value for '([^']+)'",
    r"Got unexpected extra argument",
    r"ERROR: Could not consume arg: (\S+)",
    r"(?:unrecognized|invalid|unknown|illegal) option(?: --)? ?[`'\"]?(--?[\w-]+|\w)",
    r"Could not override '([^']+)'",
)

_INSTALL = _words(
    r"No matching distribution found for (\S+)",
    r"Because (\S+) was not found in the package registry",
    r"Failed to build (?:`|installable wheels for some )?([\w.-]*)",
    r"Getting requirements to build wheel: finished with status 'error'",
    r"error: metadata-generation-failed",
    r"error: subprocess-exited-with-error",
    r"error: externally-managed-environment",
    r"requires a different Python: ",
    r"ResolutionImpossible",
    r"No solution found when resolving dependencies",
    r"Could not build wheels for (\S+)",
)
_NO_MODULE = _words(
    r"(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z_][\w.]*)",
    r"^\S*python[\d.]*: No module named ([A-Za-z_][\w.]*)",
)


_PROGRAM = _words(
    r"^(?:.*: line \d+: |.*: \d+: |bash: |sh: )?([\w.+-]+): (?:command )?not found$",
    r"honing: cannot run (\S+): No such file or directory",
    r"env: [\u2018']?([\w.+-]+)[\u2019']?: No such file or directory",
    r"unable to (?:find|execute) '?(gcc|cc|g\+\+|c\+\+|x86_64-linux-gnu-gcc|clang|gfortran|make)'?",
    r"command '([\w.+-]+)' failed: No such file or directory",
    r"Unable to (?:locate or )?obtain (?:the )?driver for (\w+)",
    r"[Cc]annot find (Chrome|chrome|chromium|Firefox|firefox) binary",
    r"'(chromedriver|geckodriver)' executable needs to be in PATH",
)
_STARTED_NOTHING = _words(r"FileNotFoundError: \[Errno 2\] No such file or directory: '([\w.+-]+)'$")


def _program(printed: str) -> tuple[str, ...] | None:
    """A program that is not there, also where Python's subprocess says so as if of a file."""
    by_subprocess = _STARTED_NOTHING(printed) if "/subprocess.py" in printed else None
    return _PROGRAM(printed) or by_subprocess


def _install(printed: str) -> tuple[str, ...] | None:
    """An install that failed: the packages, and the modules their build asks for."""
    found = _INSTALL(printed)
    return None if found is None else (*found, *(_NO_MODULE(printed) or ()))


SIGNS: Mapping[str, Sign] = {
    "needs_docker": _words(
        r"docker: (?:command )?not found",
        r"Cannot connect to the Docker daemon",
        r"docker\.errors\.DockerException",
        r"/var/run/docker\.sock",
        r"podman: (?:command )?not found",
    ),
    "needs_gpu": _words(
        r"No CUDA GPUs are available",
        r"Found no NVIDIA driver",
        r"Torch not compiled with CUDA enabled",
        r"nvidia-smi: (?:command )?not found",
        r"libcuda\.so",
        r"libcudart\.so",
        r"CUDA_HOME environment variable is not set",
        r"CUDA error:",
        r"no CUDA-capable device",
        r"Failed to infer device type",
    ),
    "interactive": _words(
        r"EOFError: EOF when reading a line",
        r"EOF when reading a line",
        r"the input device is not a TTY",
        r"stdin is not a (?:tty|terminal)",
        r"termios\.error: ",
        r"(?:\[[Yy]/[Nn]\]|\([Yy]/[Nn]\)|\(yes/no\)|[Pp]assword(?: for .*)?:|[Pp]ress (?:any key|enter))\W*$",
    ),
    "needs_network": _words(
        r"Temporary failure in name resolution",
        r"Name or service not known",
        r"Could not resolve host(?:name)?:? ?(\S+)?",
        r"Failed to resolve '([^']+)'",
        r"Network is unreachable",
        r"No route to host",
        r"(?:ENOTFOUND|EAI_AGAIN) (\S+)",
        r"getaddrinfo (?:failed|ENOTFOUND)",
        r"unable to resolve host address",
        r"Could not connect to (?:archive|deb|security)\S*",
        r"We couldn't connect to '(https?://[^']+)'",
        r"LocalEntryNotFoundError",
        r"OfflineModeIsEnabled",
        r"Max retries exceeded with url",
    ),
    "needs_key": _words(
        rf"\b([A-Z][A-Z0-9_]*_API_KEY)\b.*{_NOT_SET}",
        rf"{_NOT_SET}.{{0,60}}\b([A-Z][A-Z0-9_]*_(?:API_KEY|TOKEN))\b",
        r"KeyError: '([A-Z][A-Z0-9_]*_(?:KEY|TOKEN))'",
        r"api_key client option must be set",
        r"[Ii]ncorrect API key provided",
        r"[Ii]nvalid (?:API|api)[ _-]?key",
        r"No API key (?:provided|found)",
        r"401 Client Error: Unauthorized",
        r"Error code: 401",
        r"GatedRepoError",
        r"(?:is a )?gated repo",
        r"could not read Username for '([^']+)'",
        r"api_key not configured \(no-tty\)",
    ),
    "system_package": _words(
        r"(lib[\w.+-]+\.so(?:\.\d+)*): cannot open shared object file",
        r"fatal error: ([\w./+-]+\.h(?:pp|h)?): No such file or directory",
        r"error while loading shared libraries: (lib[\w.+-]+)",
        r"cannot find -l([\w+-]+)",
        r"No package '([\w.+-]+)' found",
        r"Package ([\w.+-]+) was not found in the pkg-config search path",
        r"OSError: (?:sndfile|PortAudio) library not found",
        r"cannot load library '([^']+)'",
        r"(pg_config|mysql_config) executable not found",
    ),
    "program": _program,
    "install": _install,
    "python_module": _NO_MODULE,
    "foreign_module": _words(
        r"Cannot find (?:module|package) '([^']+)'",
        r"Can't locate ([\w/]+\.pm) in @INC",
        r"cannot load such file -- (\S+)",
    ),
    "arguments": _argument_errors,
    "memory": _words(
        r"^MemoryError",
        r"Cannot allocate memory",
        r"out of memory",
        r"^Killed$",
        r"JavaScript heap out of memory",
        r"java\.lang\.OutOfMemoryError",
    ),
    "disk": _words(r"No space left on device", r"Disk quota exceeded"),
    "needs_privilege": _words(
        r"sudo: ",
        r"Permission denied",
        r"Operation not permitted",
        r"Read-only file system",
        r"are you root\?",
    ),
    "nothing_tested": _words(r"^Ran 0 tests in", r"^NO TESTS RAN", r"no tests ran in", r"^collected 0 items"),
    "data_missing": _words(
        r"FileNotFoundError: .*?: '([^']+)'",
        r"FileNotFoundError: (?!.*: ')(.+)$",
        r"can't open file '([^']+)'",
        r"[Cc]annot (?:access|open|stat) \W?([^\u2019'\":]+)\W?(?: for reading)?: No such file",
        r"^(?:bash|sh|cat|head|tail|tar|unzip)(?:: line \d+)?: (?:cannot \w+ )?([^:]+): No such file",
        r"unable to open database file",
        r"version https://git-lfs\.github\.com/spec",
        r"ENOENT: no such file or directory, \w+ '([^']+)'",
    ),
}
"""By `FailureKind` value."""

_LIBRARIES = {
    "libGL": "libgl1", "libEGL": "libegl1", "libgthread-2.0": "libglib2.0-0", "libglib-2.0": "libglib2.0-0",
    "libgobject-2.0": "libglib2.0-0", "libgomp": "libgomp1", "libsndfile": "libsndfile1", "libpq": "libpq5",
    "libnss3": "libnss3", "libnspr4": "libnspr4", "libX11": "libx11-6", "libXext": "libxext6",
    "libSM": "libsm6", "libICE": "libice6", "libXrender": "libxrender1", "libxml2": "libxml2",
    "libxslt": "libxslt1.1", "libcairo": "libcairo2", "libpango-1.0": "libpango-1.0-0",
    "libSDL2-2.0": "libsdl2-2.0-0", "libmagic": "libmagic1", "libportaudio": "libportaudio2",
    "libodbc": "libodbc2", "libatk-1.0": "libatk1.0-0", "libasound": "libasound2", "libgbm": "libgbm1",
    "libcups": "libcups2", "libaio": "libaio1", "libtcmalloc": "libgoogle-perftools4",
    "libopenblas": "libopenblas0", "libgfortran": "libgfortran5", "libstdc++": "libstdc++6",
    "libffi": "libffi8", "libz3": "libz3-4", "libmpi": "libopenmpi3", "libglut": "freeglut3",
}  # fmt: skip
_HEADERS = {
    "Python.h": "python3-dev", "ffi.h": "libffi-dev", "openssl/ssl.h": "libssl-dev", "zlib.h": "zlib1g-dev",
    "libxml/xmlversion.h": "libxml2-dev", "libxslt/xsltconfig.h": "libxslt1-dev", "libpq-fe.h": "libpq-dev",
    "mysql.h": "default-libmysqlclient-dev", "sqlite3.h": "libsqlite3-dev", "bzlib.h": "libbz2-dev",
    "lzma.h": "liblzma-dev", "curl/curl.h": "libcurl4-openssl-dev", "jpeglib.h": "libjpeg-dev",
    "png.h": "libpng-dev", "ft2build.h": "libfreetype-dev", "yaml.h": "libyaml-dev", "gmp.h": "libgmp-dev",
    "mpfr.h": "libmpfr-dev", "GL/gl.h": "libgl-dev", "sndfile.h": "libsndfile1-dev",
    "portaudio.h": "portaudio19-dev", "hdf5.h": "libhdf5-dev", "graphviz/cgraph.h": "libgraphviz-dev",
    "sasl/sasl.h": "libsasl2-dev", "ldap.h": "libldap-dev", "snappy-c.h": "libsnappy-dev",
    "sql.h": "unixodbc-dev", "X11/Xlib.h": "libx11-dev", "ncurses.h": "libncurses-dev",
    "readline/readline.h": "libreadline-dev", "boost/version.hpp": "libboost-dev",
    "Eigen/Dense": "libeigen3-dev", "cairo.h": "libcairo2-dev",
}  # fmt: skip
_PROGRAMS = {
    "gcc": "build-essential", "cc": "build-essential", "g++": "build-essential", "c++": "build-essential",
    "make": "build-essential", "x86_64-linux-gnu-gcc": "build-essential", "clang": "clang",
    "gfortran": "gfortran", "cmake": "cmake", "ninja": "ninja-build", "git": "git", "git-lfs": "git-lfs",
    "curl": "curl", "wget": "wget", "unzip": "unzip", "zip": "zip", "7z": "p7zip-full", "aria2c": "aria2",
    "node": "nodejs", "nodejs": "nodejs", "npm": "npm", "npx": "npm", "java": "default-jre-headless",
    "javac": "default-jdk-headless", "mvn": "maven", "gradle": "gradle", "perl": "perl", "ruby": "ruby",
    "go": "golang-go", "rustc": "rustc", "cargo": "cargo", "chromedriver": "chromium-driver",
    "chrome": "chromium", "google-chrome": "chromium", "chromium": "chromium",
    "chromium-browser": "chromium", "geckodriver": "firefox-esr-geckodriver", "firefox": "firefox-esr",
    "ffmpeg": "ffmpeg", "jq": "jq", "pg_config": "libpq-dev", "mysql_config": "default-libmysqlclient-dev",
    "swig": "swig", "pkg-config": "pkg-config", "pdflatex": "texlive-latex-base", "bc": "bc",
    "xvfb-run": "xvfb", "Xvfb": "xvfb", "tesseract": "tesseract-ocr", "parallel": "parallel",
    "Rscript": "r-base-core", "ghc": "ghc", "lua": "lua5.4", "php": "php-cli", "sqlite3": "sqlite3",
    "patch": "patch", "rsync": "rsync", "dot": "graphviz", "minizinc": "minizinc", "z3": "z3",
    "julia": "julia", "ocaml": "ocaml", "swipl": "swi-prolog-nox", "sbcl": "sbcl", "mono": "mono-runtime",
    "time": "time", "ps": "procps", "lsof": "lsof", "file": "file", "gawk": "gawk", "tmux": "tmux",
}  # fmt: skip


INSTALL_CAUSES = ("needs_network", "system_package", "program")
"""What can lie behind a failed install; the installer's last words do not say so."""


def sign_of(stdout: str, stderr: str) -> tuple[str, tuple[str, ...]] | None:
    """The kind that the output shows, by `FailureKind` value, and what it names; None where it shows none.

    What stands nearest to the end decides: a warning about a missing GPU pages earlier is not why a program
    failed. A failed install is the exception, its cause stands before a screen of summaries.
    """
    for lines in (8, 60, None):
        printed = "\n".join(_last(text, lines) for text in (stdout, stderr))
        for name, sign in SIGNS.items():
            found = sign(printed)
            if found is None:
                continue
            if name == "install":
                return _behind_install(f"{stdout}\n{stderr}") or (name, found)
            return name, found
    return None


def _last(text: str, lines: int | None) -> str:
    return text if lines is None else "\n".join(text.rstrip().splitlines()[-lines:])


def _behind_install(printed: str) -> tuple[str, tuple[str, ...]] | None:
    for name in INSTALL_CAUSES:
        found = SIGNS[name](printed)
        if found is not None:
            return name, found
    return None


def debian_packages(names: Iterable[str]) -> tuple[str, ...]:
    """The Debian packages that hold libraries, headers, programs or Perl modules; what is not known is left
    out."""
    found = [package for name in names if (package := _package_of(name))]
    return tuple(dict.fromkeys(found))


def _package_of(name: str) -> str | None:
    if name.endswith(".pm"):
        # Debian's own rule for naming them.
        return f"lib{name.removesuffix('.pm').replace('/', '-').lower()}-perl"
    for table in (_PROGRAMS, _HEADERS):
        for spelling in (name, name.lower()):
            if spelling in table:
                return table[spelling]
    stem = name.split(".so")[0]
    return _LIBRARIES.get(stem) or _LIBRARIES.get(f"lib{stem}")
