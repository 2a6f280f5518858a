"""Makes docs/spec/vectors/<topic>/<case>.json, and the packages beside those of `evidence`, once.

    python tests/independent/make_vectors.py --new-directory DIR

writes every case into DIR, which must not exist or be empty of cases. Vectors that were published are never written
over: a change of the specification gets a new directory, so that old vectors keep telling what version 1 was. With
`--check DIR` nothing is written and the command fails when DIR differs from what would be made.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.independent import (
    vectors_blocks,
    vectors_canonical,
    vectors_content,
    vectors_evidence,
    vectors_note,
    vectors_proof,
    vectors_registry,
    vectors_statement,
    vectors_tiles,
    vectors_tree,
    vectors_trust,
)

TOPICS = (
    vectors_canonical,
    vectors_content,
    vectors_statement,
    vectors_tree,
    vectors_tiles,
    vectors_note,
    vectors_registry,
    vectors_trust,
    vectors_blocks,
    vectors_proof,
    vectors_evidence,
)


def all_files() -> dict[str, bytes]:
    """Relative path and bytes of every file."""
    files: dict[str, bytes] = {}
    for topic in TOPICS:
        for case in topic.cases():
            path = f"{case.topic}/{case.name}.json"
            if path in files:
                raise ValueError(f"two cases are named {path}")
            files[path] = (json.dumps(case.document(), indent=1) + "\n").encode()
            if case.package is not None:
                files[f"{case.topic}/{case.name}.zip"] = case.package
    return files


def existing_files(folder: Path) -> dict[str, bytes]:
    """The vectors that stand in a folder."""
    found = [path for ending in ("json", "zip") for path in folder.glob(f"*/*.{ending}")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when written or equal, 1 when different or refused."""
    parser = argparse.ArgumentParser(description="Make the test vectors of docs/spec/vectors.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--new-directory", type=Path, help="write all cases here; must hold none yet")
    action.add_argument("--check", type=Path, help="compare all cases with those that stand here")
    chosen = parser.parse_args(arguments)
    files = all_files()
    if chosen.check:
        standing = existing_files(chosen.check)
        different = sorted(path for path in files.keys() | standing.keys() if files.get(path) != standing.get(path))
        for path in different:
            print(f"differs: {path}", file=sys.stderr)
        return 1 if different else 0
    if existing_files(chosen.new_directory):
        print(f"{chosen.new_directory} holds vectors already; name a new directory", file=sys.stderr)
        return 1
    for path, data in files.items():
        target = chosen.new_directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    print(f"{len(files)} files in {chosen.new_directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
