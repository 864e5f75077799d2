"""What happened at the busy school of test: candidates of several kinds, some of them accepted, most of them over."""

from datetime import timedelta

from api_of_test import NOW
from busy_people_of_test import BETTING, BusySchool

from agent.incidents.incident_letters import Wanted as WantedLetter
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import Filed, read_incident
from agent.storage.letter_rows import LetterKind
from agent.storage.step_rows import read_steps
from rules.assess import Assessment, Outcome
from rules.incident import Dismissal, Intent, Level, Reason, track_of
from rules.incident_kind import AT_RISK_OF, Kind, Risk
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.subject import Audience

WHY = "He said that he wanted to see what the others talk about."


def _open(
    busy: BusySchool,
    kind: Kind,
    about: str,
    *names: str,
    audience: Audience = Audience.PUPIL,
    intent: int = 70,
    against: tuple[Reason, ...] = (),
) -> Filed:
    school, incidents = busy.school, busy.school.parts.incidents
    subject = incidents.desk.pseudonyms.person(about, school.now.date()) if about else "device of the library"
    row_ids = tuple(row.id for row in load_pack("uk-esafety").sanctions[audience].rows.values() if kind in row.kinds)
    reasons = (
        Reason(
            "sites", intent - 30 - sum(each.points for each in against), {"sites": max(3, len(names)), "minutes": 6}
        ),
        Reason("persistence", 20, {"minutes": 11}),
        Reason("lesson", 10),
    )
    assessment = Assessment(
        Outcome.OPENS,
        kind=kind,
        risk=AT_RISK_OF.get(kind, Risk.CONDUCT),
        rows=row_ids,
        level=Level.PERSON if about else Level.DEVICE,
        track=track_of(kind, audience),
        intent=intent,
        reasons=reasons,
        against=against,
    )
    filed: Filed | None = None
    for name in names or ("hidden.example",):
        observed = Observation(
            id=f"seen {next(school.numbers)}",
            source=Source.BLOCKED,
            at=school.now,
            received_at=school.now,
            subject=subject,
            confidence=Confidence.B if about else Confidence.D,
            audience=audience,
            category=kind,
            name=DomainName(name),
            evidence=f"activity {school.now:%Y-%m-%d %H:%M}",
        )
        with school.store.act() as act:
            if filed is None:
                filed = incidents.open(act, observed, assessment)
            else:
                filed = incidents.join(act, filed.incident.id, observed, assessment)
        school.now += timedelta(minutes=2)
    assert filed is not None
    return filed


def write_incidents(busy: BusySchool) -> None:
    """Let three weeks of small matters go by, one that is dealt with, and what waits this morning."""
    school, pupils = busy.school, busy.pupils
    decisions = school.parts.incidents.decisions
    for number in range(48):
        school.now = NOW - timedelta(days=20 - number // 3, minutes=20 * (number % 3))
        kind = (Kind.GAMBLING, Kind.GAMES, Kind.SHOPPING)[number % 3]
        filed = _open(busy, kind, pupils[number % len(pupils)], "play.example", intent=40 + number)
        if number % 4:
            _close(busy, filed)
        else:
            how = (Dismissal.LESSON, Dismissal.BACKGROUND)[number % 8 // 4]
            words = "Looked at with the class."
            decisions.dismiss(busy.id("cora"), filed.incident.id, version=filed.version, dismissal=how, words=words)
            busy.examples["dismissed"] = {"id": filed.incident.id}
    _accepted(busy)
    school.now = NOW - timedelta(minutes=14)
    once = (Reason("class", -20, {"others": 4}),)
    candidate = _open(busy, Kind.GAMBLING, pupils[1], *BETTING, intent=78, against=once)
    busy.examples["candidate"] = {"id": candidate.incident.id}
    _open(busy, Kind.GAMBLING, pupils[1], "spin.example", intent=61)
    _open(busy, Kind.BYPASS, pupils[4], "tunnel.example", "proxy.example", intent=85)
    school.now = NOW - timedelta(minutes=60)
    _open(busy, Kind.GAMES, pupils[6], "play.example", intent=42, against=(Reason("parts", -20, {"parts": 3}),))
    _open(busy, Kind.SOCIAL, "", "chat.example", intent=35)
    at_risk = _open(busy, Kind.SELF_HARM, pupils[3], intent=80)
    busy.examples["at risk"] = {"id": at_risk.incident.id}
    sealed = _open(busy, Kind.ILLEGAL, pupils[7], intent=90)
    busy.examples["sealed"] = {"id": sealed.incident.id}
    conduct = _open(busy, Kind.STAFF_CONDUCT, busy.id("theo"), audience=Audience.STAFF)
    busy.examples["about staff"] = {"id": conduct.incident.id}


def _close(busy: BusySchool, filed: Filed) -> None:
    """Accept a small matter, do what its row asks for, and close it."""
    incidents, who, case = busy.school.parts.incidents, busy.id("cora"), filed.incident.id
    incidents.decisions.accept(who, case, version=filed.version, row="P02", deliberate=Intent.UNCLEAR, why=WHY)
    with busy.school.store.read() as database:
        for step in read_steps(database, case):
            incidents.steps.done(who, case, step.number, how="Talked to everybody at the table.")
    with busy.school.store.read() as database:
        now = read_incident(database, case)
    assert now is not None
    lesson = "Say at the start of term what the tablets are for."
    incidents.decisions.close(who, case, version=now.version, outcome="A talk with the class.", lesson=lesson)


def _accepted(busy: BusySchool) -> None:
    """Accept one last week: some of its checklist done, a letter written, access restricted, a warning given."""
    school, incidents, head = busy.school, busy.school.parts.incidents, busy.id("hana")
    school.now = NOW - timedelta(days=5)
    filed = _open(busy, Kind.BYPASS, busy.pupils[0], "tunnel.example", "proxy.example", "unblock.example", intent=88)
    case = filed.incident.id
    incidents.decisions.accept(
        head, case, version=filed.version, row="P13", deliberate=Intent.DELIBERATE, why=WHY, is_serious=False
    )
    with school.store.read() as database:
        steps = {each.action: each.number for each in read_steps(database, case)}
    school.now += timedelta(hours=2)
    wanted = WantedLetter(LetterKind.PARENTS)
    letter = incidents.letters.draft(
        head, case, wanted, purpose="To tell the parents what happened", case=filed.number
    )
    restriction = incidents.restrictions.begin(
        head,
        case,
        steps["remove_access"],
        until_at=NOW + timedelta(days=3),
        review_on=NOW.date() + timedelta(days=1),
        reason="Until the talk with the parents.",
        groups=("year5",),
    )
    incidents.steps.done(busy.id("tess"), case, steps["refer_class_teacher"], how="Talked to everybody at the table.")
    incidents.steps.done(head, case, steps["warning"], how="Told him what follows.")
    (warning,) = incidents.warnings.of(head, case)
    busy.examples |= {
        "accepted": {"id": case, "letter": letter.id, "restriction": restriction.id, "warning": warning.id},
        "step": {"id": case, "number": str(steps["inform_parents"])},
        "restricting": {"id": case, "number": str(steps["remove_access"])},
    }
