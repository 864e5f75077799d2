"""Packs for programs."""

import json

import pytest

from agent.packs.pack_plain import as_plain
from agent.sites.site_packs import load_pack, shipped_packs


@pytest.mark.parametrize("name", shipped_packs())
def test_every_pack_can_be_written_as_json(name: str) -> None:
    plain = json.loads(json.dumps(as_plain(load_pack(name))))
    assert plain["id"] == name
    assert plain["handbook"]["coverage"]


def test_texts_come_in_all_their_languages_and_times_as_they_are_written() -> None:
    plain = as_plain(load_pack("nl-avg"))
    assert set(plain["title"]) == {"nl", "en"}
    assert plain["law"]["as_of"] == "2022-01-11"
    assert plain["handbook"]["clocks"]["regulator_notice"]["length"] == "72 hours"


def test_tables_and_rules_are_there() -> None:
    plain = as_plain(load_pack("uk-esafety"))
    assert plain["sanctions"]["pupil"]["rows"]["P02"]["actions"] == ["refer_class_teacher"]
    assert plain["assessment"]["rows"]["pupil/bypass"] == ["P13"]
    assert plain["assessment"]["window"] == 7200
