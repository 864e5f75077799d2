"""Reports from a shell: what somebody saw or worries about, by their name or without, and what became of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent.commands.cli_cases import Found
from agent.commands.cli_options import JsonOption, in_path, print_json, say, signed_in, told, usage

if TYPE_CHECKING:
    from agent.commands.client import Client

LanguageOption = Annotated[
    str | None, typer.Option("--language", help="en, fr, nl or ja; the school's if not given.")
]
# How the answers to a question that takes several are set apart.
_APART: Final = ","


def report(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="What happened, in your words; without it you are asked.")
    ] = None,
    *,
    about: Annotated[
        str | None,
        typer.Option(
            "--about",
            help="upsetting, not_for_children, mean, stranger, shared, hurt, account, filter, strange, lost, other.",
        ),
    ] = None,
    whom: Annotated[str, typer.Option("--whom", help="me, pupil, adult, head, outside or unknown.")] = "unknown",
    who: Annotated[str, typer.Option("--who", help="Who it is, in your words.")] = "",
    place: Annotated[str, typer.Option("--place", help="on_site, off_site or unknown.")] = "unknown",
    worried: Annotated[bool, typer.Option("--worried", help="It has not happened yet.")] = False,
    keeps: Annotated[list[str] | None, typer.Option("--keeps", help="What you keep of it; may be repeated.")] = None,
    serious: Annotated[
        bool | None, typer.Option("--serious/--not-serious", help="Whether it is serious, where you know.")
    ] = None,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Without your name.")] = False,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report something that happened, or might; you get a number to ask after it."""
    with told(), signed_in(quiet=as_json) as client:
        if text is None:
            body = dict(_answers(client, language))
        elif about is None:
            raise usage("--about", "nothing", "what it is about, or no text: then you are asked")
        else:
            body = {
                "about": about,
                "text": text,
                "whom": whom,
                "who": who,
                "place": place,
                "happened": "potential" if worried else "actual",
                "keeps": keeps or [],
            }
        if serious is not None:
            body["is_serious"] = serious
        made = _send(client, body, is_anonymous=anonymous, language=language)
    if as_json:
        print_json(made)
        return
    say(made["thanks"])
    say(f"Your number: {made['receipt']}")


def receipt(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As you got it when you reported.")],
    *,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what became of a report."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get(f"/reports/{in_path(number)}", {"language": language})
    if as_json:
        print_json(found)
    else:
        say(found["in_words"])


def _send(client: "Client", body: Found, *, is_anonymous: bool, language: str | None) -> Any:
    """Hand a report over; without a name it goes without a session too, so that nothing says who it was."""
    from agent.commands.client import Client

    asked = {"language": language}
    if not is_anonymous:
        return client.post("/me/reports", body, params=asked)
    with Client(client.server) as stranger:
        return stranger.post("/reports", body, params=asked)


def _answers(client: "Client", language: str | None) -> Iterator[tuple[str, Any]]:
    """Ask what the form asks."""
    form = client.get("/reports/form", {"language": language})
    for line in (form["title"], *form["beforehand"]):
        say(line)
    for question in form["questions"]:
        yield question["id"], _answer(question)


def _answer(question: Found) -> Any:
    choices = question["choices"]
    if not choices:
        default = "" if question["is_optional"] else None
        written: str = typer.prompt(question["text"], default=default, show_default=False)
        if question["most_answers"] == 1:
            return written
        return [each.strip() for each in written.split(_APART) if each.strip()]
    say(question["text"])
    for number, choice in enumerate(choices, start=1):
        say(f"{number:>3}. {choice['text']}")
    return choices[_number(len(choices)) - 1]["value"]


def _number(most: int) -> int:
    """Ask for a number until it is one of the choices."""
    while True:
        written: str = typer.prompt("", prompt_suffix="> ")
        if written.isdecimal() and 1 <= int(written) <= most:
            return int(written)
        say(f"Found {written!r}; expected a number from 1 to {most}.")
