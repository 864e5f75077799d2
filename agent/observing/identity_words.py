"""How it is known who was behind a device, or why it is not, in words for whoever decides."""

from collections.abc import Mapping

from agent.observing import identity
from agent.observing.observing_record import GATEWAY, OWN_REQUEST
from agent.texts import Texts


def identity_in_words(code: str, texts: Texts) -> str:
    """Word one code of why an identity is as sure as it is; one that nobody knows comes out as it is written."""
    return _words(texts).get(code, code.replace("_", " "))


def _words(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        identity.SIGNED_IN: _("Signed in to the device with their own account"),
        identity.NETWORK_LOG_ON: _("Logged on to the network with their own account"),
        identity.ADDRESS_ONLY: _("Nothing is known but the device"),
        identity.SHARED_DEVICE: _("Several people share this device"),
        identity.SHARED_ACCOUNT: _("Several people share the account"),
        identity.UNKNOWN_ACCOUNT: _("Nobody at the school is known by the account"),
        identity.SEVERAL_PEOPLE: _("Several people were signed in to the device at the same time"),
        identity.TWO_DEVICES: _("The account was in use at several devices at the same time"),
        identity.OLD_SIGN_IN: _("The sign-in was long before, and nobody told its end"),
        identity.STAFF_AT_PUPIL_DEVICE: _("An account of staff was signed in to a device of pupils"),
        GATEWAY: _("It is about the filter itself, and nobody's device"),
        OWN_REQUEST: _("They asked for it themselves, as the record says"),
        "named_in_report": _("Whoever reported it named them"),
        "named_by_person": _("Whoever deals with it named them"),
    }
