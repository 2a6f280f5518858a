"""Tools of the machine that judge what is in deploy/. The project installs none of them, also not where CI runs."""

import os
import shutil

import pytest

_ADMINISTRATORS = "/usr/sbin:/sbin"


def installed(tool: str) -> str:
    """Where the tool is; skips where it is not installed: the file is then checked by its form alone."""
    found = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{_ADMINISTRATORS}")
    if found is None:
        pytest.skip(f"{tool} is not installed here; what it would judge is checked by its form alone")
    return found
