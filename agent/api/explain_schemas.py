"""Why a name is blocked or open, as it goes out."""

from typing import Annotated, Any

from pydantic import Field

from agent.api.schemas import Told


class ExplainedTold(Told):
    """The verdict in a sentence, its facts in the language of the school, and the same for programs."""

    heading: str
    facts: list[str]
    evidence: Annotated[dict[str, Any], Field(description="As `schoolgate explain --json` gives it.")]
