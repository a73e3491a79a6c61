"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Format = Literal["text", "json"]

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        help="The YAML file. Else $SELFHEALD_CONFIG, ./selfheald.yaml, /etc/selfheald/selfheald.yaml.",
    ),
]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="PATH", help="The store, in place of store.path.")
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="text for people, json for programs.", show_default=True)
]
