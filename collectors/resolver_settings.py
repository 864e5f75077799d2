"""Who this computer asks for names, as its settings say: resolvers, encrypted DNS, the hosts file, proxies.

It is looked at on the school's network alone: elsewhere another resolver is as it should be, and nobody's business.
The profiles of browsers are not read, only what the computer's owner has ruled.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from collectors.bypass import Signal
from collectors.machine import Machine
from collectors.macos_posture import read_plist
from collectors.observed import JSON, Observed, Priority
from collectors.posture import bounded
from collectors.windows_settings import Value, WindowsSettings

_SECONDS: Final = 5.0
_RESOLVED_STUB: Final = frozenset({"127.0.0.53", "127.0.0.54"})
_CHROMIUM_POLICIES: Final = (
    "/etc/opt/chrome/policies/managed",
    "/etc/chromium/policies/managed",
    "/etc/opt/edge/policies/managed",
    "/etc/brave/policies/managed",
)
_FIREFOX_POLICIES: Final = (
    "/etc/firefox/policies/policies.json",
    "/usr/lib/firefox/distribution/policies.json",
    "/usr/lib/firefox-esr/distribution/policies.json",
)
_TCPIP: Final = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
_DNSCACHE: Final = r"SYSTEM\CurrentControlSet\Services\Dnscache\InterfaceSpecificParameters"
_INTERNET: Final = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
_WINDOWS_CHROMIUM: Final = (
    r"SOFTWARE\Policies\Google\Chrome",
    r"SOFTWARE\Policies\Microsoft\Edge",
    r"SOFTWARE\Policies\BraveSoftware\Brave",
)
_WINDOWS_FIREFOX: Final = r"SOFTWARE\Policies\Mozilla\Firefox\DNSOverHTTPS"
_MACOS_CHROMIUM: Final = ("com.google.Chrome", "com.microsoft.Edge", "com.brave.Browser")
_MOST_SHOWN: Final = 20
_HOSTS_LINES: Final = 20_000


@dataclass(frozen=True, slots=True)
class EncryptedDns:
    """A setting that sends names out encrypted: who set it, and to which host; empty where it does not say."""

    source: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """What the settings say."""

    resolvers: tuple[str, ...] = ()
    encrypted: tuple[EncryptedDns, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SchoolDns:
    """What belongs to the school: addresses of its resolvers, its own names, hosts of its encrypted DNS and proxies.

    Args:
        names: those that only the school may point anywhere: of the gateway and of its page for what is blocked.
    """

    resolvers: frozenset[str]
    names: frozenset[str] = frozenset()
    encrypted_hosts: frozenset[str] = frozenset()
    proxies: frozenset[str] = frozenset()


class ResolverLook:
    """The settings, told when they change, and the signs in them for whoever counts signs.

    Args:
        read: reads the settings of this system.
        is_on_site: whether this computer is on the school's network.
    """

    def __init__(
        self, read: Callable[[], ResolverSettings], school: SchoolDns, is_on_site: Callable[[], bool]
    ) -> None:
        self._read = read
        self._school = school
        self._is_on_site = is_on_site
        self._signals: tuple[Signal, ...] = ()
        self._told: tuple[Signal, ...] | None = None

    def signals(self) -> tuple[Signal, ...]:
        """Give the signs of the last look."""
        return self._signals

    def look(self) -> tuple[Observed, ...]:
        """Look once; empty where nothing has changed, and away from the school."""
        if not self._is_on_site():
            self._signals, self._told = (), None
            return ()
        settings = self._read()
        self._signals = tuple(sorted(signals_of(settings, self._school)))
        if self._signals == self._told:
            return ()
        self._told = self._signals
        return (_observe(settings, self._signals),)


def _observe(settings: ResolverSettings, signals: tuple[Signal, ...]) -> Observed:
    facts: dict[str, JSON] = {
        "on_site": True,
        "resolvers": [bounded(each) for each in settings.resolvers[:_MOST_SHOWN]],
        "encrypted": [
            {"source": each.source, "host": bounded(each.host)} for each in settings.encrypted[:_MOST_SHOWN]
        ],
        "found": [
            {"signal": each.code, "what": bounded(each.what), "weak": each.is_weak} for each in signals[:_MOST_SHOWN]
        ],
    }
    return Observed("resolver", Priority.STATE, facts, key="resolver")


def signals_of(settings: ResolverSettings, school: SchoolDns) -> Iterator[Signal]:
    """Give the signs in settings that were read on the school's network."""
    ours = {_plain(address) for address in school.resolvers}
    for address in {_plain(each) for each in settings.resolvers}:
        if address not in ours and not _is_own(address):
            yield Signal("resolver_not_ours", address)
    for each in settings.encrypted:
        if each.host not in school.encrypted_hosts:
            yield Signal("encrypted_dns", f"{each.source} {each.host}".strip())
    for address, name in settings.hosts:
        if name in school.names and _plain(address) not in ours:
            yield Signal("hosts_override", name, is_weak=False)
    for host in settings.proxies:
        if host not in school.proxies:
            yield Signal("proxy_not_ours", host)


