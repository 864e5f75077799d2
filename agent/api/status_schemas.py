"""What goes out about how things stand; what is not for who asks to know is null or empty."""

from datetime import datetime

from agent.api.schemas import PersonNamed, Told


class SuspensionOn(Told):
    """Where filtering is off at this moment, in words; who agreed is for those who have a right to anything."""

    id: str
    where: str
    from_at: datetime
    until_at: datetime
    agreed_by: PersonNamed | None


class EmergencyOpen(Told):
    """What was opened in an emergency and waits to be countersigned, whether or not it still lasts."""

    id: str
    requester: PersonNamed
    names: list[str]
    categories: list[str]
    requested_at: datetime
    until_at: datetime


class Waiting(Told):
    """How many requests wait for a decision, and people for a second person; None for what is not for who asks."""

    overrides: int | None
    suspensions: int | None
    filter_changes: int | None
    people: int | None = None


class ApproversTold(Told):
    """Who may decide about overrides; `warning` where they are too few."""

    people: list[PersonNamed]
    warning: str | None


class Alone(Told):
    """What somebody who decides was given by one person alone; `given_by` is null for the gateway itself."""

    person: PersonNamed
    given_by: PersonNamed | None
    roles: list[str]
    accounts: list[str]


class BeginningTold(Told):
    """That a school still begins, as `warning` says it, and who gave what alone."""

    warning: str
    given: list[Alone]


class VersionInForce(Told):
    """A version of the filter that is in force; nobody is named where nobody approved it."""

    number: int
    since: datetime
    approved_by: PersonNamed | None


class FilterTold(Told):
    """What the filter goes by: the site file as it was found, and what was approved to lie over it."""

    file: VersionInForce | None
    change: VersionInForce | None


class RecordTold(Told):
    """How long the record is, when it was last anchored and last proved, and what was wrong with it if anything was.

    `is_intact` is what the last proof found; it and its instant are null where there was none.
    """

    rows: int
    anchored_at: datetime | None
    verified_at: datetime | None
    is_intact: bool | None
    fault: str


class StatusTold(Told):
    """How things stand; what is not for who asks to know is null or empty.

    `beginning` is null once two people who manage people have signed in. `in_force` says whether every worker answers
    by the newest policy, and is null where no gateway answers.
    """

    at: datetime
    suspensions: list[SuspensionOn]
    emergencies: list[EmergencyOpen]
    waiting: Waiting
    approvers: ApproversTold | None
    beginning: BeginningTold | None = None
    filter: FilterTold | None
    record: RecordTold | None
    in_force: bool | None
    # In a sentence, where nothing of what is asked becomes an incident.
    observing: str | None = None


class ScheduleTold(Told):
    """A schedule of the site at a moment; `changes_at` is when it is on or off next, null where never."""

    name: str
    is_on: bool
    changes_at: datetime | None


class SchedulesTold(Told):
    """The schedules of the site at a moment; `lesson_until` is when the lesson that is on then ends."""

    at: datetime
    lesson_until: datetime | None
    items: list[ScheduleTold]
