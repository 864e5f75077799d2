"""What a site says of media, checked: an exception ends within a year, and names are kept no longer than of use."""

from typing import Final

from agent.sites.findings import Findings
from agent.sites.site import MediaSettings
from agent.sites.written_media import WrittenMedia
from agent.sites.written_site import WrittenSite
from rules.span import Span, Unit

_PART: Final = "media"
# The shortest and the longest of each, and how that is said.
_BOUNDS: Final = {
    "exception_longest": (Span(1, Unit.DAYS), Span(1, Unit.YEARS)),
    "keep": (Span(1, Unit.MONTHS), Span(10, Unit.YEARS)),
}


def build_media(written: WrittenSite, findings: Findings) -> MediaSettings:
    """Give the settings; without the part, what holds where a site says nothing."""
    part = written.media or WrittenMedia()
    for key, (shortest, longest) in _BOUNDS.items():
        length: Span | None = getattr(part, key)
        if length is not None and not shortest.typical() <= length.typical() <= longest.typical():
            findings.problem((_PART, key), str(length), f"{shortest} to {longest}")
    return MediaSettings(**part.given())
