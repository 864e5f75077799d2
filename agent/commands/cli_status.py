"""How things stand, from a shell: where filtering is off, what waits, who decides, and what is in force."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from agent.commands.cli_options import JsonOption, clock_of, in_words, print_facts, print_json, say, signed_in, told

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock

_IN_FORCE: Final = {
    True: "every worker answers by the newest policy",
    False: "not every worker answers by the newest policy yet",
    None: "no gateway answers",
}
_WAITING: Final = {
    "overrides": ("override", "overrides"),
    "suspensions": ("suspension", "suspensions"),
    "filter_changes": ("filter change", "filter changes"),
    "people": ("person", "people"),
}


def status(*, as_json: JsonOption = False) -> None:
    """Show how things stand, as far as it is for you to know."""
    # What the banner tells stands in the status itself.
    with told(), signed_in(quiet=True) as client:
        found = client.get("/status")
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    print_facts(facts(found, clock))
    for part in ("approvers", "beginning"):
        if warning := (found[part] or {}).get("warning"):
            say(f"warning: {warning}", err=True)


def facts(found: Mapping[str, Any], clock: "Clock") -> Iterator[tuple[str, str]]:
    """Say how things stand, a fact a line."""
    yield from (("filtering", _off(each, clock)) for each in found["suspensions"])
    if not found["suspensions"]:
        yield "filtering", "on everywhere"
    yield from (("emergency", _emergency(each, clock)) for each in found["emergencies"])
    yield "waiting", _waiting(found["waiting"])
    if approvers := found["approvers"]:
        yield "approvers", ", ".join(each["name"] for each in approvers["people"]) or "nobody"
    if beginning := found["beginning"]:
        yield from (("by one", _alone(each)) for each in beginning["given"])
    if in_force := found["filter"]:
        yield "filter", _version("site file", in_force["file"], clock)
        yield "", _version("over it", in_force["change"], clock)
    if record := found["record"]:
        yield "record", _record(record, clock)
    yield "gateway", _IN_FORCE[found["in_force"]]
    if why_not := found.get("observing"):
        yield "incidents", why_not


def _off(each: Mapping[str, Any], clock: "Clock") -> str:
    by = f"; agreed by {each['agreed_by']['name']}" if each["agreed_by"] else ""
    return f"off for {each['where']} until {clock.show_soon(each['until_at'])}{by} ({each['id']})"


def _emergency(each: Mapping[str, Any], clock: "Clock") -> str:
    what = ", ".join((*each["categories"], *each["names"]))
    begun = clock.show_soon(each["requested_at"])
    return f"{what}, opened by {each['requester']['name']} at {begun}, waits to be countersigned ({each['id']})"


def _alone(each: Mapping[str, Any]) -> str:
    what = (*(in_words(role) for role in each["roles"]), *(f"account {login}" for login in each["accounts"]))
    giver = each["given_by"]["name"] if each["given_by"] else "the gateway itself"
    return f"{each['person']['name']}: {', '.join(what)}, by {giver}"


def _waiting(counts: Mapping[str, int | None]) -> str:
    known = ((count, _WAITING[name]) for name, count in counts.items() if count is not None)
    return ", ".join(f"{count} {words[count != 1]}" for count, words in known)


def _version(what: str, version: Mapping[str, Any] | None, clock: "Clock") -> str:
    if version is None:
        return ""
    by = f"approved by {version['approved_by']['name']}" if version["approved_by"] else "approved by nobody"
    return f"{what}, version {version['number']} of {clock.show(version['since'])}, {by}"


def _record(found: Mapping[str, Any], clock: "Clock") -> str:
    if found["is_intact"] is False:
        return f"not intact: {found['fault']}"
    anchored = f"anchored {clock.show(found['anchored_at'])}" if found["anchored_at"] else "not anchored yet"
    proved = f"proved {clock.show(found['verified_at'])}" if found["verified_at"] else "not proved yet"
    return f"{found['rows']:,} rows, {anchored}, {proved}"
