"""`huzheng backup`: one file with everything of the ledger, while the service goes on."""

import time
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import ArgumentError

from anchors.core.times import iso_time
from ledger_service.cli.options import AsJson
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import new_file
from ledger_service.storage.backup import write_backup
from ledger_service.usecases.ports import StoreUnavailable


def app(
    file: Annotated[Path, typer.Argument(help="The new file. It holds personal data, as the database does.")],
    database: Annotated[
        str, typer.Option("--database", envvar="HUZHENG_DATABASE", metavar="URL", help="The ledger's database.")
    ],
    as_json: AsJson = False,
) -> int:
    """Copy the whole ledger, as of one moment, into a new file. The service may go on meanwhile.

    Later statements are not in it: after it was restored, they are collected from the senders (huzheng recover).
    """
    output, made_at = Output(as_json), int(time.time())
    try:
        with new_file(file) as opened, output.progress("rows", 0) as advance:
            manifest = write_backup(database, opened, made_at, advance)
    except (StoreUnavailable, ArgumentError) as error:
        raise WrongInput(f"{error}; give --database a URL such as sqlite:///ledger.sqlite or postgresql://…") from None
    output.result(
        {
            "file": str(file),
            "bytes": file.stat().st_size,
            "origin": manifest.origin,
            "madeAt": made_at,
            "entries": manifest.entries,
            "checkpoint": {"size": manifest.checkpoint_size, "root": manifest.checkpoint_root or None},
            "rows": manifest.rows,
        }
    )
    output.line(
        f"{file}: {manifest.entries} entries of {manifest.origin} as of {iso_time(made_at)}, "
        f"{file.stat().st_size:,} bytes, read back whole."
    )
    return 0
