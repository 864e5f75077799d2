"""The written form of what a policy document lays down beside its tables.

roles:        {dpo: {title: ..., holds: data_protection_officer, section: "5", line: 97, says: ...},
               police: {title: ..., outside: true, section: ..., line: ..., says: ...}}
chains:       {breach: {kinds: [data_breach], audience: staff, section: ..., line: ..., says: ...,
                        steps: [{to: dpo, within: at once}, {to: head, within: 1 h, case: undecided},
                                {to: police, within: 24 h, when: a theft}]}}
clocks:       {regulator: {title: ..., from: awareness, length: 72 h, kinds: [data_breach], to: regulator,
                           section: ..., line: ..., says: ...}}
registers:    {breaches: {title: ..., kept_by: incidents, section: ..., line: ..., says: ...}}
retention:    {incident: {title: ..., length: 7 years, section: ..., line: ..., says: ...}}
reviews:      {evaluation: {title: ..., every: 1 year, by: [dpo], section: ..., line: ..., says: ...}}
measures:     {encryption: {evidence: [schoolgate_...], section: ..., line: ..., says: ...}}
procedures:   {illegal: {title: ..., steps: [...], contacts: [...], section: ..., line: ..., says: ...}}
statements:   {purpose: {section: ..., line: ..., says: ...}}
coverage:     {NL-01: {how: logs, by: ...}}

`line` may be left out of what has none, and `audience` where a chain is for everybody. A school's own pack may name
the roles of the packs that it lies on; what it writes of such a role takes the place of what stands there.

`within` counts from when the first of a chain is told, which is at once. `case` is always, undecided, serious, lesser
(unless it is serious) or found; a step with a `when` and without a `case` is for whoever finds that it is so. A clock
with `kinds` is one of the incidents of these kinds, and `to` is the role that it is told to.
"""

from collections.abc import Mapping

from rules.handbook import (
    Case,
    Chain,
    ChainStep,
    Citation,
    Clock,
    Coverage,
    Handbook,
    Keeper,
    Keeping,
    Means,
    Measure,
    PackRole,
    Procedure,
    Register,
    Review,
    Start,
)
from rules.incident_kind import Kind
from rules.pack_fields import Fields
from rules.roles import Role
from rules.subject import Audience


def read_handbook(fields: Fields, *, below: Mapping[str, PackRole] | None = None) -> Handbook:
    """Read the handbook of a pack; its roles first, because everything else refers to them.

    Args:
        below: the roles of the packs that this one lies on.
    """
    roles = {**(below or {}), **fields.each("roles", lambda name, part: _role(name, part, (below or {}).get(name)))}

    def chain(name: str, part: Fields) -> Chain:
        def step(one: Fields) -> ChainStep:
            to = one.text("to")
            if to not in roles:
                one.fault("to", f"'{to}'", "a role of this pack")
            case = one.choice("case", Case, default=Case.FOUND if one.has("when") else Case.ALWAYS)
            return ChainStep(to, one.span("within"), one.words("when", is_needed=False), case)

        steps = part.items("steps", step)
        if not steps:
            part.fault("", "no steps", "whom to tell first")
        audience = part.choice("audience", Audience) if part.has("audience") else None
        return Chain(name, part.choices("kinds", Kind), steps, _cites(part), audience)

    def clock(name: str, part: Fields) -> Clock:
        to, case = part.text("to", default=""), part.choice("case", Case, default=Case.ALWAYS)
        if to and to not in roles:
            part.fault("to", f"'{to}'", "a role of this pack")
        if case not in {Case.ALWAYS, Case.SERIOUS}:
            part.fault("case", f"'{case}'", "always or serious")
        starts, kinds = part.choice("from", Start), part.choices("kinds", Kind)
        return Clock(name, part.words("title"), starts, part.span("length"), _cites(part), kinds, to, case)

    def review(name: str, part: Fields) -> Review:
        by = part.names("by", roles, "a role of this pack")
        return Review(name, part.words("title"), part.span("every"), by, _cites(part))

    return Handbook(
        roles=roles,
        chains=fields.each("chains", chain),
        clocks=fields.each("clocks", clock),
        registers=fields.each("registers", _register),
        retention=fields.each("retention", _keeping),
        reviews=fields.each("reviews", review),
        measures=fields.each("measures", _measure),
        procedures=fields.each("procedures", _procedure),
        statements=fields.each("statements", lambda _, part: _cites(part)),
        coverage=fields.each("coverage", _coverage),
    )


def _cites(part: Fields) -> Citation:
    return Citation(part.text("section"), part.number("line", default=0), part.words("says"), part.location)


def _role(name: str, part: Fields, below: PackRole | None) -> PackRole:
    holds = part.choice("holds", Role) if part.has("holds") else None
    is_outside = part.flag("outside")
    if is_outside and holds is not None:
        part.fault("outside", "somebody outside who holds a role in the product", "one of the two")
    if below is None:
        return PackRole(name, part.words("title"), holds, is_outside, _cites(part))
    if holds is None and not is_outside:
        holds, is_outside = below.holds, below.is_outside
    place = below.cites
    section = part.or_below("section", part.text, place.section)
    line = part.or_below("line", part.number, place.line)
    cites = Citation(section, line, part.or_below("says", part.words, place.says), part.location)
    return PackRole(name, part.or_below("title", part.words, below.title), holds, is_outside, cites)


def _register(name: str, part: Fields) -> Register:
    return Register(name, part.words("title"), part.choice("kept_by", Keeper), _cites(part))


def _keeping(name: str, part: Fields) -> Keeping:
    return Keeping(name, part.words("title"), part.span("length") if part.has("length") else None, _cites(part))


def _measure(name: str, part: Fields) -> Measure:
    return Measure(name, part.texts("evidence"), _cites(part))


def _procedure(name: str, part: Fields) -> Procedure:
    return Procedure(name, part.words("title"), part.all_words("steps"), part.all_words("contacts"), _cites(part))


def _coverage(name: str, part: Fields) -> Coverage:
    return Coverage(name, part.choice("how", Means), part.words("by"))
