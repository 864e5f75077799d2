"""Laptops: who waits with which code, how each stands, what it has proved, and the tokens that let one in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.responses import Response

from agent.api import device_routes
from agent.api.device_schemas import CodeAsked, DeviceTokenAsked, DeviceTold, OwnerAsked, ReasonAsked
from agent.api.paging import page_of
from agent.api.parts import names_of
from agent.api.versions import SeenThing
from agent.console.charts.fleet_figures import read_disks, read_encryption
from agent.console.charts.machine_charts import draw_encryption
from agent.console.machines.device_words import words_of_disk, words_of_key, words_of_laptop
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.people.person_named import person_named
from agent.console.typed import Typed, TypedError, build
from agent.endpoint import code_words
from agent.endpoint.fact_words import FactWords
from agent.endpoint.notice_texts import endpoint_texts
from agent.fleet.enrolment_desk import MAX_USES
from agent.fleet.fleet_inventory import take_stock
from agent.fleet.fleet_metrics import is_encrypted
from agent.fleet.fleet_states import POSTURE
from agent.storage.fleet_rows import Device, DeviceState
from collectors.posture import Check

_MAX_FIND: Final = 100
_MOST_WAITING: Final = 50
# So far off a clock may be before it is told.
_SKEW_SECONDS: Final = 300
_COUNTED: Final = "SELECT device, COUNT(*) FROM device_findings GROUP BY device"
_GONE: Final = (DeviceState.REFUSED, DeviceState.REVOKED)


def add_device_pages(pages: Pages) -> None:
    """Add the pages of this file; tokens stand before what takes any word for an id."""
    pages.get("/devices", list_laptops)
    pages.post("/devices", list_laptops)
    pages.get("/devices/tokens", show_tokens)
    pages.post("/devices/tokens", issue_token, form=show_tokens, is_kept=True)
    pages.post("/devices/tokens/{id}/end", end_token)
    pages.get("/devices/{id}", show_laptop)
    pages.post("/devices/{id}/approve", approve, form=show_laptop)
    pages.post("/devices/{id}/refuse", refuse, form=show_laptop)
    pages.post("/devices/{id}/revoke", revoke, form=show_laptop)
    pages.post("/devices/{id}/owner", give, form=show_laptop)


# ---- the list --------------------------------------------------------------------------------------------------


def list_laptops(page: Page) -> Response:
    """List laptops, those that wait for somebody first; of the rest those that are asked for.

    What holds a name comes with a form alone: an address would keep it in a history.
    """
    typed = page.typed
    find, show = typed.get("find")[:_MAX_FIND], typed.get("show") or page.query("show")
    parts = page.parts
    with parts.fleet.events.read() as events:
        disks = read_disks(events)
    with parts.store.read() as database:
        findings = dict(database.execute(_COUNTED).fetchall())
    devices = parts.fleet.devices.all()
    found = _called(page, [each for each in devices if _may_be_shown(each, show, disks, findings)], find.casefold())
    if show == "silent":
        found = _silent(page, found)
    shown, more = page_of(found, lambda each: (each.label, each.id), after=typed.get("after") or None)
    waiting = [each for each in devices if each.is_waiting]
    is_first = not (find or show or typed.get("after"))
    return page.render(
        "devices/list.html",
        waiting=device_routes.tell_devices(parts, waiting[:_MOST_WAITING]),
        number_waiting=len(waiting),
        laptops=[_row(page, each, disks, findings) for each in device_routes.tell_devices(parts, shown)],
        number=len(found),
        query={"find": find, "show": show},
        choices=_choices(page),
        more=more,
        chart=_chart(page) if is_first else None,
    )


def _choices(page: Page) -> list[tuple[str, str]]:
    _ = page.texts.gettext
    return [
        ("", _("all laptops")),
        ("active", _("those on the list")),
        ("silent", _("those that are silent")),
        ("open", _("those whose disk is not encrypted")),
        ("unknown", _("those of whose disk nothing is known")),
        ("findings", _("those that somebody has to look at")),
        ("gone", _("those refused or taken off the list")),
    ]


def _may_be_shown(device: Device, show: str, disks: dict[str, bool | None], findings: dict[str, int]) -> bool:
    """Say of a laptop whether it is of those that are asked for, as far as that is known before it is told."""
    is_active = device.state is DeviceState.ACTIVE
    return {
        "active": is_active,
        "silent": is_active,
        "open": is_active and disks.get(device.id) is False,
        "unknown": is_active and disks.get(device.id) is None,
        "findings": device.id in findings,
        "gone": device.state in _GONE,
    }.get(show, True)


def _called(page: Page, devices: list[Device], find: str) -> list[Device]:
    """Give those that a text stands in: label, id, what the computer calls itself, or the name of the owner."""
    if not find:
        return devices
    with page.parts.store.read() as database:
        names = names_of(database, (each.owner for each in devices if each.owner is not None))

    def texts_of(device: Device) -> Iterator[str]:
        yield from (device.label, device.id, names.get(device.owner or "", ""), *device.host.values())

    return [each for each in devices if any(find in text.casefold() for text in texts_of(each))]


def _silent(page: Page, devices: list[Device]) -> list[Device]:
    silent_after = timedelta(seconds=page.parts.fleet.settings().silent_seconds)
    with page.parts.fleet.events.read() as events:
        standings = take_stock(devices, events, now=page.now, silent_after=silent_after)
        return [each.device for each in standings if each.is_silent]


def _row(page: Page, told: DeviceTold, disks: dict[str, bool | None], findings: dict[str, int]) -> dict[str, Any]:
    return {
        "told": told,
        "state": words_of_laptop(told, page.texts),
        "disk": words_of_disk(disks.get(told.id), page.texts),
        "findings": findings.get(told.id, 0),
    }


def _chart(page: Page) -> Any:
    with page.parts.store.read() as database, page.parts.fleet.events.read() as events:
        figures = read_encryption(database, events)
    return draw_encryption(figures, page.texts, id="encryption")


# ---- one laptop ------------------------------------------------------------------------------------------------


def show_laptop(page: Page) -> Response:
    """Show a laptop with its keys, what it has proved, and what may be done about it."""
    told = device_routes.show_device(page.named("id"), page.parts, page.call.response)
    device = page.parts.fleet.devices.get(told.id)
    assert device is not None
    own_disk = (each.facts for each in told.states if (each.kind, each.key) == (POSTURE, Check.DISK_ENCRYPTION))
    disk = is_encrypted(next(own_disk, {}))
    _ = page.texts.gettext
    found = code_words.findings(_)
    facts = _fact_words(page, [each.facts for each in told.states if each.kind == "media"])
    return page.render(
        "devices/laptop.html",
        laptop=told,
        state=words_of_laptop(told, page.texts),
        disk=words_of_disk(disk, page.texts),
        host=[each for each in told.host.values() if each],
        keys=[
            (each, each.public_key.hex()[:16], words_of_key(each.state, page.texts)) for each in reversed(device.keys)
        ],
        proven=[(facts(each.kind, each.facts), each.proven_at) for each in told.states],
        findings=[(found.get(each.kind.value, each.kind.value), each.at) for each in reversed(told.findings)],
        is_skewed=told.contact is not None and abs(told.contact.skew_seconds) > _SKEW_SECONDS,
        told=_told_of(page),
    )


def _fact_words(page: Page, media: list[dict[str, Any]]) -> Callable[[str, dict[str, Any]], str]:
    def when(seconds: float) -> str:
        try:
            return page.texts.moment(datetime.fromtimestamp(seconds, UTC), page.parts.timezone)
        except (ValueError, OverflowError, OSError):
            # A clock of a laptop may tell an instant that is none.
            return str(seconds)

    return FactWords(endpoint_texts(page.texts.language), when, media=media).of


def _told_of(page: Page) -> str:
    _ = page.texts.gettext
    return page.told(
        {
            "approve": _("The laptop is let in. What it signs is taken from now on."),
            "refuse": _("What waited is refused."),
            "revoke": _("The laptop is off the list. Nothing that it signs is taken any more."),
            "owner": _("It is written down whose laptop it is."),
        }
    )


def _seen(page: Page) -> SeenThing:
    return SeenThing(page.named("id"), page.typed.version())


def _done(page: Page, what: str) -> Response:
    return page.go(f"/devices/{page.named('id')}", told=what)


def approve(page: Page) -> Response:
    """Let a laptop in whose code somebody has read off its screen."""
    # People write the six digits in two parts.
    asked = build(CodeAsked, code="".join(page.typed.get("code").split()))
    device_routes.approve(asked, _seen(page), page.call)
    return _done(page, "approve")


def refuse(page: Page) -> Response:
    """Refuse what waits."""
    device_routes.refuse(build(ReasonAsked, reason=page.typed.get("reason")), _seen(page), page.call)
    return _done(page, "refuse")


def revoke(page: Page) -> Response:
    """Take a laptop off the list, once somebody has said that they mean it."""
    if not page.typed.has("sure"):
        raise TypedError({"sure": "Please tick that you mean it."})
    device_routes.revoke(build(ReasonAsked, reason=page.typed.get("why")), _seen(page), page.call)
    return _done(page, "revoke")


def give(page: Page) -> Response:
    """Say whose laptop it is; an empty field makes it nobody's."""
    owner = person_named(page, "owner")
    device_routes.give(build(OwnerAsked, owner=owner), _seen(page), page.call)
    return _done(page, "owner")


