"""Verdicts: a sum type in which each case carries its reason."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class ReasonCode(StrEnum):
    """Why a verdict came out as it did; a closed set, fit for a metric label."""

    STATUTORY = "statutory"
    GUARD = "guard"
    POLICY = "policy"
    LIFTED = "lifted"
    ALLOW_ONLY = "allow_only"
    SAFE_SEARCH = "safe_search"
    NO_POLICY = "no_policy"
    PRIVATE_ADDRESS = "private_address"


@dataclass(frozen=True, slots=True)
class Reason:
    """What decided: the code, the tag that mattered and the policy that spoke.

    For `LIFTED`, `policy_id` names the policy that lifts and `tag` the block that would stand without it.
    """

    code: ReasonCode
    tag: str | None = None
    policy_id: str | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """The question is asked upstream."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Block:
    """The question is answered here, with a refusal that says why."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The question is answered with the safe mode of the same service; `target` is its mode's name."""

    reason: Reason
    mode: str


Verdict: TypeAlias = Allow | Block | Rewrite
