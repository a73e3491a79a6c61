"""selfheald config show, schema"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from daemon.cli.group import command_group
from daemon.cli.options import ConfigOption, FormatOption

config = command_group(
    "Shows the settings in force, or their schema.",
    """
    \b
    Examples:
      selfheald config show --origin
      selfheald config schema > selfheald.schema.json

    \b
    Exit codes:
      0  shown
      2  could not run: bad settings
    """,
)


@config.command("show")
def show_config(
    config: ConfigOption = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    output: FormatOption = "text",
) -> int:
    """Prints the settings in force as YAML.

    They come from the file, its drop-ins (conf.d/*.yaml) and the variables; what is left has its default.

    \b
    Examples:
      selfheald config show --origin
      selfheald config show --format json | jq '."detect.over_expected"'

    \b
    Exit codes:
      0  shown
      2  could not run: bad settings, each told with its file and line
    """
    from config.load import find_config
    from config.show import settings_text, values_by_key
    from daemon.cli import as_json
    from daemon.cli.loading import load
    from daemon.cli.output import write

    loaded = load(find_config(config, os.environ), {}).loaded
    if output == "json":
        values = values_by_key(loaded.settings)
        write(
            as_json.document(
                {key: {"value": value, "origin": loaded.origins[key]} for key, value in values.items()}
            )
        )
    else:
        write(settings_text(loaded.settings, loaded.origins if origin else {}))
    return 0


@config.command("schema")
def config_schema() -> int:
    """Prints the JSON Schema of the settings, for editors.

    \b
    Examples:
      selfheald config schema > selfheald.schema.json

    \b
    Exit codes:
      0  shown
      2  could not run
    """
    from config.schema import schema_text
    from daemon.cli.output import write

    write(schema_text())
    return 0
