"""What is known of one incident, in words of a language: how it stands, how sure it is, what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.incidents.incident_reports import names_somebody
from agent.incidents.incident_words import reason_in_words
from agent.observing.identity_words import identity_in_words
from agent.packs.pack_words import spell_kind
from agent.storage.letter_rows import LetterKind
from agent.texts import Texts
from rules.incident import Dismissal, Incident, Intent, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.incident_weight import Weight, weight_of
from rules.observation import Confidence, Place
from rules.sanction import Step
from rules.steps import StepState
from rules.subject import Audience

# How a badge repeats what its words say.
TONES: Final[Mapping[State, str]] = {State.CANDIDATE: "warn", State.ACCEPTED: "warn", State.CLOSED: "good"}


@dataclass(frozen=True, slots=True)
class CaseWords:
    """The words of one language."""

    texts: Texts

    def kind(self, kind: Kind) -> str:
        """Name what an incident is about."""
        return spell_kind(kind, self.texts)

    def state(self, state: State) -> str:
        """Say where an incident stands."""
        _ = self.texts.gettext
        return {
            State.CANDIDATE: _("waits for a decision"),
            State.ACCEPTED: _("accepted, being dealt with"),
            State.DISMISSED: _("dismissed: it was none"),
            State.MERGED: _("part of another case"),
            State.CLOSED: _("closed"),
        }[state]

    def tone(self, state: State) -> str:
        """Say how the badge of a state looks."""
        return TONES.get(state, "quiet")

    def track(self, track: Track) -> str:
        """Name who deals with an incident; nothing where that is the usual."""
        _ = self.texts.gettext
        return {
            Track.ORDINARY: "",
            Track.SAFEGUARDING: _("safeguarding"),
            Track.RESTRICTED: _("restricted: about staff"),
            Track.SEALED: _("sealed"),
        }[track]

    def track_means(self, track: Track) -> str:
        """Say who deals with an incident, and who learns nothing of it."""
        _ = self.texts.gettext
        return {
            Track.ORDINARY: "",
            Track.SAFEGUARDING: _(
                "A child may be at risk. The safeguarding lead comes first; only they and the head teacher read this."
            ),
            Track.RESTRICTED: _(
                "This is about a member of staff. Only the head teacher and whom the school named for this read it;"
                " talk to nobody else about it."
            ),
            Track.SEALED: _(
                "This may be illegal. Nobody opens it or looks for it: the page shows what to do, and nothing of what"
                " was asked for."
            ),
        }[track]

    def audience(self, audience: Audience) -> str:
        """Say of whom an incident is."""
        _ = self.texts.gettext
        return {
            Audience.PUPIL: _("a pupil"),
            Audience.STAFF: _("a member of staff"),
            Audience.GUEST: _("a guest"),
        }[audience]

    def subject(self, incident: Incident) -> str:
        """Give the pseudonym of whom it is about; nothing where a report named nobody."""
        return incident.subject if names_somebody(incident) else ""

    def place(self, place: Place) -> str:
        """Say whether it happened in the school."""
        _ = self.texts.gettext
        return {
            Place.ON_SITE: _("in the school"),
            Place.OFF_SITE: _("outside the school"),
            Place.UNKNOWN: _("nobody knows where"),
        }[place]

    def risk(self, risk: Risk) -> str:
        """Name an area of risk."""
        _ = self.texts.gettext
        return {
            Risk.CONTENT: _("what a child sees"),
            Risk.CONTACT: _("who gets in touch with a child"),
            Risk.CONDUCT: _("what somebody does"),
            Risk.COMMERCE: _("what costs money"),
        }[risk]

    def confidence(self, incident: Incident) -> str:
        """Say how sure it is who it was, beginning with the letter of it."""
        _ = self.texts.gettext
        if incident.level is Level.DEVICE and incident.confidence.is_personal:
            return _("It is about a device; nobody is known to have used it.")
        if incident.confidence is Confidence.D and not self.subject(incident):
            return _("D: nobody has said who it was.")
        return {
            Confidence.A: _("A: one person, who had signed in themselves to a device of their own."),
            Confidence.B: _("B: one person, known by their log-on to the network or because somebody named them."),
            Confidence.C: _("C: an account or a device that several people use. Nothing is said of any of them."),
            Confidence.D: _("D: only a device is known, and nobody behind it."),
        }[incident.confidence]

    def identity(self, code: str) -> str:
        """Word one code of why that is so."""
        return identity_in_words(code, self.texts)

    def weight(self, incident: Incident) -> str:
        """Say how much speaks for it; nothing where nothing was weighed."""
        if incident.weighed_intent is None or incident.track is Track.SEALED:
            return ""
        _ = self.texts.gettext
        return {
            Weight.HIGH: _("much speaks for it"),
            Weight.MIDDLE: _("something speaks for it"),
            Weight.LOW: _("little speaks for it"),
        }[weight_of(incident.track, incident.intent)]

    def reason(self, reason: Reason, kind: Kind) -> str:
        """Word what speaks for or against it; what an earlier version stored may lack its numbers."""
        try:
            return reason_in_words(reason, kind, self.texts)
        except KeyError:
            return reason.code.replace("_", " ")

    def deliberate(self, intent: Intent) -> str:
        """Say what somebody thinks it was."""
        _ = self.texts.gettext
        return {
            Intent.DELIBERATE: _("deliberate"),
            Intent.ACCIDENTAL: _("by accident"),
            Intent.UNCLEAR: _("nobody can tell"),
        }[intent]

    def dismissal(self, dismissal: Dismissal) -> str:
        """Say why a candidate was none."""
        _ = self.texts.gettext
        return {
            Dismissal.BACKGROUND: _("a page or a program did it by itself"),
            Dismissal.ALLOWED: _("it was allowed"),
            Dismissal.LESSON: _("it was part of a lesson"),
            Dismissal.WRONG_PERSON: _("it was somebody else"),
            Dismissal.TOO_LITTLE: _("too little to act on"),
            Dismissal.DEALT_WITH: _("it has been dealt with already"),
            Dismissal.TEST: _("somebody tried out the filter"),
            Dismissal.OTHER: _("another reason"),
        }[dismissal]

    def step_state(self, state: StepState) -> str:
        """Say where a step stands."""
        _ = self.texts.gettext
        return {
            StepState.OPEN: _("to do"),
            StepState.DONE: _("done"),
            StepState.SKIPPED: _("left out"),
        }[state]

    def step(self, step: Step) -> str:
        """Name what kind of step something is."""
        _ = self.texts.gettext
        return {
            Step.REFER: _("bring somebody in"),
            Step.INFORM: _("tell somebody"),
            Step.TECHNICAL: _("change something technical"),
            Step.RESTRICT: _("restrict access"),
            Step.WARN: _("warn"),
            Step.SANCTION: _("another sanction"),
        }[step]

    def letter(self, kind: LetterKind) -> str:
        """Name a letter."""
        _ = self.texts.gettext
        return {
            LetterKind.PARENTS: _("Letter to parents or carers"),
            LetterKind.LINE_MANAGER: _("Letter to the line manager"),
            LetterKind.REVIEW_MEETING: _("Invitation to a meeting"),
            LetterKind.DEALT_WITH: _("Notice that it was dealt with, which names nobody"),
        }[kind]

    def standing(self, standing: str) -> str:
        """Say whether a warning counts."""
        _ = self.texts.gettext
        return {
            "holds": _("counts"),
            "expired": _("counts no longer"),
            "withdrawn": _("taken back"),
        }.get(standing, standing.replace("_", " "))
