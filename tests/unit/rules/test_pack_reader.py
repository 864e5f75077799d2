"""The written form of packs, and the one that ships: every row of the table it stands for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.errors import ConfigurationError
from rules.pack import Row, Tick
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack
from rules.visibility import Visibility
from rules.words import words

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT.parent / "shared" / "reference"
CATEGORIES = [row["id"] for row in yaml.safe_load((ROOT / "rules" / "categories.yaml").read_text(encoding="utf-8"))]

# Line of the policy document, row, tick, what can be seen of it: the whole table of user actions.
USER_ACTIONS = """
296 csam                          unacceptable_illegal partial
297 illegal_acts                  unacceptable_illegal partial
298 obscene_publications          unacceptable_illegal partial
299 criminally_racist             unacceptable_illegal partial
300 pornography                   unacceptable         partial
301 discrimination                unacceptable         partial
302 racial_religious_hatred       unacceptable_illegal partial
303 threatening_behaviour         unacceptable         partial
306 offensive_or_disrepute        unacceptable         none
307 private_business              unacceptable         none
308 filter_bypass                 unacceptable         partial
309 unlicensed_software_copyright unacceptable         partial
310 confidential_information      unacceptable         none
311 malware                       unacceptable         partial
312 high_volume_traffic           unacceptable         partial
313 gaming_educational            certain_times        partial
314 gaming_non_educational        unacceptable         partial
315 gambling                      unacceptable         partial
316 shopping_commerce             nominated_users      partial
317 file_sharing                  certain_times        partial
318 social_networking             unacceptable         partial
319 video_broadcasting            nominated_users      partial
"""

# Line of the policy document, row, and its ticks in the order of the columns.
SANCTIONS = """
342 P01 111111101
343 P02 100000000
344 P03 111000000
345 P04 100010000
346 P05 100000000
347 P06 100000000
348 P07 100000000
349 P08 111000000
350 P09 111001000
351 P10 111001100
352 P11 111001101
354 P12 111001000
355 P13 111011111
356 P14 111011000
357 P15 111111111
358 P16 111011000
363 S01 11111111
364 S02 11000000
365 S03 11001000
366 S04 10000000
367 S05 11000000
368 S06 11101000
369 S07 11000000
370 S08 11101000
371 S09 11100000
372 S10 11100000
373 S11 10000000
374 S12 11000000
375 S13 11101000
376 S14 11001000
378 S15 11100001
379 S16 10000000
380 S17 11100101
"""

ROW_CATEGORIES = {
    "csam": {"illegal_csam"},
    "illegal_acts": {"criminal_activity"},
    "obscene_publications": {"extreme_pornography"},
    "criminally_racist": {"hate_speech"},
    "pornography": {"pornography"},
    "discrimination": {"discrimination"},
    "racial_religious_hatred": {"hate_speech"},
    "threatening_behaviour": {"violence", "self_harm"},
    "filter_bypass": {"proxy", "vpn", "encrypted_dns", "tor"},
    "unlicensed_software_copyright": {"piracy"},
    "malware": {"malware", "phishing"},
    "gaming_educational": {"games_educational"},
    "gaming_non_educational": {"games"},
    "gambling": {"gambling"},
    "shopping_commerce": {"shopping"},
    "file_sharing": {"file_sharing"},
    "social_networking": {"social_networks"},
    "video_broadcasting": {"video"},
}


def shipped() -> Pack:
    text = (ROOT / "rules" / "packs" / "uk-esafety.yaml").read_text(encoding="utf-8")
    return parse_pack(text, file="uk-esafety.yaml", categories=CATEGORIES)


def as_line(row: Row) -> tuple[str, str, str, str]:
    return str(row.source_line), row.id, row.tick.value, row.visibility.value


def test_the_shipped_pack_is_the_whole_table_of_user_actions() -> None:
    expected = [tuple(line.split()) for line in USER_ACTIONS.strip().splitlines()]
    assert len(expected) == 22
    assert [as_line(row) for row in shipped().rows] == expected


def test_the_shipped_pack_has_both_tables_of_sanctions_tick_for_tick() -> None:
    found = [
        (str(row.line), row.id, "".join("01"[action in row.actions] for action in table.actions))
        for table in shipped().sanctions.values()
        for row in table.rows.values()
    ]
    assert found == [tuple(line.split()) for line in SANCTIONS.strip().splitlines()]


def test_each_row_covers_its_categories() -> None:
    assert {row.id: set(row.categories) for row in shipped().rows if row.categories} == ROW_CATEGORIES


def test_labels_are_our_own_words() -> None:
    labels = [row.label for row in shipped().rows]
    assert len(set(labels)) == len(labels)
    assert all(len(label) < 60 for label in labels)


def test_rows_that_nobody_sees_say_that_a_person_reports_them() -> None:
    unseen = [row for row in shipped().rows if row.visibility is Visibility.NONE]
    assert len(unseen) == 3
    assert all(row.note.startswith("Only a person can notice and report this") for row in unseen)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the transcription of the policy document is not here")
def test_the_shipped_pack_agrees_with_the_transcription() -> None:
    tables = yaml.safe_load((REFERENCE / "esafety-tables.yaml").read_text(encoding="utf-8"))["tables"]
    rows = tables["user_actions"]["rows"]
    assert all(row["tick_count"] == 1 for row in rows)
    transcribed = [(row["id"], row["source_line"], row["ticks"][0]) for row in rows]
    assert [(row.id, row.source_line, row.tick.value) for row in shipped().rows] == transcribed
    source_labels = {row["id"]: row["label"].lower() for row in rows}
    assert not [row.id for row in shipped().rows if row.label.lower() == source_labels[row.id]]

    visibility = yaml.safe_load((REFERENCE / "esafety-visibility.yaml").read_text(encoding="utf-8"))["user_actions"]
    assert {row.id: row.visibility.value for row in shipped().rows} == {
        name: entry["visibility"] for name, entry in visibility.items()
    }


def written_row(**changes: Any) -> dict[str, Any]:
    row = {
        "label": "Betting",
        "section": "s",
        "line": 315,
        "tick": "unacceptable",
        "categories": ["gambling"],
        "visibility": "partial",
    }
    return {key: value for key, value in (row | changes).items() if value != "left out"}


def written(**row_changes: Any) -> str:
    tree = {"pack": "p", "title": "t", "source": "s", "rows": {"gambling": written_row(**row_changes)}}
    return yaml.safe_dump(tree, sort_keys=False)


def test_a_pack_is_read_with_the_place_of_each_row() -> None:
    pack = parse_pack(written(), file="p.yaml", categories=CATEGORIES)
    assert (pack.id, pack.title, pack.source) == ("p", words(en="t"), "s")
    assert pack.rows == (
        Row(
            id="gambling",
            label="Betting",
            section="s",
            source_line=315,
            tick=Tick.UNACCEPTABLE,
            categories=frozenset({"gambling"}),
            visibility=Visibility.PARTIAL,
            note="",
            location="p.yaml:5:3",
        ),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "p.yaml:1:1: found nothing; expected a mapping", id="empty"),
        pytest.param(
            "pack: p\nrows: []\n", "rows: found an empty list; expected a mapping", id="rows-that-are-a-list"
        ),
        pytest.param("pack: p\n", "p.yaml:1:1: found no title; expected the key title", id="missing-key"),
        pytest.param(
            written(tick="forbidden"), "rows.gambling.tick: found 'forbidden'; expected one of acceptable,", id="tick"
        ),
        pytest.param(
            written(visibility="some"),
            "rows.gambling.visibility: found 'some'; expected one of full,",
            id="visibility",
        ),
        pytest.param(written(categories=["gamble"]), "rows.gambling.categories[0]: found 'gamble'", id="category"),
        pytest.param(
            written(categories="gambling"),
            "rows.gambling.categories: found 'gambling'; expected a list",
            id="no-list",
        ),
        pytest.param(written(line="x"), "rows.gambling.line: found 'x'; expected a whole number", id="line"),
        pytest.param(written(label=["x"]), "rows.gambling.label: found a list; expected text", id="label"),
        pytest.param(
            written(label="left out"), "rows.gambling: found no label; expected the key label", id="no-label"
        ),
        pytest.param(written(colour="red"), "rows.gambling.colour: found the unknown key colour", id="unknown-key"),
        pytest.param(
            written(visibility="none"), "in a row that nobody sees; expected no categories, and a note", id="unseen"
        ),
    ],
)
def test_each_fault_of_a_pack_has_a_place_and_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_pack(text, file="p.yaml", categories=CATEGORIES)
    assert sentence in str(caught.value)


def test_all_faults_of_a_pack_are_reported_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_pack(written(tick="x", visibility="y", line="z"), file="p.yaml", categories=CATEGORIES)
    assert len(caught.value.problems) == 3


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the transcription of the policy document is not here")
def test_every_tick_of_the_document_is_in_the_pack_and_no_other() -> None:
    tables = yaml.safe_load((REFERENCE / "esafety-tables.yaml").read_text(encoding="utf-8"))["tables"]
    pack = shipped()
    assert pack.communications is not None
    ours: dict[str, list[tuple[str, int, tuple[str, ...], bool]]] = {
        "communications": [
            (row.id, row.line, row.ticks, bool(row.footnote.by_language)) for row in pack.communications.rows.values()
        ],
        "user_actions": [(row.id, row.source_line, (row.tick.value,), False) for row in pack.rows],
    }
    for audience, table in pack.sanctions.items():
        ours[f"{audience}_sanctions"] = [
            (f"{row.id}_{row.key}", row.line, tuple(action.id for action in table.actions_of(row.id)), False)
            for row in table.rows.values()
        ]
    theirs = {
        name: [(row["id"], row["source_line"], tuple(row["ticks"]), bool(row["asterisk"])) for row in table["rows"]]
        for name, table in tables.items()
    }
    assert ours == theirs
    assert sum(len(ticks) for table in ours.values() for _, _, ticks, _ in table) == 158
    columns = {name: [column["id"] for column in table["columns"]] for name, table in tables.items()}
    assert list(pack.communications.columns) == columns["communications"]
    for audience, sanctions in pack.sanctions.items():
        assert list(sanctions.actions) == columns[f"{audience}_sanctions"]
