"""Write what a perfect model would answer to each task folder: its own solution, as one shell script.

Arguments: the file to write (JSONL: id, match, completion), and name and folder of each task in turn.
"""

import base64
import json
import sys
from pathlib import Path


def script_of(folder: Path) -> str:
    """solve.sh, after the commands that lay the files beside it where it looks for them."""
    lines = []
    for file in sorted(one for one in folder.rglob("*") if one.is_file() and one.name != "solve.sh"):
        inside = f"/solution/{file.relative_to(folder)}"
        content = base64.encodebytes(file.read_bytes()).decode()
        lines.append(
            f"mkdir -p '{Path(inside).parent}'\nbase64 -d > '{inside}' <<'CONTENT'\n{content}CONTENT\n"
        )
    return "".join(lines) + (folder / "solve.sh").read_text(encoding="utf-8")


def main() -> None:
    out, names, folders = Path(sys.argv[1]), sys.argv[2::2], sys.argv[3::2]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as stream:
        for name, folder in zip(names, map(Path, folders), strict=True):
            instruction = (folder / "instruction.md").read_text(encoding="utf-8").strip()
            script = script_of(folder / "solution").rstrip("\n")
            fence = "`" * max([3, *(len(run) + 1 for run in script.split() if set(run) == {"`"})])
            row = {
                "id": name,
                "match": f"Task {name}.\n\n{instruction}",
                "completion": f"{fence}bash\n{script}\n{fence}",
            }
            stream.write(json.dumps(row) + "\n")


main()
