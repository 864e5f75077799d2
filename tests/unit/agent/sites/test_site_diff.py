"""The difference between two sites, as a governor reads it: one sentence for each change."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from agent.sites.config import parse_site
from agent.sites.site import Site
from agent.sites.site_diff import diff_sites

EXAMPLE = (Path(__file__).parents[4] / "agent" / "data" / "example_site.yaml").read_text(encoding="utf-8")


def build(text: str) -> Site:
    return parse_site(text, path=Path("/nowhere/site.yaml")).site


def changed(old: str, new: str) -> tuple[str, ...]:
    assert old in EXAMPLE
    return diff_sites(build(EXAMPLE), build(EXAMPLE.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "block: [drugs, weapons,",
            "block: [games, drugs,",
            (
                "The policy beyond-the-table now blocks Games too.",
                "The policy beyond-the-table does not block Weapons any more.",
            ),
            id="categories-of-a-policy",
        ),
        pytest.param(
            "allow: {names: [radio.example]}",
            "allow: {names: [radio.example, music.example]}",
            ("The policy radio-project now allows music.example too.",),
            id="names-of-a-policy",
        ),
        pytest.param(
            "allow: {names: [radio.example]}",
            "block: {names: [radio.example]}",
            (
                (
                    "The policy radio-project now blocks radio.example; it allowed radio.example for everybody in the"
                    " group media, from 2026-11-02 00:00 until 2026-12-19 00:00, because: Project of the media group."
                ),
            ),
            id="what-a-policy-does",
        ),
        pytest.param(
            "audiences: [pupil, guest]",
            "audiences: [pupil]",
            ("The policy beyond-the-table is now for pupils; it was for pupils and guests.",),
            id="whom-a-policy-is-for",
        ),
        pytest.param(
            "    schedule: lessons\n",
            "",
            ("The policy web-mail-after-lessons now holds always; it held at lessons.",),
            id="when-a-policy-holds",
        ),
        pytest.param(
            "until: 2026-12-18\n",
            "until: 2026-12-19\n",
            (
                (
                    "The policy radio-project now holds from 2026-11-02 00:00 until 2026-12-20 00:00;"
                    " it held from 2026-11-02 00:00 until 2026-12-19 00:00."
                ),
            ),
            id="until-when-a-policy-holds",
        ),
        pytest.param(
            "reason: Project of the media group",
            "reason: A project",
            ("The policy radio-project now says why as A project; it was Project of the media group.",),
            id="why-there-is-a-policy",
        ),
        pytest.param(
            "  web-mail-after-lessons:\n    block: {categories: [webmail]}\n    audiences: [pupil]\n"
            "    schedule: lessons\n",
            "",
            ("The policy web-mail-after-lessons was removed; it blocked Personal e-mail for pupils, at lessons.",),
            id="a-policy-that-is-gone",
        ),
        pytest.param(
            "policies:\n",
            "policies:\n  no-games: {block: games, except_groups: media}\n",
            ("The policy no-games was added; it blocks Games for everybody, but not in the group media, always.",),
            id="a-new-policy",
        ),
        pytest.param(
            "policies:\n",
            "policies:\n  chosen: {allow_only: for_children, groups: media}\n",
            (
                "The policy chosen was added; it allows For children for everybody in the group media, always.",
                "Only what a policy allows is now open for everybody in the group media.",
            ),
            id="an-audience-that-gets-chosen-names-only",
        ),
        pytest.param(
            "shopping_commerce: {nominated: [office]}",
            "shopping_commerce: {nominated: [office, media]}",
            (
                (
                    "For everybody, the row Shops and markets is now acceptable for nominated groups"
                    " (media and office);"
                    " it was acceptable for nominated groups (office)."
                ),
            ),
            id="who-is-nominated-for-a-row",
        ),
        pytest.param(
            "{schedule: lunch}",
            "{schedule: after-school}",
            (
                (
                    "For everybody, the row Educational games is now acceptable at certain times (after-school);"
                    " it was acceptable at certain times (lunch)."
                ),
            ),
            id="the-times-of-a-row",
        ),
        pytest.param(
            "    - {nominated: [media]}\n    - {audience: staff, tick: acceptable}\n",
            "    - {nominated: [media]}\n",
            ("For staff, the row Video platforms is now as for everybody else; it was acceptable.",),
            id="a-row-without-a-rule-for-an-audience",
        ),
        pytest.param(
            "from: 12:10, to: 13:00",
            "from: 12:10, to: 13:30",
            ("The schedule lunch is now Monday to Friday 12:10-13:30; it was Monday to Friday 12:10-13:00.",),
            id="the-hours-of-a-schedule",
        ),
        pytest.param(
            "schedules:\n",
            "schedules:\n  club: {windows: {days: 'mon, wed', from: 9:00, to: 9:30}, only_in_term: true}\n",
            ("The schedule club was added: Monday and Wednesday 09:00-09:30, only in term.",),
            id="a-new-schedule",
        ),
        pytest.param(
            "early May: 2027-05-03",
            "early May: 2027-05-04",
            ("The holiday early May is now 2027-05-04 to 2027-05-04; it was 2027-05-03 to 2027-05-03.",),
            id="a-holiday",
        ),
        pytest.param(
            "essentials: [school.example]",
            "essentials: [bank.example]",
            (
                "bank.example must now work whatever a list says.",
                "school.example need no longer work whatever a list says.",
            ),
            id="names-that-must-work",
        ),
        pytest.param(
            "staff: off",
            "staff: {google: strict, bing: strict}",
            ("For staff, the safe mode of bing and google is now strict; it was off.",),
            id="safe-search-of-an-audience",
        ),
        pytest.param(
            "  media: {youtube: moderate}\n",
            "",
            (
                (
                    "For everybody in the group media, the safe mode of youtube is now as for everybody else;"
                    " it was moderate."
                ),
            ),
            id="safe-search-of-a-group",
        ),
        pytest.param(
            "starter: builtin:starter",
            "starter: builtin:starter\n  ours: {source: https://lists.example/a, category: games, refresh: 1 h}",
            ("The list ours was added: source https://lists.example/a, category Games, refresh 3,600 s.",),
            id="a-new-list",
        ),
        pytest.param(
            "starter: builtin:starter",
            "starter: {source: builtin:starter, max_change_share: 90 %}",
            ("The list starter: max change share is now 90 %; it was 50 %.",),
            id="a-setting-of-a-list",
        ),
        pytest.param(
            "cidrs: [127.0.0.3/32]",
            "cidrs: [127.0.0.6/32]",
            (
                "The network guests: addresses: 127.0.0.6/32 was added.",
                "The network guests: addresses: 127.0.0.3/32 was removed.",
            ),
            id="the-addresses-of-a-network",
        ),
        pytest.param(
            "  guests:\n    audience: guest\n    cidrs: [127.0.0.3/32]\n",
            "",
            ("The network guests was removed; it was audience guest, addresses 127.0.0.3/32.",),
            id="a-network-that-is-gone",
        ),
        pytest.param(
            "devices: [127.0.0.5]",
            "devices: [127.0.0.5, 127.0.0.6]",
            ("The group media: devices: 127.0.0.6 was added.",),
            id="the-devices-of-a-group",
        ),
        pytest.param(
            "blocked: nxdomain",
            "blocked: nodata\n  blocked_ttl: 5 s\n  by_category: {gambling: nxdomain}",
            (
                "Answers: style of blocked questions is now nodata; it was nxdomain.",
                "Answers: style of blocked questions about Gambling is now nxdomain; it was nothing.",
                "Answers: blocked ttl is now 5 s; it was 10 s.",
            ),
            id="answers",
        ),
        pytest.param(
            "#fail_modes:\n",
            "fail_modes: {no_index: open, reason: A choice of ours}\n",
            (
                "Fail modes: without usable lists is now open; it was closed.",
                "Fail modes: reason is now A choice of ours; it was nothing.",
            ),
            id="the-fail-mode",
        ),
        pytest.param(
            "activity: blocked",
            "activity: counts",
            ("Retention: activity is now counts; it was blocked.",),
            id="what-is-kept",
        ),
        pytest.param(
            "    - system\n",
            "    - udp://192.0.2.53\n",
            (
                "Upstreams: servers: udp://192.0.2.53:53 was added.",
                "Upstreams: resolvers of the system is now off; it was on.",
            ),
            id="upstreams",
        ),
        pytest.param("#workers: 1", "workers: 2", ("Number of workers is now 2; it was 1.",), id="workers"),
        pytest.param(
            "name: Example School",
            "name: Other School",
            ("School: name is now Other School; it was Example School.",),
            id="the-name-of-the-school",
        ),
    ],
)
def test_each_change_is_one_sentence(old: str, new: str, expected: tuple[str, ...]) -> None:
    assert sorted(changed(old, new)) == sorted(expected)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            "{}",
            "{never: [malware, phishing, proxy, vpn, encrypted_dns, tor, gambling, nudity]}",
            ("Nobody can ask for Gambling and Nudity any more.",),
            id="nobody-can-ask",
        ),
        pytest.param(
            "{never: [malware, phishing, proxy, vpn, encrypted_dns, tor, dating]}",
            "{never: [malware, phishing]}",
            (
                "People can now ask for Dating, Encrypted DNS, Tor, VPN services and Web proxies.",
                "Opening Dating now takes two: the safeguarding lead and the ICT Co-ordinator.",
            ),
            id="people-can-ask",
        ),
        pytest.param(
            "{sensitive: [drugs, dating]}",
            "{sensitive: [dating, weapons]}",
            (
                "Opening Weapons now takes two: the safeguarding lead and the ICT Co-ordinator.",
                "Opening Drugs now takes one who approves it; it took two.",
            ),
            id="who-decides",
        ),
        pytest.param(
            "{}",
            "{max_days: 7, max_ahead_days: 60, break_glass_minutes: 30, countersign_hours: 1}",
            (
                "An override now lasts 7 days at most; it was 30.",
                "An override can now be asked for 60 days ahead; it was 366.",
                "An emergency now lasts 30 minutes at most; it was 60.",
                "An emergency now has to be confirmed within 1 hour; it was 24.",
            ),
            id="how-long",
        ),
        pytest.param("{}", "{max_days: 30}", (), id="what-is-as-always"),
    ],
)
def test_what_people_may_ask_for(before: str, after: str, expected: tuple[str, ...]) -> None:
    sites = [build(f"{EXAMPLE}\noverrides: {overrides}\n") for overrides in (before, after)]
    assert diff_sites(*sites) == expected


def test_what_becomes_illegal_is_told_once() -> None:
    site = build(EXAMPLE)
    lenient = replace(
        site,
        rulebook=replace(site.rulebook, statutory=site.rulebook.statutory - {"hate_speech"}),
        overrides=replace(site.overrides, sensitive=site.overrides.sensitive | {"hate_speech"}),
    )
    assert diff_sites(lenient, site) == ("Hate speech is now blocked for everybody, whatever anybody allows.",)


def test_whom_to_tell_never_stands_in_a_sentence() -> None:
    mail = (
        "\nnotifications: {{mail: {{host: mail.example, sender: a@b.example, recipients: {{people: {{a: {}}}}}}}}}\n"
    )
    told = diff_sites(*(build(EXAMPLE + mail.format(address)) for address in ("a@b.example", "c@d.example")))
    assert told == ("Notifications: who is told, or how, has changed.",)


def test_who_is_named_never_stands_in_a_sentence() -> None:
    people = "\npeople: {{a: {{name: {}, roles: [ict_coordinator]}}}}\n"
    told = diff_sites(*(build(EXAMPLE + people.format(name)) for name in ("Ada Example", "Ben Sample")))
    assert told == (
        "The file names other people or classes than before; an import takes them over, nothing else does.",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("# Who is where.", "# Who\n# is\n# where.", id="comments"),
        pytest.param("audiences: [pupil, guest]", "audiences: [guest, pupil]", id="the-order-of-audiences"),
        pytest.param("policies:\n", "policies:\n\n\n", id="empty-lines"),
    ],
)
def test_text_that_only_moved_says_nothing(old: str, new: str) -> None:
    assert changed(old, new) == ()


def test_a_pack_that_is_gone_is_one_sentence_and_what_the_law_asks_is_told() -> None:
    site = build(EXAMPLE)
    bare = replace(
        site,
        school=replace(site.school, packs=()),
        table=(),
        rulebook=replace(site.rulebook, statutory=frozenset()),
    )
    sentences = diff_sites(site, bare)
    assert sentences[0] == f"The pack uk-esafety was removed, with the {len(site.table)} rows of its table."
    assert all("is no longer blocked for everybody" in sentence for sentence in sentences[1:])
    assert len(sentences) == 1 + len(site.rulebook.statutory)


@pytest.mark.parametrize(
    ("packs", "sentence"),
    [
        ("[uk-esafety, nl-avg]", "The pack nl-avg was added."),
        ("[uk-esafety, ours.yaml]", "The school's own pack /nowhere/ours.yaml was added."),
    ],
)
def test_a_pack_without_a_table_of_user_actions_is_told_too(packs: str, sentence: str) -> None:
    told = changed("packs: [uk-esafety]", f"packs: {packs}")
    assert told == (sentence,)
    back = diff_sites(build(EXAMPLE.replace("packs: [uk-esafety]", f"packs: {packs}")), build(EXAMPLE))
    assert back == (sentence.replace("added", "removed"),)


def test_how_things_are_weighed_is_told_and_who_reads_them_is_not() -> None:
    part = "\nassessment: {{open_at: {}, kinds: {{games: {{sites: {}}}}}}}\nincidents: {{chair: {}}}\n"
    told = diff_sites(*(build(EXAMPLE + part.format(*each)) for each in ((70, 5, "g-01"), (90, 9, "g-02"))))
    assert told == (
        "Incidents: who reads what, how long something lasts, or whom to call has changed.",
        "Assessment: open at is now 90; it was 70.",
        "Assessment: kinds Games: sites is now 9; it was 5.",
    )


def test_that_laptops_are_told_something_else_is_told_and_why_is_not() -> None:
    part = "\nendpoints: {{file_names: kept, reason: {}}}\n"
    told = diff_sites(*(build(EXAMPLE + part.format(why)) for why in ("One.", "Another.")))
    assert told == ("Laptops: what they are told, or how long what they tell is kept, has changed.",)


@pytest.mark.parametrize("name", [field.name for field in fields(Site)])
def test_no_part_of_a_site_changes_in_silence(name: str) -> None:
    site = build(EXAMPLE)
    other = parse_site(OTHER, path=Path("/elsewhere/site.yaml")).site
    value = getattr(other, name)
    assert value != getattr(site, name)
    assert diff_sites(site, replace(site, **{name: value}))
    assert diff_sites(replace(site, **{name: value}), site)


OTHER = """\
school: {name: Other School, timezone: Europe/Brussels, language: fr}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.0.0.0/8}}
groups: {year-6: {cidrs: 10.1.6.0/24}}
devices: {neighbours: false, lease_files: [{format: kea, path: leases.csv}]}
calendar: {terms: {one: {from: 2026-01-05, to: 2026-03-25}}, holidays: {two: 2026-02-16}}
schedules: {day: {windows: {days: mon-fri, from: 9:00, to: 16:00}}}
lists: {games: {source: https://lists.example/games, category: games}}
rows: {gaming_educational: {audience: staff, tick: acceptable}}
policies: {games: {block: games}}
answers: {chaos: true}
upstreams: {servers: udp://192.0.2.1, zones: {school.example: udp://10.0.0.1}}
listeners: {dns: 127.0.0.1:5336}
limits: {stale: 1 h}
retention: {days: 3}
fail_modes: {no_index: open, reason: A choice of ours}
paths: {state: other}
overrides: {max_days: 7}
people: {a: {name: Ada Example, roles: staff}}
workers: 3
"""
