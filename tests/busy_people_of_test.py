"""Who is at the busy school of test, and by which ids what is there is found."""

from dataclasses import dataclass, field
from types import MappingProxyType

from api_of_test import SchoolOfTest

from rules.roles import Role

# Who works there, by what tests call them; the login is the same.
STAFF = MappingProxyType(
    {
        "cora": ("Cora Field", (Role.ICT_COORDINATOR,)),
        "hana": ("Hana Brook", (Role.HEAD_TEACHER,)),
        "sam": ("Sam Reed", (Role.SAFEGUARDING_LEAD,)),
        "tess": ("Tess Lane", (Role.CLASS_TEACHER,)),
        "theo": ("Theo Marsh", (Role.TEACHER,)),
        "sky": ("Sky Thorne", (Role.SLT,)),
        "nora": ("Nora Pike", (Role.NETWORK_MANAGER,)),
        "tim": ("Tim Barrow", (Role.TECHNICIAN,)),
        "gus": ("Gus Wold", (Role.ESAFETY_GOVERNOR,)),
        "dora": ("Dora Holt", (Role.DATA_PROTECTION_OFFICER,)),
    }
)
PUPILS = ("Ada Finch", "Ben Swift", "Cleo Wren", "Dan Rook", "Eve Lark", "Finn Crane", "Gia Heron", "Hugo Jay")
BETTING = ("bets.example", "bet.example", "spin.example", "lucky-seven.example")


@dataclass
class Member:
    """Somebody who works there; `secret` is that of their authenticator, where they have one."""

    id: str
    name: str
    secret: str | None


@dataclass
class BusySchool:
    """The school, who works there, and what can be looked at."""

    school: SchoolOfTest
    members: dict[str, Member] = field(default_factory=dict)
    pupils: list[str] = field(default_factory=list)
    examples: dict[str, dict[str, str]] = field(default_factory=dict)

    def id(self, login: str) -> str:
        """Give the id of somebody who works there."""
        return self.members[login].id
