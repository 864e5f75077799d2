"""Kinds of rows of the record in words, each beside what the record itself calls it."""

from collections.abc import Mapping
from typing import Final

from agent.console.incidents.timeline_words import entry_in_words
from agent.incidents.incident_veil import CONFIDENTIAL, WITHHELD
from agent.record import reviewed_rows
from agent.texts import Texts

_OF_CASES: Final = "incident_"
# What stands in the place of another kind, which nothing is found by.
_VEILED: Final = (CONFIDENTIAL, WITHHELD, reviewed_rows.WITHHELD)
# As the timeline of a case words them.
_CASES: Final = (
    "reported", "opened", "joined", "grew", "accepted", "reclassified", "dismissed", "merged", "split", "closed",
    "reopened", "corrected", "subject_named", "held", "released", "identity_doubted", "undecided", "step_done",
    "step_skipped", "step_added", "step_overdue", "warning_given", "warning_withdrawn", "warning_expired",
    "warning_fell", "access_restricted", "access_restored", "clock_runs_out", "clock_ended", "letter_drafted",
    "letter_sent", "card_shown", "unsealed", "exported", "erased",
)  # fmt: skip


def kind_words(kind: str, texts: Texts) -> str:
    """Say what happened; a kind that has no words of its own comes as it is written."""
    words = _known(texts).get(kind)
    if words is None and kind.startswith(_OF_CASES):
        return texts.gettext("Case: %(what)s") % {"what": entry_in_words(kind, texts)}
    return words or kind.replace("_", " ")


def known_kinds(texts: Texts) -> list[tuple[str, str]]:
    """Give kinds to choose from with their words, in the order of the words."""
    cases = {kind: kind_words(kind, texts) for kind in (f"{_OF_CASES}{each}" for each in _CASES)}
    known = {kind: words for kind, words in _known(texts).items() if kind not in _VEILED}
    return sorted({**known, **cases}.items(), key=lambda each: (each[1].casefold(), each[0]))


def _known(texts: Texts) -> dict[str, str]:
    return {**_of_people(texts), **_of_requests(texts), **_of_things(texts), **_of_gateway(texts)}


def _of_people(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        "account_closed": _("Account closed"),
        "account_created": _("Account made"),
        "authenticator_enrolled": _("Authenticator set"),
        "beginning_ended": _("From now on a second person confirms who decides"),
        "notices_tested": _("Ways of telling people were tried"),
        "notification_dropped": _("Notice not sent: nobody to send it to"),
        "notification_given_up": _("Notice could not be sent"),
        "password_set": _("Password set"),
        "people_bootstrapped": _("First person made"),
        "people_changed": _("Person changed"),
        "people_confirmed": _("Person confirmed by a second person"),
        "people_imported": _("People taken over from a file"),
        "people_refused": _("What somebody was given was refused"),
        "people_waiting": _("Person waits for a second person"),
        "rule_refused": _("Tried, and refused by a rule"),
        "sign_in_refused": _("Sign-in refused"),
        "signed_in": _("Signed in"),
        "token_issued": _("Token made"),
        "token_revoked": _("Token ended"),
    }


def _of_requests(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        "filter_change_approved": _("Change of the filter approved"),
        "filter_change_drafted": _("Change of the filter drafted"),
        "filter_change_laid_again": _("Change of the filter in force again"),
        "filter_change_laid_aside": _("Change of the filter laid aside: it does not fit the site file"),
        "filter_change_refused": _("Change of the filter refused"),
        "filter_change_withdrawn": _("Change of the filter withdrawn"),
        "filter_changed_on_disk": _("Site file changed on the gateway"),
        "filter_off_without_record": _("Filtering seen off, and nothing on record explains it"),
        "filter_on_again": _("Filtering seen on again"),
        "filter_review_due": _("A changed site file waits for a review"),
        "filter_tried": _("Tried what a change of the filter would have meant"),
        "override_approved": _("Request approved"),
        "override_broke_glass": _("Emergency opened"),
        "override_countersigned": _("Emergency countersigned"),
        "override_ended": _("Request over"),
        "override_ends_soon": _("Request ends soon"),
        "override_escalated": _("Request passed on, because nobody decided"),
        "override_half_approved": _("Request approved by one of two"),
        "override_half_lapsed": _("First approval lapsed"),
        "override_narrowed": _("Request approved in part"),
        "override_refused": _("Request refused"),
        "override_requested": _("Request made"),
        "override_revoked": _("Request ended early"),
        "override_unconfirmed": _("Emergency not countersigned in time"),
        "override_used": _("How often a request was used"),
        "override_waits_long": _("Request waits for long"),
        "override_withdrawn": _("Request withdrawn"),
        "suspension_agreed": _("Agreed that filtering is off"),
        "suspension_ended": _("Filtering on again, as agreed"),
        "suspension_refused": _("Refused that filtering is off"),
        "suspension_requested": _("Asked that filtering is off"),
        "suspension_stopped": _("Filtering on again, early"),
        "suspension_undecided": _("Nobody decided whether filtering is off"),
        "suspension_withdrawn": _("Request for filtering off withdrawn"),
    }


