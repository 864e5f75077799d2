"""Laptops in words: how each stands, what is known of its disk, and what its keys do."""

from agent.api.device_schemas import DeviceTold
from agent.storage.fleet_rows import DeviceState, KeyState
from agent.texts import Texts

Toned = tuple[str, str]


def words_of_laptop(told: DeviceTold, texts: Texts) -> Toned:
    """Say how a laptop stands, and the tone of it."""
    _ = texts.gettext
    if told.is_waiting and told.state is DeviceState.ACTIVE:
        return _("on the list; another key waits"), "warn"
    if told.is_silent:
        return _("silent"), "warn"
    return {
        DeviceState.PENDING: (_("waits to be let in"), "warn"),
        DeviceState.ACTIVE: (_("on the list"), "good"),
        DeviceState.REFUSED: (_("refused"), "quiet"),
        DeviceState.REVOKED: (_("taken off the list"), "quiet"),
    }[told.state]


def words_of_disk(is_encrypted: bool | None, texts: Texts) -> Toned:  # noqa: FBT001 (the one thing that is worded)
    """Say what a laptop has proved of its own disk; that nothing is known is said as well."""
    _ = texts.gettext
    if is_encrypted is None:
        return _("not known"), "quiet"
    return (_("encrypted"), "good") if is_encrypted else (_("not encrypted"), "bad")


def words_of_key(state: KeyState, texts: Texts) -> Toned:
    """Say whether what a key signs is taken."""
    _ = texts.gettext
    return {
        KeyState.PENDING: (_("waits"), "warn"),
        KeyState.ACTIVE: (_("in use"), "good"),
        KeyState.ENDED: (_("ended"), "quiet"),
    }[state]
