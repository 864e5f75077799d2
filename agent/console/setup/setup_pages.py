"""The set-up guide: from the example to a filtering school, each step with what was found.

The guide writes a draft of the site file. Somebody on the gateway puts it in place: no page changes the filter.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import Any, Final
from zoneinfo import available_timezones

from starlette.responses import Response

from agent.categories import load_categories
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.setup.setup_steps import networks_seen, open_steps, progress, steps_of
from agent.console.typed import Typed, TypedError
from agent.dns.canaries import IPV4, IPV6, PRESENT_NAME, canary_name
from agent.dns.upstream_system import DNS_PORT
from agent.explaining.check import describe
from agent.filter_changing.filter_in_force import TEXT_NAME
from agent.page_language import NAMES
from agent.people.attempts import check_version
from agent.sites.config import parse_site, read_text
from agent.sites.site_diff import diff_sites
from agent.sites.site_draft import drop_draft, leave_draft, part_of, problems_of, read_draft, replace_part
from agent.sites.site_packs import load_pack, packs_of, shipped_packs
from agent.texts import Texts
from rules.errors import ConfigurationError, StorageError

MAX_ROWS: Final = 60
SPARE_ROWS: Final = 3
AUDIENCES: Final = ("pupil", "staff", "guest")
# What a device is told that tries the filter; the second is blocked wherever the table of the school is in force.
TRIED: Final = ("gambling", "pornography")

Part = Mapping[str, Any]
# From the look at the draft to the new one.
_WRITING: Final = Lock()


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the guide: the parts of the site that it shows and gives, from and to what is typed."""

    keys: tuple[str, ...]
    show: Callable[[Part], dict[str, Any]]
    take: Callable[[Typed, Part], Part]


def add_setup_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/setup", show_setup)
    pages.get("/setup/test", show_test)
    pages.get("/setup/draft", show_draft)
    pages.post("/setup/draft/drop", drop, form=show_draft)
    for name in FORMS:
        pages.get(f"/setup/{name}", show_form)
        pages.post(f"/setup/{name}", take_form, form=show_form)


def _state_of(page: Page) -> Path:
    return Path(page.parts.incidents.desk.site().paths.state)


def show_setup(page: Page) -> Response:
    """Show every step, and how it stands."""
    steps = steps_of(page)
    done, whole = progress(steps)
    return page.render("setup/setup.html", steps=steps, done=done, whole=whole, next=next(open_steps(steps), None))


def show_test(page: Page) -> Response:
    """Show how to try the filter from every network, and from where somebody has asked."""
    names = [(category, canary_name(category)) for category in TRIED]
    listeners = page.parts.incidents.desk.site().listeners.dns
    # Where it answers at every address, none of them is known here.
    asked = next((each for each in listeners if not ip_address(each.address).is_unspecified), None)
    port = listeners[0].port if asked is None else asked.port
    return page.render(
        "setup/test.html",
        networks=networks_seen(page.parts),
        present=PRESENT_NAME,
        tried=[(load_categories()[category].name(page.texts.language), name) for category, name in names],
        nslookup="nslookup" if port == DNS_PORT else f"nslookup -port={port}",
        server="" if asked is None else asked.address,
        addresses=[IPV4, IPV6],
        here=page.request.url.path,
    )


def _texts_of(page: Page) -> tuple[str, str]:
    """Give the text of the site in force, and that of the draft, which is the same where nobody began one."""
    site = page.parts.incidents.desk.site()
    in_force = Path(site.paths.runtime) / TEXT_NAME
    try:
        before = in_force.read_text(encoding="utf-8")
    except OSError:
        with told_plainly(site.path):
            before = read_text(Path(site.path))
    return before, read_draft(Path(site.paths.state)) or before


def version_of(text: str) -> int:
    """Give the number by which a form knows the draft that it shows."""
    return int(sha256(text.encode()).hexdigest()[:7], 16)


@contextmanager
def told_plainly(path: str) -> Iterator[None]:
    """Tell that the site file cannot be read as what it is: nothing that somebody typed."""
    try:
        yield
    except ConfigurationError as error:
        raise StorageError(f"{path}: {error}") from error


def show_form(page: Page) -> Response:
    """Show one part of the draft, to be changed."""
    name = page.request.url.path.rpartition("/")[2]
    form = FORMS[name]
    _, text = _texts_of(page)
    values = form.show({key: part_of(text, key) for key in form.keys})
    return page.render(
        f"setup/{name}.html",
        values=values,
        told=page.told({"kept": page.texts.gettext("It stands in the draft.")}),
        rows=_row_numbers(page, values),
        version=version_of(text),
        further=max(0, len(values.get("rows", ())) - MAX_ROWS),
    )


def _row_numbers(page: Page, values: Mapping[str, Any]) -> list[int]:
    """Give the numbers of the rows of a form: those that are filled in, and some to spare."""
    ends = (name.rpartition("-")[2] for name in page.typed.fields)
    typed = [int(end) for end in ends if end.isdecimal() and len(end) <= 2]
    filled = max(len(values.get("rows", ())), max(typed, default=-1) + 1 if page.typed else 0)
    return list(range(min(MAX_ROWS, filled + (0 if page.typed else SPARE_ROWS))))


