"""What comes in and goes out about people: sessions, accounts and tokens, who there is, and files of people."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, StringConstraints

from agent.api.schemas import Asked, Id, Instant, PersonNamed, Text, Told
from agent.people.confirmations import What
from rules.roles import Right, Role

# Of a file of people, as it stands in a request.
MAX_FILE_CHARACTERS: Final = 16 * 1024 * 1024

Login = Annotated[Text, StringConstraints(min_length=1, max_length=128)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
Roles = Annotated[list[Role], Field(max_length=len(Role))]
Classes = Annotated[list[Id], Field(max_length=200)]


# --- Sessions and tokens


class SignIn(Asked):
    """Who somebody says they are, and what proves it; `totp` is the code of their device."""

    login: Login
    password: Password
    totp: Annotated[Text, StringConstraints(pattern=r"^[0-9]{3} ?[0-9]{3}$")] | None = None


class Who(Told):
    """Who is signed in, and what they may do; nothing by an account that waits, nor by roles that do."""

    person: str
    name: str
    roles: list[str]
    rights: list[str]
    timezone: str
    csrf: str | None = None
    ends_at: datetime | None = None
    waiting: list[str] = Field(default_factory=list)
    account_waits: bool = False


class AccountAsked(Asked):
    """An account for a person who is known."""

    login: Login
    person: Id


class AccountTold(Told):
    """An account; its secrets are shown once, where it was made.

    One that `waits` is no way in before its owner has set both themselves and a second person has confirmed it.
    """

    login: str
    person: str
    waits: bool = False
    password: str | None = None
    totp_secret: str | None = None
    totp_uri: str | None = None


class Proof(Asked):
    """The password of one's own account, for what a stolen session must not do."""

    password: Password


class OwnPassword(Proof):
    """Another password for one's own account."""

    new_password: Password


class TokenAsked(Asked):
    """A token for a program that acts in one's own name, within these rights."""

    label: Annotated[Text, StringConstraints(min_length=1, max_length=100)]
    scopes: Annotated[list[Right], Field(min_length=1, max_length=len(Right))]
    ends_at: Instant | None = None


class TokenTold(Told):
    """A token as it is listed; `secret` stands there once, where it was made."""

    id: str
    label: str
    scopes: list[str]
    created_at: datetime | None = None
    ends_at: datetime | None = None
    revoked_at: datetime | None = None
    secret: str | None = None


class TokenPage(Told):
    """The tokens of a person; there are never so many that they need parts."""

    items: list[TokenTold]
    next: str | None = None


# --- People


class PersonTold(Told):
    """Somebody at the school; `version` is the ETag, `source` says what keeps them: hand, csv, oneroster or site.

    `waiting` are roles that give nothing before a second person has confirmed them.
    """

    id: str
    version: int
    name: str
    roles: list[str]
    classes: list[str]
    closed: bool
    source: str
    waiting: list[str] = Field(default_factory=list)


class PersonChanged(PersonTold):
    """Somebody after a change, with what is to be seen to because of it."""

    warnings: list[str]


class GivenTold(Told):
    """A role, or an account by its login, that nobody but its giver stands for.

    `given_by` is null where it was given on the gateway itself. What is not in force waits. An account is confirmed
    once it `is_own`: nobody but its owner knows what it takes to sign in.
    """

    what: What
    name: str
    given_by: PersonNamed | None
    given_at: datetime
    is_in_force: bool
    is_own: bool


class UnconfirmedTold(Told):
    """What nobody has confirmed of somebody; `version` is what a decision about it says in If-Match."""

    person: PersonNamed
    version: int
    given: list[GivenTold]


class UnconfirmedPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[UnconfirmedTold]
    next: str | None = None


class PersonSettled(PersonTold):
    """Somebody after a decision: what it was about, and what goes on waiting."""

    done: list[GivenTold]
    left: list[GivenTold]


class PersonAsked(Asked):
    """Somebody who is not known yet; `classes` are ids."""

    name: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    roles: Roles
    classes: Classes = Field(default_factory=list)


class RolesAsked(Asked):
    """Every role that somebody has from now on."""

    roles: Roles


class ClassesAsked(Asked):
    """The ids of every class that somebody is in from now on."""

    classes: Classes


class ClassTold(Told):
    """A class; `group` is the group of the site whose devices it has, empty where nobody said."""

    id: str
    title: str
    group: str


class ClassPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[ClassTold]
    next: str | None = None


class PeoplePage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[PersonTold]
    next: str | None = None


class RosterAsked(Asked):
    """A file of people: CSV as text, or a OneRoster archive in base64; `school` names the one of several in it.

    The site file has no content here: the one in force is read.
    """

    format: Literal["csv", "oneroster", "site"]
    content: Annotated[str, StringConstraints(strict=True, max_length=MAX_FILE_CHARACTERS)] = ""
    school: Annotated[Text, StringConstraints(max_length=255)] = ""


class RosterApplied(RosterAsked):
    """A file of people whose changes somebody has looked at; `digest` is what their preview gave."""

    digest: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]


class ChangesTold(Told):
    """What a file of people would change, line by line; `digest` stands for exactly this."""

    added: int
    changed: int
    closed: int
    lines: list[str]
    warnings: list[str]
    bad_lines: list[str]
    digest: str
    applied: bool = False


class RightsTold(Told):
    """Which role gives which rights, and what holders of a role need beside their password."""

    roles: dict[str, list[str]]
    privileged: list[str]
