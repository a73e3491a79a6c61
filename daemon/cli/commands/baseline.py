"""selfheald baseline"""

from __future__ import annotations

import time
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption

GlobArgument = Annotated[
    str,
    typer.Argument(
        metavar="GLOB",
        help='An event, "Plugin.handler", "sequence/event", a sequence, or "type: message in '
        'sequence/event"; * stands for everything.',
    ),
]

baseline = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@baseline.callback()
def baselines() -> None:
    """What was learned, to list, pin or forget.

    \b
    Examples:
      selfheald baseline list
      selfheald baseline pin '*'

    \b
    Exit codes:
      0  done
      2  could not run; standard error says why
    """


@baseline.command("list")
def list_them(
    glob: GlobArgument = "*",
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Lists what was learned, of how much, and what is expected.

    \b
    Examples:
      selfheald baseline list
      selfheald baseline list 'checkout/*' --format json

    \b
    Exit codes:
      0  listed, also if there is none
      2  could not run: bad settings, or no store that can be read
    """
    from daemon.baseline_list import chosen, list_baselines
    from daemon.cli import as_json
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import reading

    settings = load_for_store(config, store).settings
    with reading(settings) as records:
        known = chosen(records.anomalies.baselines.load(), glob)
    listed = list_baselines(known, settings.detect.min_samples, settings.expected_ms)
    if output == "json":
        write(as_json.document({"baselines": listed}))
        return 0
    from daemon.cli.text.baseline import say_baselines
    from daemon.cli.text.page import Page

    page = Page()
    say_baselines(page, listed)
    write(page.text())
    return 0


@baseline.command()
def pin(
    glob: GlobArgument,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Its name. Default: the date.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Keeps what was learned as it is, under a name.

    Later windows are judged by it and not learned.

    \b
    Examples:
      selfheald baseline pin '*' --name v1.4
      selfheald baseline pin 'Cart.*'

    \b
    Exit codes:
      0  done
      2  could not run: nothing matches, no permission, or a daemon that does
         not answer; standard error says what becomes of it
    """
    from daemon.baseline_orders import Pin
    from daemon.cli.ordering import order_and_say, signed

    named = name or time.strftime("%Y-%m-%d", time.gmtime())
    return order_and_say(config, store, output, Pin(glob=glob, name=named, **signed()))


@baseline.command()
def unpin(
    glob: GlobArgument,
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Lets what is pinned learn again.

    \b
    Examples:
      selfheald baseline unpin '*'

    \b
    Exit codes:
      0  done
      2  could not run: nothing that is pinned matches, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.baseline_orders import Unpin
    from daemon.cli.ordering import order_and_say, signed

    return order_and_say(config, store, output, Unpin(glob=glob, **signed()))


@baseline.command()
def reset(
    glob: GlobArgument,
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Forgets what was learned, to learn it anew.

    It is silent until enough is known again; but an error group that is
    forgotten is a new one when it is seen again.

    \b
    Examples:
      selfheald baseline reset 'checkout/*'

    \b
    Exit codes:
      0  done
      2  could not run: nothing matches, no permission, or a daemon that does
         not answer; standard error says what becomes of it
    """
    from daemon.baseline_orders import Reset
    from daemon.cli.ordering import order_and_say, signed

    return order_and_say(config, store, output, Reset(glob=glob, **signed()))