def _plain(address: str) -> str:
    """Write an address in its one form; what is none stays."""
    try:
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return address


def _is_own(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return True


# --- Linux


def read_linux(machine: Machine, *, in_session: bool = False) -> ResolverSettings:
    """Read what Linux says; the proxy of a desktop only from within its person's session."""
    resolvers = parse_resolv_conf(machine.word("/etc/resolv.conf") or "")
    if not _RESOLVED_STUB.isdisjoint(resolvers):
        resolvers = parse_resolv_conf(machine.word("/run/systemd/resolve/resolv.conf") or "")
    return ResolverSettings(
        resolvers,
        tuple(_linux_encrypted(machine)),
        parse_hosts(machine.word("/etc/hosts") or ""),
        tuple(_linux_proxies(machine, in_session=in_session)),
    )


def parse_resolv_conf(text: str) -> tuple[str, ...]:
    """Give the servers that a resolv.conf names. Source: resolv.conf(5)."""
    lines = (line.split() for line in text.splitlines())
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


def parse_hosts(text: str) -> tuple[tuple[str, str], ...]:
    """Give the addresses and names that a hosts file pairs. Source: hosts(5)."""
    pairs = []
    for line in text.splitlines()[:_HOSTS_LINES]:
        address, *names = line.partition("#")[0].split() or [""]
        pairs += [(address, name.lower().rstrip(".")) for name in names]
    return tuple(pairs)


def _linux_encrypted(machine: Machine) -> Iterator[EncryptedDns]:
    folders = ("/usr/lib/systemd/resolved.conf.d", "/etc/systemd/resolved.conf.d", "/run/systemd/resolved.conf.d")
    places = ["/etc/systemd/resolved.conf"]
    places += [f"{folder}/{name}" for folder in folders for name in machine.names(folder) if name.endswith(".conf")]
    said = [
        value.lower()
        for place in places
        for value in re.findall(r"^\s*DNSOverTLS\s*=\s*(\w+)", machine.word(place) or "", re.MULTILINE)
    ]
    if said and said[-1] in {"yes", "true", "1", "opportunistic"}:
        yield EncryptedDns("systemd-resolved")
    for folder in _CHROMIUM_POLICIES:
        for name in machine.names(folder):
            yield from chromium_policy(_parse_json(machine.word(f"{folder}/{name}")))
    for place in _FIREFOX_POLICIES:
        policies = _parse_json(machine.word(place)).get("policies")
        if isinstance(policies, dict):
            yield from firefox_policy(policies.get("DNSOverHTTPS"))


def _linux_proxies(machine: Machine, *, in_session: bool) -> Iterator[str]:
    environment = machine.word("/etc/environment") or ""
    for value in re.findall(
        r'^\s*(?:export\s+)?(?:https?|all)_proxy="?([^"\s]+)', environment, re.MULTILINE | re.IGNORECASE
    ):
        yield from _host_of(value)
    if not in_session:
        return
    said = machine.run(("gsettings", "get", "org.gnome.system.proxy", "mode"), _SECONDS).text.strip().strip("'")
    if said == "auto":
        url = machine.run(("gsettings", "get", "org.gnome.system.proxy", "autoconfig-url"), _SECONDS).text
        yield from _host_of(url.strip().strip("'"))
    elif said == "manual":
        host = machine.run(("gsettings", "get", "org.gnome.system.proxy.https", "host"), _SECONDS).text
        yield from _host_of(host.strip().strip("'"))


# --- Windows


def read_windows(machine: Machine, windows: WindowsSettings, own_addresses: Collection[str]) -> ResolverSettings:
    """Read what the registry and the hosts file of Windows say.

    Args:
        own_addresses: those that this computer has now; the registry also remembers where it was yesterday.
    """
    return ResolverSettings(
        tuple(_windows_resolvers(windows, own_addresses)),
        tuple(_windows_encrypted(windows)),
        parse_hosts(machine.word("/Windows/System32/drivers/etc/hosts") or ""),
        tuple(_windows_proxies(windows)),
    )


def _windows_resolvers(windows: WindowsSettings, own_addresses: Collection[str]) -> Iterator[str]:
    for name in windows.subkeys("HKLM", _TCPIP) or ():
        key = rf"{_TCPIP}\{name}"
        is_given = windows.registry("HKLM", key, "EnableDHCP") == 1
        if is_given and windows.registry("HKLM", key, "DhcpIPAddress") not in own_addresses:
            continue
        # What a person has set goes before what the network gave.
        given = _text(windows.registry("HKLM", key, "NameServer"))
        yield from re.findall(r"[0-9a-fA-F.:]+", given or _text(windows.registry("HKLM", key, "DhcpNameServer")))


def _windows_encrypted(windows: WindowsSettings) -> Iterator[EncryptedDns]:
    for name in windows.subkeys("HKLM", _DNSCACHE) or ():
        for form in ("Doh", "Doh6"):
            key = rf"{_DNSCACHE}\{name}\DohInterfaceSettings\{form}"
            for server in windows.subkeys("HKLM", key) or ():
                flags = windows.registry("HKLM", rf"{key}\{server}", "DohFlags")
                if flags not in {None, 0}:
                    yield EncryptedDns("windows", _text(server))
    for hive in ("HKLM", "HKCU"):
        for key in _WINDOWS_CHROMIUM:
            names = ("DnsOverHttpsMode", "DnsOverHttpsTemplates")
            yield from chromium_policy({name: windows.registry(hive, key, name) for name in names})
        policy = {name: windows.registry(hive, _WINDOWS_FIREFOX, name) for name in ("Enabled", "ProviderURL")}
        yield from firefox_policy({"Enabled": policy["Enabled"] == 1, "ProviderURL": policy["ProviderURL"]})


def _windows_proxies(windows: WindowsSettings) -> Iterator[str]:
    if windows.registry("HKCU", _INTERNET, "ProxyEnable") == 1:
        for part in _text(windows.registry("HKCU", _INTERNET, "ProxyServer")).split(";"):
            yield from _host_of(part.rpartition("=")[2])
    yield from _host_of(_text(windows.registry("HKCU", _INTERNET, "AutoConfigURL")))


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


# --- macOS


def read_macos(machine: Machine) -> ResolverSettings:
    """Read what scutil and what MDM has ruled say."""
    dns = machine.run(("/usr/sbin/scutil", "--dns"), _SECONDS)
    proxy = machine.run(("/usr/sbin/scutil", "--proxy"), _SECONDS)
    return ResolverSettings(
        parse_scutil_dns(dns.text),
        tuple(_macos_encrypted(machine)),
        parse_hosts(machine.word("/private/etc/hosts") or ""),
        parse_scutil_proxy(proxy.text),
    )


def parse_scutil_dns(text: str) -> tuple[str, ...]:
    """Give the servers of the first resolver, which is asked for everything that no other is asked for."""
    first = re.search(
        r"^resolver #1$(.*?)(?=^resolver #|^DNS configuration \(for scoped|\Z)", text, re.MULTILINE | re.DOTALL
    )
    if first is None:
        return ()
    return tuple(re.findall(r"^\s+nameserver\[\d+\] : (\S+)\s*$", first[1], re.MULTILINE))


def parse_scutil_proxy(text: str) -> tuple[str, ...]:
    """Give the hosts of the proxies that are switched on."""
    values = dict(re.findall(r"^\s+(\w+) : (.*?)\s*$", text, re.MULTILINE))
    hosts = [
        values.get(f"{kind}Proxy", "") for kind in ("HTTP", "HTTPS", "SOCKS") if values.get(f"{kind}Enable") == "1"
    ]
    if values.get("ProxyAutoConfigEnable") == "1":
        hosts.append(values.get("ProxyAutoConfigURLString", ""))
    return tuple(dict.fromkeys(found for host in hosts for found in _host_of(host)))


def _macos_encrypted(machine: Machine) -> Iterator[EncryptedDns]:
    for browser in _MACOS_CHROMIUM:
        yield from chromium_policy(read_plist(machine, f"/Library/Managed Preferences/{browser}.plist"))
    firefox = read_plist(machine, "/Library/Managed Preferences/org.mozilla.firefox.plist")
    yield from firefox_policy(firefox.get("DNSOverHTTPS"))


# --- browsers


def chromium_policy(policy: Mapping[str, Any]) -> Iterator[EncryptedDns]:
    """Read what a policy of Chromium says. Source: Chrome Enterprise, DnsOverHttpsMode and DnsOverHttpsTemplates."""
    mode, templates = policy.get("DnsOverHttpsMode"), policy.get("DnsOverHttpsTemplates")
    # Without a template `automatic` only encrypts to the resolver that the network gave.
    if mode == "secure" or (mode == "automatic" and templates):
        hosts = list(_hosts_of(templates.split() if isinstance(templates, str) else ()))
        yield from (EncryptedDns("chromium policy", host) for host in hosts or [""])


def firefox_policy(policy: Any) -> Iterator[EncryptedDns]:
    """Read what a policy of Firefox says. Source: Firefox policy templates, DNSOverHTTPS."""
    if not isinstance(policy, dict) or policy.get("Enabled") is not True:
        return
    url = policy.get("ProviderURL")
    hosts = list(_host_of(url)) if isinstance(url, str) else []
    yield from (EncryptedDns("firefox policy", host) for host in hosts or [""])


def _hosts_of(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from _host_of(value)


def _host_of(value: str) -> Iterator[str]:
    """Give the host of an address, and nothing else of it: there may be a password."""
    try:
        host = urlsplit(value if "//" in value else f"//{value}").hostname
    except ValueError:
        return
    if host:
        yield host


def _parse_json(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
