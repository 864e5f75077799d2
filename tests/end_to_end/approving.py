"""A program that takes overrides through their whole life and says what was acknowledged, until it is killed."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from granting import REASON, Granting

from agent.storage.override_rows import Filed


def acts(school: Granting) -> Iterator[Filed]:
    """Do one act after the other, for ever."""
    service = school.overrides
    for ending in cycle(("refuse", "revoke", "withdraw", "approve")):
        filed = service.request("teacher", school.written())
        yield filed
        override_id = filed.override.id
        if ending == "withdraw":
            yield service.withdraw("teacher", override_id, version=1)
        elif ending == "refuse":
            yield service.refuse("manager", override_id, version=1, reason=REASON)
        else:
            yield service.approve("manager", override_id, version=1)
        if ending == "revoke":
            yield service.revoke("head", override_id, version=2, reason=REASON)


if __name__ == "__main__":
    with ExitStack() as stack:
        school = stack.enter_context(Granting.reopened(Path(sys.argv[1]), new_id=lambda: secrets.token_hex(8)))
        for filed in acts(school):
            # One system call a line: what is written whole was acknowledged.
            os.write(1, f"{filed.override.id} {filed.version} {filed.override.state}\n".encode())
