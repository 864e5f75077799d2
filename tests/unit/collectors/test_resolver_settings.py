"""Who is asked for names, on recorded computers of the three systems; all values are made up."""

import json
import plistlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines_of_test import RecordedWindows, recorded

from collectors.bypass import Signal
from collectors.machine import Machine, Output
from collectors.observed import Priority
from collectors.resolver_settings import (
    EncryptedDns,
    ResolverLook,
    ResolverSettings,
    SchoolDns,
    chromium_policy,
    firefox_policy,
    parse_hosts,
    parse_resolv_conf,
    parse_scutil_dns,
    parse_scutil_proxy,
    read_linux,
    read_macos,
    read_windows,
    signals_of,
)
from collectors.windows_settings import Value

SCHOOL = SchoolDns(
    frozenset({"10.20.0.2", "2001:db8::53"}),
    frozenset({"filter.school.example"}),
    frozenset({"dns.school.example"}),
    frozenset({"proxy.school.example"}),
)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(ResolverSettings(("10.20.0.2", "2001:DB8:0::53", "127.0.0.1")), [], id="ours-and-its-own"),
        pytest.param(ResolverSettings(("192.0.2.53",)), [Signal("resolver_not_ours", "192.0.2.53")], id="another"),
        pytest.param(
            ResolverSettings(encrypted=(EncryptedDns("chromium policy", "doh.example"),)),
            [Signal("encrypted_dns", "chromium policy doh.example")],
            id="encrypted-elsewhere",
        ),
        pytest.param(
            ResolverSettings(encrypted=(EncryptedDns("firefox policy", "dns.school.example"),)), [], id="our-own-doh"
        ),
        pytest.param(
            ResolverSettings(hosts=(("127.0.0.1", "filter.school.example"),)),
            [Signal("hosts_override", "filter.school.example", is_weak=False)],
            id="our-name-led-elsewhere",
        ),
        pytest.param(
            ResolverSettings(hosts=(("10.20.0.2", "filter.school.example"), ("0.0.0.0", "ads.example"))),
            [],
            id="our-name-led-to-us",
        ),
        pytest.param(
            ResolverSettings(proxies=("proxy.school.example", "other.example")),
            [Signal("proxy_not_ours", "other.example")],
            id="proxies",
        ),
    ],
)
def test_signs(settings: ResolverSettings, expected: list[Signal]) -> None:
    assert list(signals_of(settings, SCHOOL)) == expected


def test_it_is_looked_at_on_the_schools_network_alone() -> None:
    places = [False, True, True, False, True]
    reads = []

    def read() -> ResolverSettings:
        reads.append(1)
        return ResolverSettings(("192.0.2.53",))

    look = ResolverLook(read, SCHOOL, lambda: places.pop(0))
    assert look.look() == ()
    assert not reads, "nothing at all is read elsewhere"
    (told,) = look.look()
    assert (told.priority, told.key, told.facts["resolvers"]) == (Priority.STATE, "resolver", ["192.0.2.53"])
    assert look.signals() == (Signal("resolver_not_ours", "192.0.2.53"),)
    assert look.look() == ()
    assert look.look() == ()
    assert look.signals() == ()
    assert len(look.look()) == 1


