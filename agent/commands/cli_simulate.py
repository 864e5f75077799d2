"""`schoolgate simulate`: what the engine makes of a term at a school that does not exist."""

import sys
from typing import Annotated, Final

import typer

from agent.commands.cli_options import JsonOption, print_json, told

PACK: Final = "uk-esafety"
MOST_DAYS: Final = 200

SeedOption = Annotated[int, typer.Option(help="Of everything that is drawn; the same seed gives the same term.")]
DaysOption = Annotated[int, typer.Option(help="School days of the term.", min=1, max=MOST_DAYS)]


def simulate(*, seed: SeedOption = 1, days: DaysOption = 60, as_json: JsonOption = False) -> None:
    """Play a term with planted stories through the engine, and show what it found and what people had to read."""
    from rich.console import Console
    from rich.progress import track

    from agent.simulation.replay import Replay
    from agent.simulation.scoring import score
    from agent.simulation.term import Term
    from agent.sites.site_packs import load_pack
    from rules.assessment import AssessmentRules

    with told():
        rules = load_pack(PACK).assessment or AssessmentRules({}, {})
    term = Term(seed, school_days=days)
    shown = track(
        term.days, "A term goes by", console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()
    )
    found = score(seed, term, Replay(term, rules).run(shown))
    if as_json:
        print_json(found.as_json())
        return
    for title, text in found.lines():
        typer.echo(f"{title:<14} {text}")
