"""Services with a safe mode that the name alone can force: their hosts, and the host that is safe.

Only the exact hosts that serve searches are rewritten: `mail.google.com` is not a search. Bare names that do
nothing but lead to a `www` host are left alone, except where people are known to stay on them.

Source: the services' own instructions to network operators (Google's "Lock SafeSearch for accounts, devices and
networks" and its `supported_domains`, YouTube's "Manage your organisation's YouTube settings", and those of Bing,
DuckDuckGo, Pixabay, Yandex, Ecosia and Brave).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from rules.event import SEARCH_TAG
from rules.name import DomainName

MODERATE: Final = "moderate"
STRICT: Final = "strict"
MODES: Final = (MODERATE, STRICT)


@dataclass(frozen=True, slots=True)
class Service:
    """One service: `names` are exact hosts, `targets` the safe host by mode; every service has `strict`."""

    tag: str
    title: str
    names: frozenset[DomainName]
    targets: Mapping[str, DomainName]


_GOOGLE_DOMAINS: Final = """
    ac ad ae al am as at az ba be bf bg bi bj bs bt by ca cat cd cf cg ch ci cl cm cn co cv cz de dj dk dm dz ee es
    fi fm fr ga ge gg gl gm gp gr gy hn hr ht hu ie im iq is it je jo kg ki kz la li lk lt lu lv md me mg mk ml mn
    ms mu mv mw ne nl no nr nu pl pn ps pt ro rs ru rw sc se sh si sk sm sn so sr st td tg tk tl tm tn to tt vg vu ws
    co.ao co.bw co.ck co.cr co.id co.il co.in co.jp co.ke co.kr co.ls co.ma co.mz co.nz co.th co.tz co.ug co.uk
    co.uz co.ve co.vi co.za co.zm co.zw
    com com.af com.ag com.ai com.ar com.au com.bd com.bh com.bn com.bo com.br com.bz com.co com.cu com.cy com.do
    com.ec com.eg com.et com.fj com.gh com.gi com.gt com.hk com.jm com.kh com.kw com.lb com.ly com.mm com.mt com.mx
    com.my com.na com.nf com.ng com.ni com.np com.om com.pa com.pe com.pg com.ph com.pk com.pr com.py com.qa com.sa
    com.sb com.sg com.sl com.sv com.tj com.tr com.tw com.ua com.uy com.vc com.vn
"""

_YANDEX_DOMAINS: Final = """
    yandex.az yandex.by yandex.co.il yandex.com yandex.com.am yandex.com.ge yandex.com.ru yandex.com.tr yandex.de
    yandex.ee yandex.eu yandex.fi yandex.fr yandex.kz yandex.lt yandex.lv yandex.md yandex.net yandex.org yandex.pl
    yandex.ru yandex.tj yandex.tm yandex.ua yandex.uz ya.ru xn--d1acpjx3f.xn--p1ai
"""


def _with_www(names: Iterable[str]) -> list[str]:
    return [host for name in names for host in (name, f"www.{name}")]


def _service(title: str, hosts: Iterable[str], *, strict: str, moderate: str | None = None) -> Service:
    targets = {STRICT: DomainName(strict)}
    if moderate is not None:
        targets[MODERATE] = DomainName(moderate)
    return Service(SEARCH_TAG + title.lower(), title, frozenset(map(DomainName, hosts)), targets)


_SERVICES: Final = (
    _service(
        "Google",
        _with_www(f"google.{domain}" for domain in _GOOGLE_DOMAINS.split()),
        strict="forcesafesearch.google.com",
    ),
    _service(
        "YouTube",
        (
            "youtube.com",
            "www.youtube.com",
            "m.youtube.com",
            "youtubei.googleapis.com",
            "youtube.googleapis.com",
            "www.youtube-nocookie.com",
        ),
        strict="restrict.youtube.com",
        moderate="restrictmoderate.youtube.com",
    ),
    # The edge host serves the search beside a page in Microsoft's browser.
    _service("Bing", ("www.bing.com", "edgeservices.bing.com"), strict="strict.bing.com"),
    # The pages without scripts have hosts of their own.
    _service(
        "DuckDuckGo",
        (
            "duckduckgo.com",
            "www.duckduckgo.com",
            "start.duckduckgo.com",
            "html.duckduckgo.com",
            "lite.duckduckgo.com",
        ),
        strict="safe.duckduckgo.com",
    ),
    _service("Pixabay", ("pixabay.com",), strict="safesearch.pixabay.com"),
    _service("Yandex", _with_www(_YANDEX_DOMAINS.split()), strict="familysearch.yandex.ru"),
    _service("Ecosia", ("www.ecosia.org",), strict="strict-safe-search.ecosia.org"),
    _service("Brave", ("search.brave.com",), strict="forcesafe.search.brave.com"),
)
SAFE_SEARCH: Final[Mapping[str, Service]] = {service.title.lower(): service for service in _SERVICES}
_BY_TAG: Final = {service.tag: service for service in SAFE_SEARCH.values()}


@cache
def names_by_tag() -> Mapping[str, frozenset[DomainName]]:
    """Give the exact hosts of every service by its `search:` tag."""
    return {tag: service.names for tag, service in _BY_TAG.items()}


def service_title(tag: str) -> str:
    """Give the name that people know a service by; for an unknown tag, the tag."""
    return _BY_TAG[tag].title if tag in _BY_TAG else tag


def target(tag: str, mode: str) -> DomainName:
    """Give the host that serves this mode; a service with one safe mode has it for every mode asked for.

    Raises:
        KeyError: no service has this tag.
    """
    targets = _BY_TAG[tag].targets
    return targets.get(mode, targets[STRICT])
