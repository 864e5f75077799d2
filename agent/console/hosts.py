"""Which host a page may be asked for: the gateway's own names and addresses, not what somebody made point here."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

MAX_HOST_CHARACTERS: Final = 260


def is_own_host(written: str, names: Iterable[str]) -> bool:
    """Say whether the header `Host` names us: an address of any kind, this machine, or one of these names.

    An address cannot be made to point elsewhere; a name can be.

    Args:
        names: of the certificate, `*.` for one label, and those that the site gives.
    """
    if not written or len(written) > MAX_HOST_CHARACTERS:
        return False
    try:
        host = (urlsplit(f"//{written}").hostname or "").rstrip(".")
        _ = urlsplit(f"//{written}").port
    except ValueError:
        return False
    if host == "localhost" or _is_address(host):
        return True
    _, _, rest = host.partition(".")
    return any(host == name or (rest and name == f"*.{rest}") for name in map(str.lower, names))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def own_path(written: str, default: str = "/") -> str:
    """Give a place of the console that somebody asks to be sent to, or the default for anything else."""
    is_ours = written.startswith("/") and not written.startswith(("//", "/\\")) and written.isprintable()
    return written if is_ours and "\\" not in written and len(written) <= 2048 else default


def comes_from_elsewhere(request: Request) -> bool:
    """Say whether a page of another site, or a mail, led here; then the browser keeps our cookie back."""
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