STUB = {"/etc/resolv.conf": "nameserver 127.0.0.53\noptions edns0\n"}
CHROME = "/etc/opt/chrome/policies/managed/school.json"
DOH = "https://doh.example/dns-query{?dns}"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"/etc/resolv.conf": "# by hand\nnameserver 10.20.0.2\nnameserver\n"},
            ResolverSettings(("10.20.0.2",)),
            id="resolv-conf",
        ),
        pytest.param(
            STUB | {"/run/systemd/resolve/resolv.conf": "nameserver 192.0.2.53\n"},
            ResolverSettings(("192.0.2.53",)),
            id="behind-systemd-resolved",
        ),
        pytest.param(
            {"/etc/systemd/resolved.conf": "[Resolve]\n#DNSOverTLS=yes\nDNSOverTLS=opportunistic\n"},
            ResolverSettings(encrypted=(EncryptedDns("systemd-resolved"),)),
            id="encrypted-by-the-system",
        ),
        pytest.param(
            {
                "/etc/systemd/resolved.conf": "DNSOverTLS=yes\n",
                "/etc/systemd/resolved.conf.d/school.conf": "[Resolve]\nDNSOverTLS=no\n",
            },
            ResolverSettings(),
            id="the-last-word-counts",
        ),
        pytest.param(
            {CHROME: json.dumps({"DnsOverHttpsMode": "secure", "DnsOverHttpsTemplates": DOH})},
            ResolverSettings(encrypted=(EncryptedDns("chromium policy", "doh.example"),)),
            id="encrypted-by-chrome",
        ),
        pytest.param({CHROME: "{broken"}, ResolverSettings(), id="broken-policy"),
        pytest.param(
            {
                "/etc/firefox/policies/policies.json": json.dumps(
                    {"policies": {"DNSOverHTTPS": {"Enabled": True, "ProviderURL": DOH}}}
                )
            },
            ResolverSettings(encrypted=(EncryptedDns("firefox policy", "doh.example"),)),
            id="encrypted-by-firefox",
        ),
        pytest.param(
            {"/etc/environment": 'PATH="/bin"\nhttps_proxy="http://anna:secret@other.example:3128/"\n'},
            ResolverSettings(proxies=("other.example",)),
            id="a-proxy-without-its-password",
        ),
        pytest.param({}, ResolverSettings(), id="nothing"),
    ],
)
def test_linux(files: dict[str, str], expected: ResolverSettings, tmp_path: Path) -> None:
    assert read_linux(recorded(tmp_path, files)) == expected


def test_the_proxy_of_a_desktop_is_its_persons(tmp_path: Path) -> None:
    proxy = "org.gnome.system.proxy"
    programs: dict[tuple[str, ...], str] = {
        ("gsettings", "get", proxy, "mode"): "'auto'\n",
        ("gsettings", "get", proxy, "autoconfig-url"): "'http://pac.example/p.pac'\n",
    }
    machine = recorded(tmp_path, {}, programs)
    assert read_linux(machine).proxies == ()
    assert read_linux(machine, in_session=True).proxies == ("pac.example",)
    programs |= {
        ("gsettings", "get", proxy, "mode"): "'manual'\n",
        ("gsettings", "get", f"{proxy}.https", "host"): "'other.example'\n",
    }
    assert read_linux(recorded(tmp_path, {}, programs), in_session=True).proxies == ("other.example",)


TCPIP = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
DNSCACHE = r"HKLM\SYSTEM\CurrentControlSet\Services\Dnscache\InterfaceSpecificParameters"
INTERNET = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings"


def test_windows(tmp_path: Path) -> None:
    registry: dict[str, Value] = {
        rf"{TCPIP}\{{a}}\NameServer": "192.0.2.53,192.0.2.54",
        rf"{TCPIP}\{{a}}\DhcpNameServer": "10.20.0.2",
        rf"{TCPIP}\{{b}}\EnableDHCP": 1,
        rf"{TCPIP}\{{b}}\DhcpIPAddress": "10.20.0.7",
        rf"{TCPIP}\{{b}}\DhcpNameServer": "10.20.0.2 10.20.0.3",
        rf"{TCPIP}\{{at home}}\EnableDHCP": 1,
        rf"{TCPIP}\{{at home}}\DhcpIPAddress": "192.0.2.7",
        rf"{TCPIP}\{{at home}}\DhcpNameServer": "192.0.2.1",
        rf"{DNSCACHE}\{{a}}\DohInterfaceSettings\Doh\192.0.2.53\DohFlags": 1,
        rf"{DNSCACHE}\{{a}}\DohInterfaceSettings\Doh\192.0.2.54\DohFlags": 0,
        r"HKLM\SOFTWARE\Policies\Microsoft\Edge\DnsOverHttpsMode": "secure",
        r"HKCU\SOFTWARE\Policies\Mozilla\Firefox\DNSOverHTTPS\Enabled": 1,
        rf"{INTERNET}\ProxyEnable": 1,
        rf"{INTERNET}\ProxyServer": "http=one.example:80;https=two.example:443",
        rf"{INTERNET}\AutoConfigURL": "http://pac.example/proxy.pac",
    }
    hosts = {"/Windows/System32/drivers/etc/hosts": "127.0.0.1 filter.school.example # by hand\n"}
    machine = recorded(tmp_path, hosts, platform="win32")
    assert read_windows(machine, RecordedWindows(registry), {"10.20.0.7"}) == ResolverSettings(
        ("192.0.2.53", "192.0.2.54", "10.20.0.2", "10.20.0.3"),
        (EncryptedDns("windows", "192.0.2.53"), EncryptedDns("chromium policy"), EncryptedDns("firefox policy")),
        (("127.0.0.1", "filter.school.example"),),
        ("one.example", "two.example", "pac.example"),
    )
    assert read_windows(recorded(tmp_path / "new"), RecordedWindows(), ()) == ResolverSettings()


