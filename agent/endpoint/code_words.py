"""The words of every code that a laptop tells: each table has all of one closed set of the collectors.

It must not learn what the codes lead to. Of sentences with a part that differs, the table is of their patterns.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

Gettext: TypeAlias = Callable[[str], str]
Table: TypeAlias = Mapping[str, str]


def crypts(_: Gettext) -> Table:
    """Whether what is stored can be read by who finds it."""
    return {
        "encrypted": _("encrypted"),
        "encrypted_locked": _("encrypted and locked"),
        "plain": _("not encrypted"),
        "converting": _("being encrypted or decrypted just now"),
        "suspended": _("encrypted, but the protection is switched off for now: whoever finds it can read it"),
        "claimed_hardware": _("encrypts by itself, as its maker says"),
        "maybe_encrypted": _("may be encrypted, which cannot be told from outside"),
        "unknown": _("nobody knows whether it is encrypted"),
    }


def marks(_: Gettext) -> Table:
    """What is odd about the name that a medium gives itself."""
    return {
        "control": _("its name has control characters"),
        "direction": _("its name turns the direction of writing"),
        "not_text": _("its name is no text in parts"),
        "cut": _("its name is longer than is shown"),
    }


def unknown_media(_: Gettext) -> tuple[str, ...]:
    """Why it could not be told whether a medium is encrypted."""
    return (
        _("more than %(what)s devices lie upon each other"),
        _("it is not known here whether %(what)s encrypts"),
        _("it shows the reader of BitLocker To Go, and %(why)s"),
        _("its first sectors could not be read: %(what)s"),
        _("it has the signatures of both LUKS and ext"),
        _("each volume inside APFS is encrypted or not by itself"),
        _("it is a part of a volume group"),
        _("it holds partitions, which the system does not show"),
        _("it begins with nothing but zeros"),
        _("it begins with nothing that is known here"),
        _("diskutil contradicts itself about this volume"),
        _("diskutil does not say whether this volume is encrypted"),
        _("Windows could not be asked about this drive: %(what)s"),
        _("Windows does not say whether this drive is encrypted"),
        _("a phone or a camera does not tell"),
    )


def unclean(_: Gettext) -> Table:
    """What shows that a medium was pulled out without being ejected."""
    return {
        "mount_left": _("the system still has it open"),
        "not_seen_unmounted": _("nobody saw it ejected"),
    }


def checks(_: Gettext) -> Table:
    """What is checked of the laptop itself."""
    return {
        "disk_encryption": _("The laptop's own disk"),
        "antivirus": _("Protection from viruses"),
        "firewall": _("Firewall"),
        "updates": _("Updates by themselves"),
        "screen_lock": _("Lock of the screen"),
        "password_policy": _("Rules for passwords"),
    }


def states(_: Gettext) -> Table:
    """What a check found."""
    return {
        "on": _("on"),
        "partly": _("on in part"),
        "off": _("off"),
        "suspended": _("off for now"),
        "not_found": _("none that is known here was found; there may be another"),
        "unknown": _("could not be checked"),
    }


def unchecked(_: Gettext) -> Table:
    """Why a check could not be made, or a look has failed."""
    return {
        "needs_root": _("that needs more rights than the service has"),
        "not_understood": _("what the system says is not understood here"),
        "no_known_package_system": _("how this system gets its updates is not known here"),
        "per_user": _("only the helper in a person's own session can see it"),
        "no_known_desktop": _("this kind of desktop is not known here"),
        "not_readable": _("what would say it cannot be read"),
        "not_told": _("the system does not say"),
        "no_security_center": _("the Security Centre of Windows does not say"),
        "nothing_asked": _("there is nothing here to ask"),
        "not_on_this_system": _("it is not looked at on this system"),
        "timed_out": _("it took too long"),
        "ended": _("it ended without an answer"),
    }


def errors(_: Gettext) -> Table:
    """What a system calls a failure, as far as a person can do something about it."""
    refused, absent = _("access was refused (%(code)s)"), _("it is not there (%(code)s)")
    slow = _("it took too long")
    return {
        "EACCES": refused,
        "EPERM": refused,
        "PermissionError": refused,
        "ENOENT": absent,
        "FileNotFoundError": absent,
        "ETIMEDOUT": slow,
        "TimeoutError": slow,
    }


def signs(_: Gettext) -> Table:
    """What may lead round the filter; `what` is what was seen."""
    return {
        "tunnel_interface": _("a tunnel is connected (%(what)s)"),
        "tunnel_way_out": _("what this laptop sends leaves through a tunnel (%(what)s)"),
        "program_circumvention": _("%(what)s runs, a program for getting round filters"),
        "program_tunnel": _("%(what)s runs, a program for tunnels"),
        "program_vpn": _("%(what)s runs, a VPN program, which may be idle"),
        "program_dns": _("%(what)s runs, a program that looks up names by itself"),
        "listener": _("a program waits at port %(what)s, as those for getting round filters do"),
        "resolver_not_ours": _("names are asked of %(what)s, which is not the school's"),
        "encrypted_dns": _("names are asked in encrypted form (%(what)s)"),
        "hosts_override": _("the list of names on this laptop sends %(what)s elsewhere"),
        "proxy_not_ours": _("pages are fetched by way of %(what)s, which is not the school's"),
    }


def unseen(_: Gettext) -> Table:
    """Where signs of a way round the filter are looked for."""
    return {
        "interfaces": _("network connections"),
        "ways_out": _("the way out"),
        "programs": _("programs that run"),
        "ports": _("open ports"),
    }


def answers(_: Gettext) -> Table:
    """Who answers a laptop; without a code nobody was asked."""
    return {
        "": _("not asked: nobody knows that this is the school's network"),
        "answered_by_us": _("the school's filter answers this laptop"),
        "not_ours": _("somebody else than the school's filter answers this laptop"),
        "no_network": _("not asked: there is no network"),
        "could_not_tell": _("nobody knows whether the school's filter answers: the question got no answer"),
    }


def sessions(_: Gettext) -> Table:
    """How it is known who uses the laptop."""
    return {
        "signed_in": _("%(account)s is signed in at this screen"),
        "from_afar": _("%(account)s is signed in from another computer"),
        "several": _("Several people are signed in; %(account)s is at the screen"),
        "shared": _("%(account)s is signed in, an account that several people use"),
        "nobody": _("Nobody is signed in"),
    }


def gaps(_: Gettext) -> Table:
    """Why what is told of writes may not be everything."""
    return {
        "no_stream": _("it was only looked at from time to time"),
        "overflow": _("more happened than the system could tell"),
        "overflow_unseen": _("the system does not say whether it told everything"),
        "stream_ended": _("the system stopped telling"),
        "too_many_files": _("there are too many files"),
        "not_readable": _("some of it cannot be read"),
        "started_late": _("the medium was there before the service"),
        "no_last_look": _("nobody could look at the end"),
        "stream_missed": _("a last look found more than the system had told"),
        "coalesced": _("several writes to one file may count as one"),
        "unclean_removal": _("it was pulled out without being ejected"),
    }


def signatures(_: Gettext) -> Table:
    """Whether somebody signed a program."""
    return {
        "verified": _("signed by somebody whom this system trusts"),
        "not_valid": _("with a signature that does not hold"),
        "carried": _("with a signature that nobody has checked"),
        "none": _("signed by nobody"),
        "unknown": _("nobody knows whether it is signed"),
    }


def unread(_: Gettext) -> Table:
    """Why a program was not read to its end."""
    return {
        "not_readable": _("it could not be read"),
        "too_large": _("it is too large to be read"),
        "too_slow": _("it could not be read in time"),
    }


def collectors(_: Gettext) -> Table:
    """What is looked at."""
    return {
        "removable_media": _("Media that can be taken out"),
        "file_writes": _("What is written to them"),
        "new_programs": _("New programs"),
        "posture": _("Protection of this laptop"),
        "bypass": _("Ways round the filter"),
        "resolver_settings": _("Whom it asks for names"),
        "school_filter": _("The school's filter"),
        "session": _("Who is signed in"),
    }


def healths(_: Gettext) -> Table:
    """How a look at something goes."""
    return {
        "ok": _("works"),
        "failing": _("fails"),
        "paused": _("fails, and is left alone for an hour"),
    }


def not_shown(_: Gettext) -> Table:
    """Why a notice was not shown."""
    return {
        "told_today": _("it was shown today already"),
        "not_shown": _("nobody was there in time"),
        "no_helper": _("no helper runs in a session"),
        "presenting": _("somebody presents; it comes later"),
    }


def starts(_: Gettext) -> Table:
    """How the service ended before it began."""
    return {
        "first": _("for the first time"),
        "killed": _("after it was killed"),
        "stopped": _("after it had ended as it should"),
        "not_known": _("how it ended before, nobody knows"),
    }


def spool_resets(_: Gettext) -> Table:
    """Why the file of what waits had to begin anew."""
    return {"missing": _("it was gone"), "damaged": _("it was damaged")}


def findings(_: Gettext) -> Table:
    """What the gateway found about a laptop that somebody has to look at."""
    return {
        "key_changed": _("it came with another key than before"),
        "clone_suspected": _("its disk may have been copied to another laptop"),
        "events_missing": _("some of what it told has not arrived"),
        "many_accounts": _("it named very many accounts in a day"),
        "many_media": _("it told of more media than can be followed"),
    }


def blind(_: Gettext) -> tuple[str, ...]:
    """What is not told as it happens, so that it is looked for from time to time."""
    return _("devices as they happen: %(what)s"), _("mounts as they happen: %(what)s")


def reason(code: str, table: Table, _: Gettext) -> str:
    """Word why something failed; `PermissionError:EACCES` is what the system calls it. What is not known stays."""
    words = table.get(code) or errors(_).get(code.partition(":")[2] or code)
    return words % {"code": code} if words else code


def reworded(text: str, patterns: Callable[[Gettext], tuple[str, ...]], _: Gettext) -> str:
    """Give an English sentence in another language, by the patterns that it may be of; any other stays."""
    for pattern, words in zip(patterns(str), patterns(_), strict=True):
        if found := _expression(pattern).fullmatch(text):
            parts = found.groupdict()
            if "why" in parts:
                parts["why"] = reworded(parts["why"], patterns, _)
            return words % parts if parts else words
    return text


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+)", re.escape(pattern)), re.DOTALL)
