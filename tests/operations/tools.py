"""Tools of the machine that judge what is in deploy/. The project installs none of them, also not where CI runs."""

import os
import shutil

from tests.fixtures.availability import left_out

_ADMINISTRATORS = "/usr/sbin:/sbin"


def installed(tool: str) -> str:
    """Where the tool is; skips where it is not installed."""
    found = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{_ADMINISTRATORS}")
    if found is None:
        left_out(f"{tool} is not installed here, so what deploy/ has for it was not tried")
    return found
