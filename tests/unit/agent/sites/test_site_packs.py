"""The packs of a site: only those that it names, its own on top of them, and every fault at its place."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from agent.dns.snapshot import Snapshot, write_snapshot
from agent.sites.config import load_packs, load_site, parse_site
from agent.sites.site import Private, Site
from agent.sites.site_packs import MAX_PACK_OCTETS, PacksInForce, load_pack, packs_of, shipped_packs
from rules.errors import ConfigurationError

SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: PACKS
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
OWN = """\
pack: our-school
title: Our policy
source: Our policy of 2026
sanctions: {pupil: {rows: {P05: {ticks: [refer_class_teacher, inform_parents]}}}}
"""


def write(folder: Path, packs: str, **files: str) -> Path:
    site = folder / "site.yaml"
    site.write_text(SITE.replace("PACKS", packs))
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return site


def loaded(folder: Path, packs: str, **files: str) -> Site:
    return load_site(write(folder, packs, **files)).site


def problem(folder: Path, packs: str, **files: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_site(write(folder, packs, **files))
    return str(caught.value)


# --- Those of the product


def test_a_pack_is_known_by_the_name_of_its_file() -> None:
    assert tuple(load_packs()) == shipped_packs()
    assert all(load_pack(name).id == name for name in shipped_packs())


def test_a_pack_is_read_once() -> None:
    assert load_pack("uk-esafety") is load_pack("uk-esafety")


def test_a_program_that_loads_a_site_reads_the_packs_that_it_names_and_no_other(tmp_path: Path) -> None:
    site = write(tmp_path, "[uk-esafety]")
    program = (
        "from pathlib import Path; from agent.sites.config import load_site;"
        " from agent.sites.site_packs import load_pack;"
        f" load_site(Path({str(site)!r})); print(load_pack.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n"


def test_only_packs_with_a_table_of_user_actions_say_what_is_filtered(tmp_path: Path) -> None:
    one, two = (loaded(tmp_path, packs) for packs in ("[uk-esafety]", "[uk-data-protection, uk-esafety]"))
    assert two.school.packs == ("uk-data-protection", "uk-esafety")
    assert (two.table, two.rulebook) == (one.table, one.rulebook)


def test_a_school_may_load_all_of_them(tmp_path: Path) -> None:
    site = loaded(tmp_path, f"[{', '.join(shipped_packs())}]")
    assert [pack.id for pack in packs_of(site).packs] == list(shipped_packs())


# --- A school's own


def test_an_own_pack_lies_over_the_others(tmp_path: Path) -> None:
    found = packs_of(loaded(tmp_path, "[ours.yaml, uk-esafety]", ours=OWN))
    assert [pack.id for pack in found.packs] == ["uk-esafety", "our-school"]
    row = found.packs[0].sanctions["pupil"].rows["P05"]
    assert (row.actions, row.location) == (("refer_class_teacher", "inform_parents"), "ours.yaml:4:28")
    assert [(each.by, each.id, each.parts) for each in found.replaced] == [("our-school", "P05", ("actions",))]
    assert found.own == {"our-school": tmp_path / "ours.yaml"}
    assert load_pack("uk-esafety").sanctions["pupil"].rows["P05"].actions == ("refer_class_teacher",)


def test_an_own_pack_is_named_by_its_path_in_the_folder_of_the_site_or_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "ours.yml").write_text(OWN)
    elsewhere = tmp_path / "policies" / "ours.yml"
    for name in ("policies/ours.yml", str(elsewhere)):
        site = loaded(tmp_path, f"[uk-esafety, {name}]")
        assert site.school.own_packs == (str(elsewhere),)
        assert packs_of(site).packs[1].id == "our-school"


def test_an_own_pack_alone_may_be_all_that_a_school_has(tmp_path: Path) -> None:
    site = loaded(tmp_path, "[ours.yaml]", ours="pack: ours\ntitle: t\nsource: s\n")
    assert ([pack.id for pack in packs_of(site).packs], site.school.packs) == (["ours"], ())


def test_several_own_packs_lie_on_each_other_in_their_order(tmp_path: Path) -> None:
    top = OWN.replace("our-school", "top").replace("inform_parents", "warning")
    found = packs_of(loaded(tmp_path, "[uk-esafety, ours.yaml, top.yaml]", ours=OWN, top=top))
    assert found.packs[0].sanctions["pupil"].rows["P05"].actions == ("refer_class_teacher", "warning")
    assert [each.by for each in found.replaced] == ["our-school", "top"]


@pytest.mark.parametrize(
    ("packs", "own", "sentence"),
    [
        pytest.param(
            "[uk-esafety, uk-esaftey]",
            OWN,
            "site.yaml:2:21: packs[1]: found the pack 'uk-esaftey'; expected uk-esafety",
            id="an-unknown-name",
        ),
        pytest.param(
            "[uk-esafety, uk-esafety]", OWN, "packs[1]: found the pack uk-esafety a second time", id="a-name-twice"
        ),
        pytest.param(
            "[uk-esafety, ours.yaml, ours.yaml]", OWN, "found the pack ours.yaml a second time", id="a-file-twice"
        ),
        pytest.param(
            "[uk-esafety, ours.yaml, ./ours.yaml]",
            OWN,
            "./ours.yaml: found the pack our-school a second time (first in ours.yaml); expected each pack once",
            id="an-id-twice",
        ),
        pytest.param(
            "[uk-esafety, ours.yaml]",
            OWN.replace("our-school", "nl-avg"),
            "ours.yaml: found the pack nl-avg, which comes with the product; expected a name of its own",
            id="the-name-of-another",
        ),
        pytest.param(
            "[uk-esafety, other.yaml]",
            OWN,
            "site.yaml:2:21: packs[1]: found other.yaml, which is no file; expected the name of a pack, or a file",
            id="no-such-file",
        ),
        pytest.param(
            "[uk-esafety, ../ours.yaml]",
            OWN,
            "packs[1]: found the path ../ours.yaml; expected a file in the folder of the site, or its whole path",
            id="a-path-that-leaves-the-folder",
        ),
        pytest.param(
            "[uk-esafety, ours.yaml]",
            OWN.replace("inform_parents", "call_the_king"),
            "ours.yaml:4:63: sanctions.pupil.rows.P05.ticks[1]: found 'call_the_king'; expected a column of the",
            id="a-tick-outside-the-table",
        ),
        pytest.param(
            "[uk-data-protection, ours.yaml]",
            OWN,
            "sanctions.pupil.rows.P05: found the row P05 without a label; expected a whole row",
            id="a-table-that-is-not-loaded",
        ),
        pytest.param(
            "[uk-esafety, ours.yaml]", "pack: [", "ours.yaml:2:1: found text that is not YAML", id="no-yaml"
        ),
        pytest.param(
            "[uk-esafety, ours.yaml]", "#" * (MAX_PACK_OCTETS + 1), "ours.yaml: found more than 1 MB", id="too-large"
        ),
    ],
)
def test_each_fault_is_told_with_its_place(tmp_path: Path, packs: str, own: str, sentence: str) -> None:
    assert sentence in problem(tmp_path, packs, ours=own)


def test_a_fifo_is_no_pack_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ours.yaml")
    assert "found ours.yaml, which is no file" in problem(tmp_path, "[uk-esafety, ours.yaml]")


def test_faults_of_the_site_come_first_and_those_of_its_packs_beside_them(tmp_path: Path) -> None:
    path = write(tmp_path, "[uk-esafety, ours.yaml]", ours=OWN + "typo: x\n")
    path.write_text(path.read_text() + "typo: x\n")
    with pytest.raises(ConfigurationError) as caught:
        load_site(path)
    assert [each.where.partition(":")[0] for each in caught.value.problems] == ["site.yaml", "ours.yaml"]


def test_the_text_of_a_site_can_be_judged_without_the_packs_of_its_own(tmp_path: Path) -> None:
    text = SITE.replace("PACKS", "[uk-esafety, gone.yaml]")
    site = parse_site(text, path=tmp_path / "site.yaml").site
    assert site.school.own_packs == (str(tmp_path / "gone.yaml"),)


def test_workers_are_told_of_no_handbook_and_load_nothing_of_packs(tmp_path: Path) -> None:
    site = replace(loaded(tmp_path, "[uk-esafety, ours.yaml]", ours=OWN), private=Private())
    write_snapshot(tmp_path / "snapshot", Snapshot(1, site))
    text = (tmp_path / "snapshot").read_text()
    assert "line manager" not in text
    assert "sanctions" not in text
    program = "import sys, agent.dns.dns_worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert not {"rules.handbook", "rules.sanction", "rules.pack_reader", "agent.sites.site_packs"} & set(
        done.stdout.split()
    )


def test_each_pack_is_known_by_the_hash_of_its_file(tmp_path: Path) -> None:
    found = packs_of(loaded(tmp_path, "[uk-esafety, ours.yaml]", ours=OWN))
    shipped = (files("rules") / "packs" / "uk-esafety.yaml").read_bytes()
    assert found.hashes == {
        "uk-esafety": hashlib.sha256(shipped).hexdigest(),
        "our-school": hashlib.sha256((tmp_path / "ours.yaml").read_bytes()).hexdigest(),
    }


# --- The packs in force


def test_packs_in_force_are_read_again_when_a_file_changes(tmp_path: Path) -> None:
    site = loaded(tmp_path, "[uk-esafety, ours.yaml]", ours=OWN)
    packs = PacksInForce(lambda: site)
    before = packs()
    assert packs() is before
    (tmp_path / "ours.yaml").write_text(OWN.replace("Our policy", "Our new policy"))
    assert str(packs()[1].title) == "Our new policy"


def test_packs_in_force_follow_the_site(tmp_path: Path) -> None:
    sites = [loaded(tmp_path, "[uk-esafety]")]
    packs = PacksInForce(lambda: sites[-1])
    assert [pack.id for pack in packs()] == ["uk-esafety"]
    sites.append(loaded(tmp_path, "[uk-esafety, nl-avg]"))
    assert [pack.id for pack in packs()] == ["uk-esafety", "nl-avg"]


@pytest.mark.parametrize("damage", ["pack: [", None])
def test_a_pack_that_cannot_be_read_any_more_changes_nothing(
    tmp_path: Path, damage: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    site = loaded(tmp_path, "[uk-esafety, ours.yaml]", ours=OWN)
    packs = PacksInForce(lambda: site)
    before = packs()
    if damage is None:
        (tmp_path / "ours.yaml").unlink()
    else:
        (tmp_path / "ours.yaml").write_text(damage)
    assert packs() == before
    assert packs() == before
    assert capsys.readouterr().err.count("pack_unusable") == 1
    (tmp_path / "ours.yaml").write_text(OWN.replace("Our policy", "Our new policy"))
    assert str(packs()[1].title) == "Our new policy"


def test_where_an_own_pack_never_could_be_read_the_others_hold(tmp_path: Path) -> None:
    site = loaded(tmp_path, "[uk-esafety]")
    site = replace(site, school=replace(site.school, own_packs=(str(tmp_path / "gone.yaml"),)))
    assert [pack.id for pack in PacksInForce(lambda: site)()] == ["uk-esafety"]
