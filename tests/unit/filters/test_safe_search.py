"""Services with a safe mode: exact hosts in, the host of the safe mode out."""

import pytest

from filters.safe_search import MODES, SAFE_SEARCH, Service, names_by_tag, service_title, target
from rules.name import DomainName, parse_name

SERVICES = ("google", "youtube", "bing", "duckduckgo", "pixabay", "yandex", "ecosia", "brave")


def tags_of(name: str) -> set[str]:
    return {tag for tag, names in names_by_tag().items() if DomainName(name) in names}


def test_the_services_are_those_of_the_product() -> None:
    assert tuple(SAFE_SEARCH) == SERVICES
    assert set(names_by_tag()) == {f"search:{service}" for service in SERVICES}


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("www.google.com", "search:google"),
        ("google.com", "search:google"),
        ("www.google.co.uk", "search:google"),
        ("google.co.jp", "search:google"),
        ("www.google.fr", "search:google"),
        ("www.google.ca", "search:google"),
        ("www.google.nl", "search:google"),
        ("www.google.be", "search:google"),
        ("www.youtube.com", "search:youtube"),
        ("youtubei.googleapis.com", "search:youtube"),
        ("www.bing.com", "search:bing"),
        ("lite.duckduckgo.com", "search:duckduckgo"),
        ("pixabay.com", "search:pixabay"),
        ("ya.ru", "search:yandex"),
        ("www.yandex.com.tr", "search:yandex"),
        ("www.ecosia.org", "search:ecosia"),
        ("search.brave.com", "search:brave"),
    ],
)
def test_a_host_that_searches_belongs_to_its_service(name: str, tag: str) -> None:
    assert tags_of(name) == {tag}


@pytest.mark.parametrize(
    "name",
    [
        "mail.google.com",
        "classroom.google.com",
        "docs.google.com",
        "www.google.com.example.test",
        "i.ytimg.com",
        "brave.com",
        "blog.ecosia.org",
        "mail.yandex.ru",
    ],
)
def test_other_hosts_of_the_same_firms_are_left_alone(name: str) -> None:
    assert not tags_of(name)


@pytest.mark.parametrize(
    ("tag", "mode", "safe"),
    [
        ("search:google", "strict", "forcesafesearch.google.com"),
        ("search:youtube", "strict", "restrict.youtube.com"),
        ("search:youtube", "moderate", "restrictmoderate.youtube.com"),
        ("search:bing", "strict", "strict.bing.com"),
        ("search:duckduckgo", "strict", "safe.duckduckgo.com"),
        ("search:pixabay", "strict", "safesearch.pixabay.com"),
        ("search:yandex", "strict", "familysearch.yandex.ru"),
        ("search:ecosia", "strict", "strict-safe-search.ecosia.org"),
        ("search:brave", "strict", "forcesafe.search.brave.com"),
        pytest.param("search:bing", "moderate", "strict.bing.com", id="one-safe-mode-serves-every-mode"),
    ],
)
def test_the_safe_host_follows_the_mode(tag: str, mode: str, safe: str) -> None:
    assert target(tag, mode) == safe


def test_a_service_has_the_name_that_people_know() -> None:
    assert service_title("search:duckduckgo") == "DuckDuckGo"
    assert service_title("search:nobody") == "search:nobody"


def test_an_unknown_tag_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        target("search:nobody", "strict")


@pytest.mark.parametrize("service", SAFE_SEARCH.values(), ids=SAFE_SEARCH)
def test_every_name_is_in_normal_form_and_no_safe_host_is_rewritten_itself(service: Service) -> None:
    everything = {name for names in names_by_tag().values() for name in names}
    assert all(parse_name(name) == name for name in (*service.names, *service.targets.values()))
    assert {"strict"} <= set(service.targets) <= set(MODES)
    assert everything.isdisjoint(service.targets.values())


def test_google_has_all_its_country_domains() -> None:
    assert len(SAFE_SEARCH["google"].names) >= 2 * 187
