"""What becomes of each requirement of a policy document, by what, and how many are met by which means.

The packs that come with the product go by one convention. Only what the product does today counts, and of several
means the strongest that holds, by what can be shown of it afterwards:

    enforces   it cannot be otherwise, but by whoever owns the files of the gateway
    logs       each case is on the record or in a register
    measures   figures show it: a metric, or what a command counts or tries out
    reminds    somebody is told in time, and nothing is kept of what they do
    people     nothing of this; it is left to people

- What counts is the heart of a requirement: what it asks of whom. Where it names several things of equal weight, the
  means is one that holds for all of them. `by` says what is missing.
- A requirement about all data, accounts or systems of a school counts by what the product does with its own. One
  about things in which it has no part, such as laptops, paper, mail and the log-on to the network, is for people,
  also where the product does the like for itself.
- Where a document asks that something be reported, a report that is kept counts; `by` says who is told, where that is
  somebody else than the document wants.
- What a pack only says, such as a clock, a cadence or a procedure, is done by nobody: that is for people.
- What a school has to bring or to switch on counts, and `by` says so. That somebody is told is a notice where the
  site sends any, and otherwise what waits for them when they sign in.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from agent.packs.pack_words import spell_means
from agent.tables import render_table
from agent.texts import Texts
from rules.handbook import Means
from rules.policy_pack import Pack


def render_coverage(pack: Pack, texts: Texts) -> str:
    """Write a requirement a line, and below them the totals."""
    _ = texts.gettext
    rows = [
        (each.id, spell_means(each.means, texts), each.by.in_language(texts.language))
        for each in pack.handbook.coverage.values()
    ]
    return render_table((_("Requirement"), _("How"), _("By what")), rows) + f"\n{_totals(pack, texts)}\n"


def explain_means(texts: Texts) -> str:
    """Say what the words for the means say, the strongest first."""
    _ = texts.gettext
    told = {
        Means.ENFORCES: _("the product makes it so"),
        Means.LOGS: _("each case is on record"),
        Means.MEASURES: _("figures show it"),
        Means.REMINDS: _("somebody is told in time"),
        Means.PEOPLE: _("left to people"),
    }
    pair = _("%(what)s: %(text)s")
    what = "; ".join(pair % {"what": spell_means(means, texts), "text": text} for means, text in told.items())
    return _("Each stands under the strongest that holds. %(what)s.") % {"what": what} + "\n"


def _totals(pack: Pack, texts: Texts) -> str:
    counts = totals(pack)
    told = ", ".join(f"{spell_means(Means(means), texts)} {number}" for means, number in counts.items())
    return f"{pack.id}: {sum(counts.values())} ({told})"


def totals(pack: Pack) -> dict[str, int]:
    """Count the requirements of a pack by means, those that none has among them."""
    found = Counter(each.means for each in pack.handbook.coverage.values())
    return {means.value: found[means] for means in Means}


def coverage_as_plain(packs: Iterable[Pack]) -> list[dict[str, Any]]:
    """Give the same for programs."""
    return [
        {
            "pack": pack.id,
            "totals": totals(pack),
            "requirements": [
                {"id": each.id, "how": each.means.value, "by": dict(each.by.by_language)}
                for each in pack.handbook.coverage.values()
            ],
        }
        for pack in packs
    ]
