"""Why a site is not open, in one sentence that a child of ten understands, and without a word of blame."""

from collections.abc import Mapping

from agent.explaining.explain import Explanation
from agent.texts import Texts
from rules.verdict import ReasonCode

# What nobody may make, have or look at. Of these the page says nothing but that.
ILLEGAL = frozenset({"illegal_csam", "extreme_pornography"})
# Whoever looks for these may need somebody more than a reason.
HELP_FIRST = frozenset({"self_harm"})


def is_unlawful(explanation: Explanation) -> bool:
    """Say whether the page says no more than that the law does not allow it."""
    reason = explanation.verdict.reason
    return reason.code is ReasonCode.STATUTORY or reason.tag in ILLEGAL


def why_blocked(explanation: Explanation, texts: Texts) -> str:
    """Give the sentence."""
    _ = texts.gettext
    reason = explanation.verdict.reason
    if is_unlawful(explanation):
        return _("The law does not allow this site. Nobody at school can open it.")
    if reason.code is ReasonCode.ALLOW_ONLY and reason.policy_id is not None:
        return _("Only some sites are open on this device for a while.")
    if reason.code is ReasonCode.ALLOW_ONLY:
        return _("Only sites that your school has chosen are open here.")
    is_for_later = explanation.change is not None
    return why_category(reason.tag or "", texts, at_other_times=is_for_later) or _(
        "Your school has decided to keep this site closed."
    )


def why_category(category: str, texts: Texts, *, at_other_times: bool = False) -> str:
    """Give the sentence for a category, which may speak of other times; nothing for a tag that is none."""
    later = _sentences_of_times(texts).get(category, "") if at_other_times else ""
    return later or _sentences(texts).get(category, "")


def _sentences_of_times(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    playing = _("It is for playing. Your school keeps games for other times.")
    return {
        "games": playing,
        "games_educational": playing,
        "shopping": _("It is for buying things. Your school keeps that for other times."),
        "video": _("It is for watching videos. Your school keeps these for other times."),
    }


def _sentences(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    adults = _("It shows things that are only for adults.")
    people = _("People write to each other there, and you cannot always know who they really are.")
    way_round = _("It is a way round the filter, and the filter is there to keep everybody at school safe.")
    playing = _("It is for playing. Your school keeps games closed here.")
    return {
        "pornography": adults,
        "nudity": adults,
        "dating": _("It is for adults who want to meet somebody. It is not made for children."),
        "discrimination": _("It says hurtful things about people because of who they are."),
        "hate_speech": _("It spreads hatred of people because of who they are."),
        "criminal_activity": _("It is about things that the law forbids."),
        "violence": _("It shows people being hurt. That can be frightening."),
        "self_harm": _(
            "It is about people who hurt themselves. If you do not feel well, somebody will listen to you."
        ),
        "weapons": _("It is about weapons, and weapons hurt people."),
        "drugs": _("It is about drugs, and drugs can harm you."),
        "alcohol_tobacco": _("It is about alcohol or smoking. These are only for adults."),
        "gambling": _("It is about playing for money. That is only for adults, and many lose their money."),
        "games": playing,
        "games_educational": playing,
        "shopping": _("It is for buying things. Your school keeps that closed here."),
        "file_sharing": _("It is for sending files to others. Files from there can bring harm with them."),
        "piracy": _("It gives away films, music or games, and those who made them did not say yes."),
        "social_networks": people,
        "chat": people,
        "forums": people,
        "video": _("It is for watching videos. Your school keeps these closed here."),
        "webmail": _("It is for private mail, and private mail can wait until after school."),
        "blogs": _("Anybody can write anything there, and nobody checks whether it is right for children."),
        "artificial_intelligence": _("A computer makes up the answers there. Use it together with a teacher."),
        "proxy": way_round,
        "vpn": way_round,
        "encrypted_dns": way_round,
        "tor": way_round,
        "remote_access": _("With it, somebody far away could use this computer."),
        "malware": _("This site may harm your computer."),
        "phishing": _("This site may try to steal passwords. Do not type anything into it."),
        "hacking": _("It is about breaking into other people's computers."),
        "cults": _("It is made by people who push others to believe what they say."),
        "url_shorteners": _("It leads to another site, and nobody can see beforehand to which one."),
        "advertising": _("It only shows advertisements."),
    }