def take_form(page: Page) -> Response:
    """Take a part into the draft, unless it makes the site worse than it is.

    Raises:
        ConflictError: somebody has changed the draft since.
        TypedError: with what would be wrong.
    """
    with _WRITING:
        return _take_form(page)


def _take_form(page: Page) -> Response:
    name = page.request.url.path.rpartition("/")[2]
    form = FORMS[name]
    site = page.parts.incidents.desk.site()
    _, text = _texts_of(page)
    check_version(version_of(text), page.typed.version())
    changed = text
    for key, value in form.take(page.typed, {key: part_of(text, key) for key in form.keys}).items():
        changed = replace_part(changed, key, value)
    path = Path(site.path)
    known = {(each.found, each.expected) for each in problems_of(text, path)}
    if new := [each for each in problems_of(changed, path) if (each.found, each.expected) not in known]:
        words = _words_of_places(page.texts)
        shown = [f"{_plain(each.where, words)}: found {each.found}; expected {each.expected}." for each in new[:5]]
        said = page.texts.gettext("With this the site could not be used. The check says:")
        raise TypedError({"": said, "check": "\n".join(shown)})
    leave_draft(_state_of(page), changed)
    return page.go(f"/setup/{name}", told="kept")


def _plain(where: str, words: Mapping[str, str]) -> str:
    """Give the place of a problem by the words of the form, without the line of a file that nobody has seen."""
    steps = (step.partition("[")[0] for step in where.rpartition(": ")[2].split("."))
    return ", ".join(dict.fromkeys(words.get(step, step) for step in steps))


def _words_of_places(texts: Texts) -> dict[str, str]:
    _ = texts.gettext
    return {
        "networks": _("Networks"),
        "lists": _("Lists"),
        "upstreams": _("Resolvers"),
        "servers": _("Resolvers"),
        "server": _("Resolvers"),
        "cidrs": _("Addresses"),
        "audience": _("Who is there"),
        "groups": _("Groups of everybody there"),
        "source": _("Source"),
        "category": _("Category"),
        "timezone": _("Time zone"),
        "contact": _("Where questions about a blocked page go"),
        "console": _("Address of this console for staff"),
        "listeners": _("Where it answers"),
        "school": _("The school and its policies"),
        "dns": _("Addresses for questions of devices"),
        "metrics": _("Address for figures"),
    }


def show_draft(page: Page) -> Response:
    """Show what the draft changes and means, and how it is put in place."""
    site = page.parts.incidents.desk.site()
    before, text = _texts_of(page)
    path = Path(site.path)
    problems = problems_of(text, path)
    changes: tuple[str, ...] = ()
    meaning = ""
    with suppress(ConfigurationError):
        after = parse_site(text, path=path, with_own_packs=True).site
        changes = diff_sites(parse_site(before, path=path, with_own_packs=True).site, after)
        meaning = describe(after, load_categories(), page.texts, packs=packs_of(after))
    return page.render(
        "setup/draft.html",
        is_draft=text != before,
        problems=[str(each) for each in problems],
        changes=changes,
        meaning=meaning,
        text=text,
        version=version_of(text),
        site_path=site.path,
    )


def drop(page: Page) -> Response:
    """Forget the draft.

    Raises:
        ConflictError: somebody has changed it since.
    """
    with _WRITING:
        _, text = _texts_of(page)
        check_version(version_of(text), page.typed.version())
        drop_draft(_state_of(page))
    return page.go("/setup")


# --- What the forms hold


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value is not None else []


_OF_SCHOOL: Final = ("name", "timezone", "language", "contact", "console")


def _show_school(parts: Part) -> dict[str, Any]:
    return {
        "school": dict.fromkeys(_OF_SCHOOL, "") | _mapping(parts["school"]),
        "packs": _list(parts["packs"]),
        "shipped": {each: load_pack(each).title for each in shipped_packs()},
        "timezones": sorted(each for each in available_timezones() if "/" in each and not each.startswith("Etc/")),
        "spoken": NAMES,
    }


def _take_school(typed: Typed, parts: Part) -> Part:
    kept = {key: value for key, value in _mapping(parts["school"]).items() if key not in _OF_SCHOOL}
    own = [each for each in _list(parts["packs"]) if each not in shipped_packs()]
    return {
        "school": {name: typed.get(name) for name in _OF_SCHOOL if typed.get(name)} | kept,
        "packs": [*typed.many("packs"), *own],
    }