SCUTIL_DNS = """DNS configuration

resolver #1
  search domain[0] : school.example
  nameserver[0] : 10.20.0.2
  nameserver[1] : 2001:db8::53
  if_index : 14 (en0)
  reach    : 0x00020002 (Reachable,Directly Reachable Address)

resolver #2
  domain   : local
  options  : mdns
  nameserver[0] : 192.0.2.99

DNS configuration (for scoped queries)

resolver #1
  nameserver[0] : 192.0.2.98
"""
SCUTIL_PROXY = """<dictionary> {
  HTTPEnable : 0
  HTTPProxy : old.example
  HTTPSEnable : 1
  HTTPSPort : 3128
  HTTPSProxy : other.example
  ProxyAutoConfigEnable : 1
  ProxyAutoConfigURLString : http://pac.example/proxy.pac
}
"""


def test_macos(tmp_path: Path) -> None:
    policy = plistlib.dumps({"DnsOverHttpsMode": "secure", "DnsOverHttpsTemplates": DOH}).decode()
    files = {
        "/Library/Managed Preferences/com.google.Chrome.plist": policy,
        "/private/etc/hosts": "::1 localhost\n",
    }
    programs: dict[tuple[str, ...], str] = {
        ("/usr/sbin/scutil", "--dns"): SCUTIL_DNS,
        ("/usr/sbin/scutil", "--proxy"): SCUTIL_PROXY,
    }
    assert read_macos(recorded(tmp_path, files, programs, platform="darwin")) == ResolverSettings(
        ("10.20.0.2", "2001:db8::53"),
        (EncryptedDns("chromium policy", "doh.example"),),
        (("::1", "localhost"),),
        ("other.example", "pac.example"),
    )


@pytest.mark.parametrize(
    ("policy", "encrypted"),
    [
        pytest.param({"DnsOverHttpsMode": "off"}, [], id="off"),
        pytest.param({"DnsOverHttpsMode": "automatic"}, [], id="automatic-to-whom-the-network-gave"),
        pytest.param(
            {"DnsOverHttpsMode": "automatic", "DnsOverHttpsTemplates": DOH},
            [EncryptedDns("chromium policy", "doh.example")],
            id="automatic-elsewhere",
        ),
    ],
)
def test_policies_of_chromium(policy: dict[str, Any], encrypted: list[EncryptedDns]) -> None:
    assert list(chromium_policy(policy)) == encrypted


@given(st.text(max_size=300))
def test_no_text_is_an_error(text: str) -> None:
    parse_resolv_conf(text)
    parse_hosts(text)
    parse_scutil_dns("resolver #1\n" + text)
    parse_scutil_proxy("  HTTPEnable : 1\n  HTTPProxy : " + text)
    list(chromium_policy({"DnsOverHttpsMode": "secure", "DnsOverHttpsTemplates": text}))
    list(firefox_policy({"Enabled": True, "ProviderURL": text}))
    list(signals_of(ResolverSettings((text,), (), ((text, text),), (text,)), SCHOOL))


ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=2)


@settings(max_examples=25, deadline=None)
@given(value=ANY, text=st.text(max_size=80))
def test_no_file_is_an_error(value: Any, text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("machine", numbered=True)
    policies = json.dumps({"DnsOverHttpsMode": "secure", "DnsOverHttpsTemplates": value})
    firefox = json.dumps({"policies": {"DNSOverHTTPS": {"Enabled": True, "ProviderURL": value}}})
    files = {CHROME: policies, "/etc/firefox/policies/policies.json": firefox}
    recorded(folder, files | dict.fromkeys(("/etc/hosts", "/etc/resolv.conf", "/etc/environment"), text))
    machine = Machine(folder, programs=lambda _command, _seconds: Output(0, text.encode("utf-8", "replace")))
    list(signals_of(read_linux(machine, in_session=True), SCHOOL))
    list(signals_of(read_macos(machine), SCHOOL))
