#!/usr/bin/env bash
# The environment that the other scripts use. Nothing is installed, so no network is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv --without-pip --clear .venv
# So that the package and its tests are found wherever Python is started.
.venv/bin/python - <<'PY'
import pathlib
import sysconfig

place = pathlib.Path(sysconfig.get_paths()["purelib"])
(place / "greeting.pth").write_text(str(pathlib.Path("src").resolve()) + "\n")
PY