def _of_things(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        "device_accounts_doubted": _("Laptop told of accounts that do not fit"),
        "device_approved": _("Laptop approved"),
        "device_clone_suspected": _("Two laptops come with the same key"),
        "device_enrolled": _("Laptop enrolled"),
        "device_enrolment_refused": _("Laptop not let in"),
        "device_events_missing": _("Laptop left out what it should have told"),
        "device_given": _("Laptop given to somebody"),
        "device_key_changed": _("Key of a laptop is another one"),
        "device_key_rotated": _("Key of a laptop renewed"),
        "device_media_not_followed": _("Laptop cannot follow its media"),
        "device_refused": _("Laptop refused"),
        "device_revoked": _("Laptop taken off the list"),
        "device_token_ended": _("Token for laptops ended"),
        "device_token_issued": _("Token for laptops made"),
        "device_tokens_ended": _("Tokens for laptops ended"),
        "endpoint_policy_published": _("What laptops follow was published"),
        "lost_report_erased": _("Report of a loss erased"),
        "media_exception_allowed": _("Exception for a medium allowed"),
        "media_exception_asked": _("Exception for a medium asked for"),
        "media_exception_ended": _("Exception for a medium over"),
        "media_exception_erased": _("Exception for a medium erased"),
        "media_exception_refused": _("Exception for a medium refused"),
        "media_exception_revoked": _("Exception for a medium ended early"),
        "media_exception_withdrawn": _("Exception for a medium withdrawn"),
        "medium_attestation_asked": _("Somebody was asked about their medium"),
        "medium_attested": _("Somebody confirmed that they have their medium"),
        "medium_changed": _("Medium changed"),
        "medium_disposed": _("Medium disposed of"),
        "medium_erased": _("Medium erased from the list"),
        "medium_found": _("Medium found"),
        "medium_lost": _("Medium lost"),
        "medium_proved": _("Encryption of a medium proved otherwise than before"),
        "medium_purge_due": _("Medium is to be wiped"),
        "medium_purged": _("Medium wiped"),
        "medium_registered": _("Medium put on the list"),
        "medium_signed_in": _("Medium came back"),
        "medium_signed_out": _("Medium went out"),
        "rules_answered": _("Rules accepted or declined"),
        "sign_out_asked": _("Asked to take a medium out"),
        "sign_out_erased": _("Permit for a medium erased"),
        "sign_out_overdue": _("Medium is overdue"),
        "sign_out_refused": _("Taking a medium out refused"),
        "sign_out_withdrawn": _("Request to take a medium out withdrawn"),
    }


def _of_gateway(texts: Texts) -> Mapping[str, str]:
    _ = texts.gettext
    return {
        "api_started": _("Console started"),
        "api_stopped": _("Console stopped"),
        "clock_jumped": _("The clock of the gateway jumped"),
        "gateway_event_unreadable": _("Something that the gateway told could not be read"),
        "gateway_events_counted": _("What the gateway told was only counted"),
        "gateway_started": _("Gateway started"),
        "gateway_stopped": _("Gateway stopped"),
        "incident_confidential": _("Something was done about a confidential case"),
        "incident_letter_read": _("A letter of a case was read"),
        "incident_metadata_viewed": _("What a sealed case may show was looked at"),
        "incident_unseal_asked": _("Asked to unseal a case"),
        "incident_withheld": _("Something was done about a case"),
        "incident_viewed": _("A case was looked at"),
        "intake_died": _("A part of the gateway ended and was started again"),
        "machine_suspended": _("The gateway was asleep"),
        "packs_in_force": _("Policy packs in force changed"),
        "personal_erased": _("What was personal beside a row was erased"),
        "record_anchored": _("Record anchored"),
        "record_broken": _("Record found not whole"),
        "record_exported": _("Record taken away as a file"),
        "record_signed_off": _("Record reviewed and signed"),
        "record_verified": _("Record verified, and whole"),
        "register_read": _("Register read"),
        "request_withheld": _("Something was done about a request, or somebody answered the rules"),
        "rows_lost": _("Rows of what was asked were lost"),
        "state_begun_anew": _("State begun anew"),
        "subject_revealed": _("Somebody was told who a case is about"),
        "worker_died": _("A worker of the gateway ended and was started again"),
    }
