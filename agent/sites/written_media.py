"""What a person may write in `site.yaml` about media: who lets them out of the school, how long, and what is kept."""

from typing import Annotated, Literal

from pydantic import Field

from agent.sites.written_incidents import Length
from agent.sites.written_part import Written


class WrittenMedia(Written):
    """`media:` who lets media out of the school, how long what is let pass lasts, and how long names are kept."""

    sign_out_needs: Literal["nobody", "manager"] | None = None
    longest_days: Annotated[int, Field(ge=1, le=366)] | None = None
    exception_longest: Length | None = None
    keep: Length | None = None
