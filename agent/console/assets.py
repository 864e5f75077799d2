"""Stylesheets and scripts: a closed list, served from memory, for ever, at an address that changes with them."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

PREFIX: Final = "/static"
_CSS: Final = "text/css; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
# By the name that pages use: the package, the place in it, and the kind.
_SOURCES: Final = {
    "console.css": ("agent.console", "static/console.css", _CSS),
    "charts.css": ("agent.console", "static/charts.css", _CSS),
    "letter.css": ("agent.console", "static/letter.css", _CSS),
    "console.js": ("agent.console", "static/console.js", _SCRIPT),
    "queue.js": ("agent.console", "static/queue.js", _SCRIPT),
    "icon.svg": ("agent.console", "static/icon.svg", "image/svg+xml"),
    # htmx 2, Zero-Clause BSD: of the package django-js-lib-htmx, which holds its files and nothing else.
    "htmx.js": ("js_lib_htmx", "static/htmx/htmx.min.js", _SCRIPT),
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its octets, also compressed, and what it is."""

    plain: bytes
    compressed: bytes
    kind: str
    version: str


@cache
def load_asset(name: str) -> Asset:
    """Read a file of the list, once a process.

    Raises:
        KeyError: it is not on the list.
    """
    package, place, kind = _SOURCES[name]
    plain = files(package).joinpath(place).read_bytes()
    version = hashlib.sha256(plain).hexdigest()[:12]
    return Asset(plain, gzip.compress(plain, mtime=0), kind, version)


def address_of(name: str) -> str:
    """Give where a file is served; the address is another one when the file is."""
    return f"{PREFIX}/{load_asset(name).version}/{name}"


async def serve_asset(request: Request) -> Response:
    """Serve a file of the list; there is nothing else, whatever the address says."""
    name, version = request.path_params["name"], request.path_params["version"]
    if name not in _SOURCES or load_asset(name).version != version:
        return Response("There is nothing at this address.", HTTPStatus.NOT_FOUND, media_type="text/plain")
    asset = load_asset(name)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, headers=headers, media_type=asset.kind)
    return Response(asset.plain, headers=headers, media_type=asset.kind)
