"""Laptops as people deal with them: tokens, who waits with which code, the list, and what each last proved."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response

from agent.api.device_schemas import (
    CodeAsked,
    ContactTold,
    DevicesTold,
    DeviceTokenAsked,
    DeviceTokenMade,
    DeviceTokensTold,
    DeviceTokenTold,
    DeviceTold,
    FindingTold,
    OwnerAsked,
    ReasonAsked,
    StateTold,
    WholeDeviceTold,
)
from agent.api.parts import Asking, Call, Parts, WithParts, named, names_of
from agent.api.problems import UnknownThingError
from agent.api.schemas import Id
from agent.api.versions import Seen, set_version
from agent.fleet.fleet_inventory import Standing, read_states, take_stock
from agent.storage.fleet_rows import Device, read_findings

DeviceId = Annotated[Id, Path(alias="id")]


def add_device_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/devices")(list_devices)
    router.get("/devices/tokens")(list_tokens)
    router.post("/devices/tokens", status_code=HTTPStatus.CREATED)(issue_token)
    router.delete("/devices/tokens/{id}", status_code=HTTPStatus.NO_CONTENT)(end_token)
    router.get("/devices/{id}")(show_device)
    router.post("/devices/{id}/approve")(approve)
    router.post("/devices/{id}/refuse")(refuse)
    router.post("/devices/{id}/revoke")(revoke)
    router.post("/devices/{id}/owner")(give)


def list_devices(parts: WithParts) -> DevicesTold:
    """List every laptop, those that wait or are silent too."""
    return DevicesTold(items=tell_devices(parts, parts.fleet.devices.all()))


def list_tokens(parts: WithParts) -> DeviceTokensTold:
    """List every token for laptops, without what they are."""
    now = parts.clock()
    return DeviceTokensTold(
        items=[
            DeviceTokenTold(
                id=token.id,
                label=token.label,
                uses=token.uses,
                uses_left=token.uses_left,
                created_by=token.created_by,
                created_at=token.created_at,
                ends_at=token.ends_at,
                is_usable=token.key is not None and token.uses_left > 0 and token.ends_at > now,
            )
            for token in parts.fleet.desk.tokens()
        ]
    )


def issue_token(asked: DeviceTokenAsked, call: Asking) -> DeviceTokenMade:
    """Make a token by which one laptop is let in, or several are once somebody has compared their codes."""
    made = call.parts.fleet.desk.issue(
        call.person, asked.label, uses=asked.uses, lifetime=timedelta(hours=asked.hours), owner=asked.owner
    )
    return DeviceTokenMade(id=made.id, token=made.text, uses=made.uses, ends_at=made.ends_at)


def end_token(id: DeviceId, call: Asking) -> None:  # noqa: A002 (it is the name in the address)
    """End a token at once."""
    call.parts.fleet.desk.end_token(call.person, id)


def show_device(id: DeviceId, parts: WithParts, response: Response) -> WholeDeviceTold:  # noqa: A002 (the same)
    """Show a laptop with what it last proved of itself."""
    device = parts.fleet.devices.get(id)
    if device is None:
        raise UnknownThingError("laptop")
    set_version(response, device.version)
    (told,) = tell_devices(parts, [device])
    with parts.store.read() as database:
        findings = [FindingTold.model_validate(each) for each in read_findings(database, id)]
    with parts.fleet.events.read() as events:
        states = [StateTold.model_validate(each) for each in read_states(events, id)]
    return WholeDeviceTold(**told.model_dump(), states=states, findings=findings)


def approve(asked: CodeAsked, seen: Seen, call: Asking) -> DeviceTold:
    """Let a laptop in whose code somebody has read off its own screen."""
    device = call.parts.fleet.desk.approve(call.person, seen.id, version=seen.version, code=asked.code)
    return _changed(call, device)


def refuse(asked: ReasonAsked, seen: Seen, call: Asking) -> DeviceTold:
    """Refuse a laptop that waits, or another key of one that goes on with the key that it has."""
    device = call.parts.fleet.desk.refuse(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _changed(call, device)


def revoke(asked: ReasonAsked, seen: Seen, call: Asking) -> DeviceTold:
    """Take a laptop off the list."""
    device = call.parts.fleet.desk.revoke(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _changed(call, device)


def give(asked: OwnerAsked, seen: Seen, call: Asking) -> DeviceTold:
    """Say whose laptop it is."""
    device = call.parts.fleet.desk.give_to(call.person, seen.id, version=seen.version, owner=asked.owner)
    return _changed(call, device)


def _changed(call: Call, device: Device) -> DeviceTold:
    set_version(call.response, device.version)
    (told,) = tell_devices(call.parts, [device])
    return told


def tell_devices(parts: Parts, devices: list[Device]) -> list[DeviceTold]:
    """Tell laptops as they stand now."""
    silent_after = timedelta(seconds=parts.fleet.settings().silent_seconds)
    with parts.store.read() as database:
        names = names_of(database, (device.owner for device in devices if device.owner is not None))
    with parts.fleet.events.read() as events:
        standings = list(take_stock(devices, events, now=parts.clock(), silent_after=silent_after))
    return [_one(parts, standing, names) for standing in standings]


def _one(parts: Parts, standing: Standing, names: Mapping[str, str]) -> DeviceTold:
    device = standing.device
    return DeviceTold(
        id=device.id,
        version=device.version,
        state=device.state,
        label=device.label,
        owner=None if device.owner is None else named(device.owner, names),
        host=dict(device.host),
        enrolled_at=device.enrolled_at,
        decided_at=device.decided_at,
        is_waiting=device.is_waiting,
        code=parts.fleet.desk.code_of(device),
        is_silent=standing.is_silent,
        contact=None if standing.contact is None else ContactTold.model_validate(standing.contact),
    )
