"""Configuration files that are handed out: the program checks each as it would at a start."""

import tempfile
from pathlib import Path

from deploy.tests.support import BINARY, run


def check(text: str) -> None:
    """Fails with the program's own words when something is wrong with the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "multihomed.toml"
        path.write_text(text)
        run(BINARY, "check", "--config", path)
