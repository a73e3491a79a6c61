"""selfheald recommendations"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.options import ConfigOption, FormatOption, StoreOption

if TYPE_CHECKING:
    from daemon.cli.reading import Records  # slow to import
    from daemon.recommendation import StoredRecommendation

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="An id, or its first characters.")]

recommendations = typer.Typer(rich_markup_mode=None, invoke_without_command=True)


@recommendations.callback()
def list_them(
    context: typer.Context,
    show_all: Annotated[
        bool, typer.Option("--all", help="Also what is rejected, done or about what is over.")
    ] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Lists what to do, in order of priority.

    take, done and reject say what becomes of it.

    \b
    Examples:
      selfheald recommendations
      selfheald recommendations --format json | jq -r '.recommendations[0].action'

    \b
    Exit codes:
      0  listed, also if there is none
      2  could not run: bad settings, or no store that can be read
    """
    if context.invoked_subcommand is not None:
        return 0
    from daemon.cli import as_json
    from daemon.cli.loading import load_for_store
    from daemon.cli.output import write
    from daemon.cli.reading import reading
    from daemon.recommendation import standing

    with reading(load_for_store(config, store).settings) as records:
        shown = _shown(records, show_all=show_all)
        incidents = {each.anomaly.id: each for each in records.anomalies.incidents()}
    states = {each.recommendation.id: standing(each, incidents) for each in shown}
    if output == "json":
        found = [
            as_json.recommendation_json(each.recommendation)
            | {"state": each.state, "standing": states[each.recommendation.id]}
            for each in shown
        ]
        write(as_json.document({"recommendations": found}))
        return 0
    from daemon.cli.text.page import Page
    from daemon.cli.text.recommendation import say_recommendations

    page = Page()
    say_recommendations(page, [each.recommendation for each in shown], states)
    write(page.text())
    return 0


def _shown(records: Records, *, show_all: bool) -> list[StoredRecommendation]:
    """What is done stays in sight until it is seen to have helped."""
    to_do = {each.id for each in records.anomalies.recommendations()}
    return [
        each
        for each in records.anomalies.stored_recommendations()
        if show_all or each.recommendation.id in to_do or (each.state == "done" and not each.verified)
    ]


@recommendations.command()
def take(
    recommendation_id: IdArgument,
    note: Annotated[str, typer.Option(metavar="TEXT", help="What is done about it.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Says that you work on it.

    \b
    Examples:
      selfheald recommendations take perf-27f09027/own-work --note "by Friday"

    \b
    Exit codes:
      0  done
      2  could not run: no recommendation with this id, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.cli.ordering import order_about_recommendation
    from daemon.recommendation_orders import Take

    return order_about_recommendation(
        recommendation_id,
        config,
        store,
        output,
        lambda found, sign: Take(recommendation=found, note=note, **sign),
    )


@recommendations.command()
def done(
    recommendation_id: IdArgument,
    note: Annotated[str, typer.Option(metavar="TEXT", help="How, such as a commit.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Says that it is carried out.

    The detection that found the anomaly verifies it by what runs from now on.

    \b
    Examples:
      selfheald recommendations done perf-27f09027/own-work --note "in 1a2b3c4"

    \b
    Exit codes:
      0  done
      2  could not run: no recommendation with this id, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.cli.ordering import order_about_recommendation
    from daemon.recommendation_orders import Done

    return order_about_recommendation(
        recommendation_id,
        config,
        store,
        output,
        lambda found, sign: Done(recommendation=found, note=note, **sign),
    )


@recommendations.command()
def reject(
    recommendation_id: IdArgument,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for others.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    output: FormatOption = "text",
) -> int:
    """Says that it will not be carried out.

    \b
    Examples:
      selfheald recommendations reject perf-27f09027/accept --why "too slow"

    \b
    Exit codes:
      0  done
      2  could not run: no recommendation with this id, no permission, or a
         daemon that does not answer; standard error says what becomes of it
    """
    from daemon.cli.ordering import order_about_recommendation
    from daemon.recommendation_orders import Reject

    return order_about_recommendation(
        recommendation_id,
        config,
        store,
        output,
        lambda found, sign: Reject(recommendation=found, why=why, **sign),
    )
