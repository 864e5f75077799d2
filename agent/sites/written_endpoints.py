"""What a person may write in `site.yaml` about laptops: what they are told, and how long what they tell is kept."""

import re
from functools import partial
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from agent.sites.written_part import Text, Written
from agent.sites.written_values import Https, OneOrMore, fault, parse_ip, parse_seconds, reader

_USB_ID: Final = re.compile(r"([0-9a-fA-F]{4}:[0-9a-fA-F]{4})(:[!-~]{1,100})?", re.ASCII)


def _parse_usb_id(value: Any) -> str:
    found = _USB_ID.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise fault('vendor and product of a USB device in hexadecimal and in quotes, such as "0951:177f"')
    return found[1].lower() + (found[2] or "")


Address = Annotated[str, reader(parse_ip)]
UsbId = Annotated[str, reader(_parse_usb_id)]
Heartbeat = Annotated[int, reader(partial(parse_seconds, at_least=60, at_most=3600))]
Minutes = Annotated[int, reader(partial(parse_seconds, at_least=60, at_most=86_400))]
Grace = Annotated[int, reader(partial(parse_seconds, at_most=86_400))]
Silence = Annotated[int, reader(partial(parse_seconds, at_least=3600, at_most=31_536_000))]


class WrittenEndpoints(Written):
    """`endpoints:` what the service on laptops is told."""

    vpn: Annotated[list[Text], OneOrMore, Field(max_length=50)] = []
    resolvers: Annotated[list[Address], OneOrMore, Field(max_length=50)] = []
    file_names: Literal["hashed", "kept"] | None = None
    file_names_reason: Text | None = Field(default=None, alias="reason")
    heartbeat_seconds: Heartbeat | None = Field(default=None, alias="heartbeat")
    posture_seconds: Minutes | None = Field(default=None, alias="posture")
    grace_seconds: Grace | None = Field(default=None, alias="grace")
    hardware_encrypted: Annotated[list[UsbId], OneOrMore, Field(max_length=500)] = []
    register_url: Https | None = Field(default=None, alias="register")
    aup_version: Text | None = Field(default=None, alias="aup")
    closed: Annotated[list[Text], OneOrMore, Field(max_length=50)] = []
    silent_seconds: Silence | None = Field(default=None, alias="silent")
    keep_days: Annotated[int, Field(ge=1, le=3660)] | None = Field(default=None, alias="days")
    keep_events: Annotated[int, Field(ge=10_000, le=100_000_000)] | None = Field(default=None, alias="events")
