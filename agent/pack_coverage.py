"""What becomes of each requirement of a policy document, and how many are met by which means."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from agent.pack_words import spell_means
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
