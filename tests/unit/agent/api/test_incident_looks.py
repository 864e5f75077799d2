"""A purpose and a case come with every look, in the query or in the head of the request."""

from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest, Visitor

from rules.roles import Role


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    school = SchoolOfTest(tmp_path_factory.mktemp("school"))
    school.candidate()
    return school.person("Head", Role.HEAD_TEACHER)


def place(reader: Visitor) -> str:
    return f"/incidents/{reader.get('/incidents').json()['items'][0]['id']}"


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        pytest.param({"purpose": "I look into it.", "case": 1}, {}, 200, id="in-the-query"),
        pytest.param(
            {}, {"Schoolgate-Purpose": "I%20look%20into%20it.", "Schoolgate-Case": "1"}, 200, id="in-the-head"
        ),
        pytest.param({"purpose": "Nothing.", "case": 2}, {"Schoolgate-Case": "1"}, 200, id="the-head-comes-first"),
        pytest.param({}, {}, 422, id="neither"),
        pytest.param({"purpose": "I look into it."}, {}, 422, id="no-case"),
        pytest.param({"purpose": "I look into it.", "case": "first"}, {}, 422, id="a-case-that-is-no-number"),
        pytest.param({"purpose": "I look into it.", "case": 2**53}, {}, 422, id="a-case-beyond-all-numbers"),
        pytest.param({"case": 1}, {}, 409, id="no-purpose"),
        pytest.param({"purpose": "ok", "case": 1}, {}, 409, id="too-little"),
        pytest.param({"case": 1}, {"Schoolgate-Purpose": "a\\u0000b%00cdefgh"}, 409, id="what-cannot-be-shown"),
        pytest.param({"case": 1}, {"Schoolgate-Purpose": "%ff%fe"}, 409, id="what-is-no-text"),
        pytest.param({"purpose": "x" * 2_001, "case": 1}, {}, 422, id="without-end"),
    ],
)
def test_why_somebody_looks(reader: Visitor, query: dict[str, Any], headers: dict[str, str], status: int) -> None:
    response = reader.ask("GET", place(reader), params=query, headers=headers)
    assert response.status_code == status, response.text


def test_each_look_is_on_record(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    school.candidate()
    reader = school.person("Head", Role.HEAD_TEACHER)
    assert reader.get(place(reader), purpose="I look into it.", case=1).status_code == 200
    assert school.kinds()[-1] == "incident_viewed"
