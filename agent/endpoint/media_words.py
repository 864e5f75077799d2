"""Media, and what is written to them, in sentences for people who are not technicians."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from agent.endpoint import code_words
from agent.endpoint.value_words import ValueWords

Facts = Mapping[str, Any]
_MOST: Final = 5


class MediaWords:
    """The words of one language."""

    def __init__(self, values: ValueWords, media: Iterable[Facts]) -> None:
        self._ = values.gettext
        self._values = values
        self._media = {_plugged(each): each for each in media}

    def name_of(self, facts: Facts) -> str:
        """Name a medium: `USB stick PUPILS (DataTraveler, 32 MB)`."""
        _ = self._
        usb = facts.get("usb") or {}
        bus = facts.get("bus") or ("usb" if usb else "")
        noun = {"usb": _("USB stick"), "mmc": _("Memory card")}.get(bus, _("Medium"))
        label = str(facts.get("label") or "")
        size = facts.get("size_bytes")
        parts = [str(usb.get("name") or ""), self._values.size(size) if size else ""]
        inside = ", ".join(filter(None, parts)) or ("" if label else str(facts.get("device") or ""))
        return " ".join(filter(None, (noun, label, f"({inside})" if inside else "")))

    def medium(self, facts: Facts) -> str:
        """Say what a medium is like."""
        _ = self._
        crypts = code_words.crypts(_)
        parts = [self.crypt(facts)]
        if not facts.get("mounted"):
            parts.append(_("its files cannot be reached now"))
        elif facts.get("crypt") != "encrypted_locked" or facts.get("read_only"):
            reads = {True: _("cannot be written to"), False: _("can be written to")}
            parts.append(reads.get(facts["read_only"], _("nobody knows whether it can be written to")))
        if facts.get("container"):
            parts.append(_("a file on it looks like an encrypted container"))
        if facts.get("medium") is False:
            parts.append(_("there is no card in it"))
        if facts.get("system"):
            parts.append(_("this laptop runs from it"))
        odd = code_words.marks(_)
        parts += [odd.get(each, each) for each in facts.get("label_marks") or ()]
        before = (facts.get("changed") or {}).get("crypt")
        if before is not None:
            parts.append(_("before: %(words)s") % {"words": crypts.get(before, before)})
        if proof := facts.get("proof"):
            how = code_words.unclean(_).get(proof, proof)
            parts.append(_("pulled out without being ejected (%(how)s)") % {"how": how})
        return self._values.named(self.name_of(facts), self._values.row(parts))

    def crypt(self, facts: Facts) -> str:
        """Say whether what is on a medium can be read by who finds it, and why that is not known."""
        crypt, why = str(facts["crypt"]), str(facts.get("why") or "")
        words = code_words.crypts(self._).get(crypt, crypt)
        return self._values.aside(words, code_words.reworded(why, code_words.unknown_media, self._)) if why else words

    def phone(self, facts: Facts) -> str:
        """Say that a phone or a camera is plugged in."""
        name = str((facts.get("usb") or {}).get("name") or facts.get("device") or "")
        noun = self._("Phone or camera")
        return self._values.named(f"{noun} {name}", self.crypt(facts))

    def writes(self, facts: Facts) -> str:
        """Say how much was written to a medium."""
        _ = self._
        told = {"medium": self._named(facts), "files": facts["files"], "size": self._values.size(facts["bytes"])}
        parts = [_("Files written to %(medium)s: %(files)s (%(size)s)") % told]
        if facts["kinds"]:
            parts.append(", ".join(f"{end} {count}" for end, count in facts["kinds"].items()))
        parts.append(self._values.span(facts["since"], facts["until"]))
        if facts["removed"]:
            parts.append(_("deleted: %(number)s") % {"number": facts["removed"]})
        if facts["total_files"] != facts["files"] or facts["total_removed"] != facts["removed"]:
            size = self._values.size(facts["total_bytes"])
            total = {"files": facts["total_files"], "size": size, "deleted": facts["total_removed"]}
            parts.append(_("since it was plugged in: %(files)s (%(size)s), deleted: %(deleted)s") % total)
        if facts["sizes_unknown"]:
            parts.append(_("of unknown size: %(number)s") % {"number": facts["sizes_unknown"]})
        parts += self._names(facts)
        whys = code_words.gaps(_)
        if facts["coverage"] == "partial":
            why = self._values.row([whys.get(each, each) for each in facts["why"]] or [""])
            parts.append(_("there may have been more: %(why)s") % {"why": why})
        elif facts["coverage"] != "complete":
            parts.append(str(facts["coverage"]))
        parts.append(_("seen by %(source)s") % {"source": facts["source"]})
        if facts["last"]:
            parts.append(_("the medium was ejected") if facts["clean"] else whys["unclean_removal"])
        return self._values.parts(parts)

    def _names(self, facts: Facts) -> Iterator[str]:
        _ = self._
        names = [str(each) for each in facts["names"]]
        if not names:
            return
        if all(_is_hash(each) for each in names):
            yield _("names of files only as hashes")
            return
        more = max(0, len(names) - _MOST) + facts["names_left_out"]
        shown = ", ".join(names[:_MOST])
        yield _("names: %(names)s") % {"names": shown}
        if more > 0:
            yield _("not listed: %(number)s") % {"number": more}

    def program(self, facts: Facts) -> str:
        """Say that a program has come."""
        _ = self._
        place = self._place(facts)
        if "signature" not in facts:
            return f"{place}; " + _("not listed: %(number)s") % {"number": facts["left_out"]}
        name = str(facts["name"])
        named = str(facts["form"]) if _is_hash(name) else f"{name} ({facts['form']})"
        parts = [self._values.named(place, named), self._signature(facts["signature"])]
        if facts["why"]:
            parts.append(code_words.unread(_).get(facts["why"], facts["why"]))
        return self._values.row(parts)

    def programs(self, facts: Facts) -> str:
        """Say which programs were on a medium."""
        _ = self._
        where = {"medium": self._named(facts), "number": facts["files"]}
        parts = [_("Programs that were on %(medium)s: %(number)s") % where]
        parts += [
            self._values.named(self._signature(code), str(count)) for code, count in facts["signatures"].items()
        ]
        if facts["left_out"]:
            parts.append(_("not looked at: %(number)s") % {"number": facts["left_out"]})
        if facts["coverage"] != "complete":
            parts.append(_("there may be more"))
        return self._values.parts(parts)

    def _place(self, facts: Facts) -> str:
        _ = self._
        if facts["place"] == "volume":
            return _("New program on %(medium)s") % {"medium": self._named(facts)}
        if facts["place"] == "downloads":
            return _("New program among the downloads")
        return _("New program (%(place)s)") % {"place": facts["place"]}

    def _named(self, facts: Facts) -> str:
        return self.name_of(self._media.get(_plugged(facts), {"device": facts.get("device")}))

    def _signature(self, code: str) -> str:
        return code_words.signatures(self._).get(code, code)


def _plugged(facts: Facts) -> tuple[object, object]:
    """Give what a medium is called for as long as it stays plugged in."""
    return facts.get("device"), facts.get("insertion")


def _is_hash(name: str) -> bool:
    return len(name) == 32 and set(name) <= set("0123456789abcdef")
