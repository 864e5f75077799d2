"""Why a laptop is refused, with the status that tells it what to do: it never forgets its key or what it has kept."""

from http import HTTPStatus
from typing import Final

from rules.errors import SchoolgateError

# By the word of the refusal. 401 and 403 mean: keep everything, ask again later; 409: this needs a person.
STATUS: Final = {
    "bad-token": HTTPStatus.FORBIDDEN,
    "bad-signature": HTTPStatus.UNAUTHORIZED,
    "device-unknown": HTTPStatus.UNAUTHORIZED,
    "device-pending": HTTPStatus.FORBIDDEN,
    "device-refused": HTTPStatus.FORBIDDEN,
    "device-revoked": HTTPStatus.FORBIDDEN,
    "other-device": HTTPStatus.FORBIDDEN,
    "key-in-use": HTTPStatus.CONFLICT,
    "clone-suspected": HTTPStatus.CONFLICT,
    "bad-batch": HTTPStatus.BAD_REQUEST,
    "bad-enrolment": HTTPStatus.BAD_REQUEST,
    "batch-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
}


class RefusedDeviceError(SchoolgateError):
    """What a laptop sent is not taken; the text is one sentence for whoever runs it.

    Args:
        kind: one of STATUS.
    """

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.status = STATUS[kind]
