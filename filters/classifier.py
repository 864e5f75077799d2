"""What a name is about: every source asked, the answers united.

The sources are the compiled lists and the overlay: names that the site's own policies mention, hosts with a
safe mode and the names by which programs find a way round the filter. A look-up gives a mask, in which each bit
is one thing that a source says; equal masks always mean equal tags unless the index says that they depend on the
question (`is_conditional`).
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

MAX_REMEMBERED_MASKS = 65_536


class Index(Protocol):
    """What the classifier needs of a compiled index."""

    signal_count: int
    conditional_mask: int

    def look_up(self, wire_name: bytes) -> int:
        """Give the mask of a name."""

    def tags(self, mask: int, wire_name: bytes, qtype: int) -> frozenset[str]:
        """Give the tags of a mask."""


class EmptyIndex:
    """No lists at all."""

    signal_count = 0
    conditional_mask = 0

    def look_up(self, wire_name: bytes) -> int:  # noqa: ARG002 (the protocol hands it over)
        """Give the mask of a name: nothing is listed."""
        return 0

    def tags(self, mask: int, wire_name: bytes, qtype: int) -> frozenset[str]:  # noqa: ARG002 (see above)
        """Give the tags of a mask: none."""
        return frozenset()


class Overlay:
    """Names known beside the lists; an exact entry speaks for itself alone, a subtree entry for all below too."""

    def __init__(self, *, exact: Mapping[bytes, Iterable[str]], subtree: Mapping[bytes, Iterable[str]]) -> None:
        self.tags = tuple(sorted({tag for tags in (*exact.values(), *subtree.values()) for tag in tags}))
        bit_of = {tag: 1 << place for place, tag in enumerate(self.tags)}
        self.exact = {name: sum(bit_of[tag] for tag in set(tags)) for name, tags in exact.items()}
        self.subtree = {name: sum(bit_of[tag] for tag in set(tags)) for name, tags in subtree.items()}

    def look_up(self, wire_name: bytes) -> int:
        """Give the mask of a name."""
        mask = self.exact.get(wire_name, 0)
        if self.subtree:
            position = 0
            while position < len(wire_name):
                mask |= self.subtree.get(wire_name[position:], 0)
                position += wire_name[position] + 1
        return mask


class Classifier:
    """The united sources of one generation."""

    def __init__(self, index: Index, overlay: Overlay) -> None:
        self.index = index
        self.overlay = overlay
        self.shift = index.signal_count
        self._listed_bits = (1 << index.signal_count) - 1
        self._conditional_mask = index.conditional_mask
        self._remembered: dict[int, frozenset[str]] = {}

    def mask(self, wire_name: bytes) -> int:
        """Look a name up in every source."""
        return self.index.look_up(wire_name) | self.overlay.look_up(wire_name) << self.shift

    def is_conditional(self, mask: int) -> bool:
        """Say whether the tags depend on more than the mask."""
        return bool(mask & self._conditional_mask)

    def tags(self, mask: int, wire_name: bytes, qtype: int) -> frozenset[str]:
        """Give the tags that a mask means for this question."""
        if (known := self._remembered.get(mask)) is not None:
            return known
        tags = self.index.tags(mask & self._listed_bits, wire_name, qtype) | self._overlay_tags(mask >> self.shift)
        if not self.is_conditional(mask) and len(self._remembered) < MAX_REMEMBERED_MASKS:
            self._remembered[mask] = tags
        return tags

    def classify(self, wire_name: bytes, qtype: int) -> frozenset[str]:
        """Give every tag that applies to a question."""
        return self.tags(self.mask(wire_name), wire_name, qtype)

    def _overlay_tags(self, bits: int) -> frozenset[str]:
        return frozenset(tag for place, tag in enumerate(self.overlay.tags) if bits >> place & 1)