def _not_shown(typed: Typed, known: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a form had no row for; it stays as it is."""
    shown = {typed.get(f"old-{number}") for number in range(MAX_ROWS)}
    return {name: value for name, value in known.items() if name not in shown}


_OF_NETWORK: Final = ("audience", "cidrs", "groups")


def _show_networks(parts: Part) -> dict[str, Any]:
    rows = [
        {
            "name": name,
            "audience": each.get("audience", ""),
            "cidrs": " ".join(_list(each.get("cidrs"))),
            "groups": " ".join(_list(each.get("groups"))),
        }
        for name, each in ((name, _mapping(value)) for name, value in _mapping(parts["networks"]).items())
    ]
    blank = {"name": "", "audience": "", "cidrs": "", "groups": ""}
    return {"rows": rows, "blank": blank, "audiences": AUDIENCES}


def _take_networks(typed: Typed, parts: Part) -> Part:
    known, groups = _mapping(parts["networks"]), _mapping(parts["groups"])
    others, networks = _not_shown(typed, known), dict[str, Any]()
    for number in range(MAX_ROWS):
        name = typed.get(f"name-{number}")
        cidrs = typed.words(f"cidrs-{number}")
        if not name and not cidrs:
            continue
        if not name:
            raise TypedError({f"name-{number}": "This network has addresses and no name; expected both."})
        if name in networks or name in others:
            raise TypedError({f"name-{number}": "Another network has this name already."})
        before = _mapping(known.get(typed.get(f"old-{number}")))
        rest = {key: value for key, value in before.items() if key not in _OF_NETWORK}
        networks[name] = {"audience": typed.get(f"audience-{number}"), "cidrs": cidrs} | rest
        if everybody := typed.words(f"groups-{number}"):
            networks[name]["groups"] = everybody
            groups = {group: {} for group in everybody} | groups
    networks |= others
    if not networks:
        raise TypedError({"": "A school has at least one network."})
    return {"networks": networks, "groups": groups or None}


def _show_lists(parts: Part) -> dict[str, Any]:
    rows = []
    for name, each in _mapping(parts["lists"]).items():
        source = _mapping(each).get("source", "") if isinstance(each, dict) else each
        rows.append({"name": name, "source": source, "category": _mapping(each).get("category", "")})
    blank = {"name": "", "source": "", "category": ""}
    return {"rows": rows, "blank": blank, "categories": [(each.id, each) for each in load_categories()]}


def _take_lists(typed: Typed, parts: Part) -> Part:
    known = _mapping(parts["lists"])
    others, lists = _not_shown(typed, known), dict[str, Any]()
    for number in range(MAX_ROWS):
        name, source = typed.get(f"name-{number}"), typed.get(f"source-{number}")
        if not name and not source:
            continue
        if not name or not source:
            raise TypedError({f"name-{number}": "A list has a name and a source; one of them is missing."})
        if name in lists or name in others:
            raise TypedError({f"name-{number}": "Another list has this name already."})
        before = known.get(typed.get(f"old-{number}"))
        rest = {key: value for key, value in _mapping(before).items() if key not in ("source", "category")}
        category = typed.get(f"category-{number}")
        settings = {"source": source} | ({"category": category} if category else {}) | rest
        lists[name] = source if list(settings) == ["source"] else settings
    return {"lists": lists | others}


def _show_upstreams(parts: Part) -> dict[str, Any]:
    return {"servers": "\n".join(map(_server, _list_of_any(_mapping(parts["upstreams"]).get("servers"))))}


def _list_of_any(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _server(each: Any) -> str:
    return str(each.get("server", "")) if isinstance(each, dict) else str(each)


def _take_upstreams(typed: Typed, parts: Part) -> Part:
    upstreams = _mapping(parts["upstreams"])
    # One with pins keeps them.
    known = {_server(each): each for each in _list_of_any(upstreams.get("servers"))}
    return {"upstreams": upstreams | {"servers": [known.get(each, each) for each in typed.words("servers")]}}


_PLACES: Final = ("api", "metrics", "block_page")


def _show_listeners(parts: Part) -> dict[str, Any]:
    listeners, answers = _mapping(parts["listeners"]), _mapping(parts["answers"])
    return {
        "dns": "\n".join(_list(listeners.get("dns"))),
        "places": {name: listeners.get(name, "") for name in _PLACES},
        "blocked": answers.get("blocked", "nxdomain"),
        "page_ipv4": answers.get("page_ipv4", ""),
        "page_ipv6": answers.get("page_ipv6", ""),
    }


def _take_listeners(typed: Typed, parts: Part) -> Part:
    listeners, answers = _mapping(parts["listeners"]), _mapping(parts["answers"])
    listeners["dns"] = typed.words("dns")
    for name in _PLACES:
        listeners.pop(name, None)
        if written := typed.get(name):
            listeners[name] = written
    for name in ("blocked", "page_ipv4", "page_ipv6"):
        answers.pop(name, None)
        if written := typed.get(name):
            answers[name] = written
    return {"listeners": listeners, "answers": answers or None}


FORMS: Final[Mapping[str, Form]] = {
    "school": Form(("school", "packs"), _show_school, _take_school),
    "networks": Form(("networks", "groups"), _show_networks, _take_networks),
    "lists": Form(("lists",), _show_lists, _take_lists),
    "upstreams": Form(("upstreams",), _show_upstreams, _take_upstreams),
    "listeners": Form(("listeners", "answers"), _show_listeners, _take_listeners),
}
