"""What is plugged in, what changes about it, and what is taken away: two looks compared.

Each observation carries everything that is known of the volume, so that who judges it needs nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from collectors.observed import JSON, Observed, Priority
from collectors.volume import Attach, Crypt, Volume
from collectors.volume_header import find_container

FindContainer = Callable[[Path], bool | None]

# What can be read by who finds it.
_READABLE: Final = frozenset({Crypt.PLAIN, Crypt.SUSPENDED})
# What a change of makes no news: it is looked at once, or follows from something else.
_NOT_NEWS: Final = frozenset({"evidence", "container"})


def compare(before: Mapping[str, Volume], after: Mapping[str, Volume], *, left: Iterable[str]) -> Iterator[Observed]:
    """Say what happened between two looks.

    Args:
        before, after: removable volumes by their key.
        left: mount points that are still there though nobody knows their device.
    """
    still_mounted = frozenset(left)
    for key, volume in before.items():
        if key not in after:
            yield _removed(volume, still_mounted)
    for key, volume in after.items():
        if key not in before:
            yield _observed("media_inserted", volume)
        elif changes := _changes(before[key], volume):
            yield _observed("media_changed", volume, changed=changes)


@dataclass
class RemovableMedia:
    """The removable media of this computer, from one look to the next.

    Args:
        look: gives all volumes; it may take long or hang, and who calls `observe` has a time limit.
        seeks: says whether files below a folder look like encrypted containers; asked once for each volume that is
            mounted and readable.
    """

    look: Callable[[], tuple[Volume, ...]]
    seeks: FindContainer = find_container
    _known: dict[str, Volume] | None = None
    _phones: frozenset[str] = frozenset()
    _containers: dict[str, bool | None] = field(default_factory=dict)

    def observe(self) -> tuple[Observed, ...]:
        """Look, and say what is there at the first look, and what has changed since the last one afterwards.

        Raises:
            OSError: nothing could be seen; what is known stays as it was.
        """
        volumes = self.look()
        media = {volume.key: self._with_container(volume) for volume in volumes if _is_medium(volume)}
        phones = {volume.key: volume for volume in volumes if volume.attach is Attach.PHONE}
        new_phones = [_phone(volume) for key, volume in phones.items() if key not in self._phones]
        if self._known is None:
            told = [_observed("media_present", volume) for volume in media.values()]
        else:
            left = (point for volume in volumes if volume.key not in media for point in volume.mount_points)
            told = list(compare(self._known, media, left=left))
        self._known, self._phones = media, frozenset(phones)
        self._containers = {key: found for key, found in self._containers.items() if key in media}
        return (*told, *new_phones)

    @property
    def media(self) -> tuple[Volume, ...]:
        """What is plugged in, as of the last look."""
        return tuple((self._known or {}).values())

    def _with_container(self, volume: Volume) -> Volume:
        if volume.crypt in _READABLE and volume.mount_points and volume.key not in self._containers:
            self._containers[volume.key] = self.seeks(Path(volume.mount_points[0]))
        return replace(volume, has_container=self._containers.get(volume.key))


def _is_medium(volume: Volume) -> bool:
    """Say whether it is a removable place for files: no empty reader, and not what the computer runs from."""
    return volume.attach is Attach.REMOVABLE and volume.has_medium and not volume.is_system


def _changes(before: Volume, after: Volume) -> dict[str, JSON]:
    """Give what was otherwise before, by the names of the facts."""
    old, new = before.facts(), after.facts()
    return {name: value for name, value in old.items() if name not in _NOT_NEWS and new[name] != value}


def _removed(volume: Volume, still_mounted: frozenset[str]) -> Observed:
    """Say that it is gone, and whether it was taken away while files on it could be written."""
    if not volume.is_mounted or volume.is_read_only:
        return _observed("media_removed", volume)
    is_left = not still_mounted.isdisjoint(volume.mount_points)
    return _observed("media_unclean", volume, proof="mount_left" if is_left else "not_seen_unmounted")


def _observed(kind: str, volume: Volume, **more: JSON) -> Observed:
    is_here = kind in {"media_present", "media_inserted", "media_changed"}
    is_urgent = is_here and volume.crypt in _READABLE and volume.is_mounted
    priority = Priority.INCIDENT if is_urgent else Priority.STATE
    return Observed(kind, priority, {**volume.facts(), **more}, key=f"{kind}/{volume.key}")


def _phone(volume: Volume) -> Observed:
    return Observed("phone_present", Priority.STATE, volume.facts(), key=f"phone_present/{volume.key}")
