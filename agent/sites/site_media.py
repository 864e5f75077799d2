"""What a site says of media, checked: an exception ends, and within a year."""

from typing import Final

from agent.sites.findings import Findings
from agent.sites.site import MediaSettings
from agent.sites.written_media import WrittenMedia
from agent.sites.written_site import WrittenSite
from rules.span import Span, Unit

_PART: Final = "media"
_SHORTEST: Final = Span(1, Unit.DAYS)
_LONGEST: Final = Span(1, Unit.YEARS)


def build_media(written: WrittenSite, findings: Findings) -> MediaSettings:
    """Give the settings; without the part, what holds where a site says nothing."""
    part = written.media or WrittenMedia()
    longest = part.exception_longest
    if longest is not None and not _SHORTEST.typical() <= longest.typical() <= _LONGEST.typical():
        findings.problem((_PART, "exception_longest"), str(longest), "1 day to 1 year")
    return MediaSettings(**part.given())