# ---- tokens ----------------------------------------------------------------------------------------------------


def show_tokens(page: Page) -> Response:
    """List the tokens, without what they are."""
    return _tokens(page, made=None)


def issue_token(page: Page) -> Response:
    """Make a token; it is shown this once."""
    typed = page.typed
    asked = build(
        DeviceTokenAsked,
        label=typed.get("label"),
        uses=typed.get("uses") or "1",
        hours=typed.get("hours") or "72",
        owner=person_named(page, "owner"),
    )
    made = device_routes.issue_token(asked, page.call)
    # The form is empty again for the next one.
    page.typed = Typed()
    return _tokens(page, made=made)


def end_token(page: Page) -> Response:
    """End a token at once."""
    device_routes.end_token(page.named("id"), page.call)
    return page.go("/devices/tokens", told="ended")


def _tokens(page: Page, *, made: Any) -> Response:
    _, count = page.texts.gettext, page.texts.amount
    tokens = device_routes.list_tokens(page.parts).items
    shown, more = _part_of(tokens, page.query("from"))
    return page.render(
        "devices/tokens.html",
        tokens=shown,
        more=more,
        made=made,
        max_uses=MAX_USES,
        lengths=[
            ("1", count(1, "hour")),
            ("24", count(1, "day")),
            ("72", count(3, "day")),
            ("720", count(30, "day")),
        ],
        told=page.told({"ended": _("The token has ended.")}),
    )


def _part_of(tokens: list[Any], start: str) -> tuple[list[Any], str]:
    """Give fifty tokens from a place in the list on, and the place after them."""
    first = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    return tokens[first : first + 50], str(first + 50) if len(tokens) > first + 50 else ""
