"""What a site says of the block page, checked: where it is shown, and that somebody is led to it."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from agent.sites.findings import Findings
from agent.sites.site import Answers, AnswerStyle, Endpoint, Listeners
from agent.sites.written_site import WrittenListeners

_PART: Final = "listeners"
_PAGES: Final = ("block_page", "block_page_https")
_FILES: Final = ("block_page_certificate", "block_page_key")
_HTTP: Final = 80


def read_block_page(
    written: WrittenListeners, findings: Findings, folder: Path, *, others: Sequence[Endpoint]
) -> dict[str, Any]:
    """Give where the block page is shown and with which certificate, as `Listeners` has it.

    Args:
        folder: the base of relative paths.
        others: where something else is answered.
    """
    found: dict[str, Any] = {}
    taken = list(others)
    for name in _PAGES:
        endpoint = getattr(written, name)
        if endpoint is None:
            continue
        if any(collides(other, endpoint) for other in taken):
            findings.problem((_PART, name), f"{endpoint}, where something else is answered", "another port")
        if written.api is None:
            expected = "api beside it: the same process shows the page"
            findings.problem((_PART, name), f"{name} without api", expected, at_key=True)
        taken.append(endpoint)
        found[name] = endpoint
    return found | _files(written, findings, folder)


def _files(written: WrittenListeners, findings: Findings, folder: Path) -> dict[str, Any]:
    found = {}
    for name in _FILES:
        path = getattr(written, name)
        if path is None and written.block_page_https is not None:
            expected = f"{name}: that of a certificate that the school brings, or block_page alone"
            findings.problem((_PART, "block_page_https"), f"block_page_https without {name}", expected, at_key=True)
        if path is None:
            continue
        found[name] = str(folder / path)
        if written.block_page_https is None:
            findings.problem((_PART, name), f"{name} without block_page_https", "both, or neither", at_key=True)
        elif not (folder / path).exists():
            findings.notice((_PART, name), f"{folder / path} does not exist; no page is shown by HTTPS until it does")
    return found


def check_block_page(listeners: Listeners, answers: Answers, findings: Findings) -> None:
    """Point out a page that nobody is led to."""
    page = listeners.block_page
    if page is None:
        return
    if AnswerStyle.PAGE not in (answers.default, *answers.by_category.values()):
        findings.notice((_PART, "block_page"), "nobody is led to the block page: answers has blocked: page nowhere")
    elif page.port != _HTTP and not ipaddress.ip_address(page.address).is_loopback:
        findings.notice((_PART, "block_page"), f"browsers ask port 80 for a page, and this is port {page.port}")


def collides(first: Endpoint, second: Endpoint) -> bool:
    """Say whether two endpoints cannot both be listened on."""
    one, other = ipaddress.ip_address(first.address), ipaddress.ip_address(second.address)
    same_address = one == other or (one.version == other.version and (one.is_unspecified or other.is_unspecified))
    return first.port == second.port and same_address
