"""The registers of media and of what is out."""

from pathlib import Path

import pytest
from media_of_test import MediaOfTest

from collectors.volume import Crypt
from rules.errors import RefusedRequestError

WHY = "The review of this term"


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    found = MediaOfTest(tmp_path)
    medium = found.register(serial="AB-1", place="Behind the hidden door", label="=cmd()")
    found.prove(medium.serial_key, Crypt.PLAIN)
    found.out(medium)
    found.later(days=1)
    return found


def test_media_by_pseudonym_with_what_was_proved_and_no_word_of_people(school: MediaOfTest) -> None:
    register = school.media.registers.media(school.ids["officer"], purpose=WHY)
    (item,) = register.as_items()
    assert (item["medium"], item["proved"], item["worst_proved"], item["has_serial"]) == (
        "M-1",
        "plain",
        "plain",
        True,
    )
    assert item["owner"] == school.pseudonym("teacher")
    text = register.as_csv()
    assert "hidden" not in text
    assert "cmd" not in text
    named = school.media.registers.media(school.ids["head"], purpose=WHY, with_names=True)
    assert named.as_items()[0]["owner"] == "Teacher"


def test_what_is_out_and_what_should_be_back(school: MediaOfTest) -> None:
    register = school.media.registers.sign_outs(school.ids["technician"], purpose=WHY)
    (item,) = register.as_items()
    assert (item["sign_out"], item["medium"], item["state"], item["is_overdue"]) == ("S-1", "M-1", "out", True)
    assert item["person"] == school.pseudonym("teacher")
    assert register.as_csv().startswith("sign_out,medium,asked_at,person,")


def test_that_one_was_handed_out_and_for_what_is_on_record(school: MediaOfTest) -> None:
    school.media.registers.media(school.ids["head"], purpose=WHY)
    kind, actor, facts = school.record()[-1]
    assert (kind, actor) == ("register_read", school.ids["head"])
    assert facts == '{"register":"media","rows":1,"with_names":false}'


@pytest.mark.parametrize(
    ("who", "purpose", "why"),
    [("teacher", WHY, "None of your roles reads the register"), ("head", "", "There is no purpose")],
)
def test_who_does_not_get_one(school: MediaOfTest, who: str, purpose: str, why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        school.media.registers.sign_outs(school.ids[who], purpose=purpose)
