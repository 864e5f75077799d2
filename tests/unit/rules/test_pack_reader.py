"""The written form of packs, and the one that ships: every row of the table it stands for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.errors import ConfigurationError
from rules.pack import Pack, Row, Tick, Visibility
from rules.pack_reader import parse_pack

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
    assert (pack.id, pack.title, pack.source) == ("p", "t", "s")
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
        pytest.param("", "p.yaml:1:1: found no mapping", id="empty"),
        pytest.param(
            "pack: p\nrows: []\n", "rows: found no mapping; expected rows by name", id="rows-that-are-a-list"
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
        pytest.param(written(line="x"), "rows.gambling.line: found 'x'; expected the number of a line", id="line"),
        pytest.param(written(label=["x"]), "rows.gambling.label: found no text; expected text", id="label"),
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
