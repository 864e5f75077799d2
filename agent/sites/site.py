"""The site as the program uses it: what `site.yaml` means after every check has passed.

Values here are plain and serialisable, because the part that workers need travels to them as a file.
`agent.sites.config` turns what a person wrote into these shapes and is the only place that builds them.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from rules.pack import TableRow
from rules.policy import Rulebook
from rules.schedule import DateRange, Schedule
from rules.span import Span, Unit
from rules.subject import Audience


@dataclass(frozen=True, slots=True)
class School:
    """Who runs this gateway; `language` is one of en, fr, nl, ja, `contact` says where questions go.

    `console` is where people reach the pages of the gateway, `helplines` are the school's own words for whom a child
    can call. `packs` are the names of those that come with the product, `own_packs` the files of the school's own.
    """

    name: str
    timezone: str
    language: str
    packs: tuple[str, ...]
    contact: str | None = None
    own_packs: tuple[str, ...] = ()
    console: str | None = None
    helplines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port to listen on or to talk to."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where the gateway answers; `metrics` also serves `/healthz`, `api` is for people and their programs.

    The block page is shown by HTTPS only with a certificate that the school brings; both are paths of PEM files.
    """

    dns: tuple[Endpoint, ...]
    metrics: Endpoint | None
    api: Endpoint | None = None
    block_page: Endpoint | None = None
    block_page_https: Endpoint | None = None
    block_page_certificate: str | None = None
    block_page_key: str | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A part of the school's network; the longest matching prefix gives a client its audience and groups."""

    name: str
    audience: Audience
    cidrs: tuple[str, ...]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Clients that policies can address together, by prefix or by device.

    `devices` are addresses, link-layer addresses (lower case, colons) or host names from leases. Without an
    `audience`, membership adds to what the network says; with one, it replaces the network's audience. What is
    asked from a device of a `is_shared` group is never put down to a person.
    """

    name: str
    audience: Audience | None = None
    cidrs: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class LeaseFile:
    """Where a DHCP server writes its leases."""

    format: Literal["dnsmasq", "isc", "kea"]
    path: str


@dataclass(frozen=True, slots=True)
class ListConfig:
    """One published list or one tree of lists.

    `source` is a path, an `https://` address or `builtin:starter`. `category` gives everything in the list one
    category; `categories` maps the provider's own category names (None: leave that one out). `format` is
    `auto` or one of `filters.list_parser.FORMATS`.
    """

    name: str
    source: str
    format: str = "auto"
    category: str | None = None
    categories: dict[str, str | None] = field(default_factory=dict)
    refresh_seconds: int = 86_400
    max_size_bytes: int = 256 * 1024 * 1024
    timeout_seconds: float = 60.0
    max_bad_share: float = 0.2
    max_change_share: float = 0.5
    location: str = "site.yaml"


class AnswerStyle(StrEnum):
    """How a blocked question is answered."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    NULL = "null"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Answers:
    """How the gateway words its own answers; `by_category` overrides `default`."""

    default: AnswerStyle = AnswerStyle.NXDOMAIN
    by_category: dict[str, AnswerStyle] = field(default_factory=dict)
    page_ipv4: str | None = None
    page_ipv6: str | None = None
    blocked_ttl_seconds: int = 10
    max_ttl_seconds: int = 3600
    chaos: bool = False
    minimal_any: bool = True


class Transport(StrEnum):
    """How an upstream is spoken to."""

    UDP = "udp"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A resolver that answers what is allowed; `tls_name` and `pins` (base64 SHA-256 of the SPKI) are for DoT."""

    endpoint: Endpoint
    transport: Transport = Transport.UDP
    tls_name: str | None = None
    pins: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.transport}://{self.endpoint}"


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of the site's own: asked of its own servers, private addresses in its answers are right."""

    name: str
    upstreams: tuple[Upstream, ...]


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where allowed questions go; `system` means the resolvers of /etc/resolv.conf."""

    servers: tuple[Upstream, ...]
    zones: tuple[Zone, ...] = ()
    timeout_seconds: float = 1.5
    use_system: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one client may ask and on what the gateway keeps."""

    client_queries_per_second: int = 1000
    client_tcp_connections: int = 20
    tcp_connections: int = 1000
    tcp_idle_seconds: float = 10.0
    pending_questions: int = 4096
    reply_cache_bytes: int = 8 * 1024 * 1024
    answer_cache_bytes: int = 6 * 1024 * 1024
    stale_seconds: int = 86_400
    udp_payload_bytes: int = 1232


class ActivityLevel(StrEnum):
    """What the activity store keeps: counts only, blocked queries per pseudonym, or all of them."""

    COUNTS = "counts"
    BLOCKED = "blocked"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Retention:
    """What is recorded and for how long; `all_reason` is why a school records allowed queries too."""

    activity: ActivityLevel = ActivityLevel.BLOCKED
    activity_days: int = 30
    index_generations: int = 5
    all_reason: str | None = None


class FailMode(StrEnum):
    """What clients get when no usable index or policy exists."""

    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class FailModes:
    """The school's recorded choice; `open` needs a reason."""

    no_index: FailMode = FailMode.CLOSED
    reason: str | None = None


# What no override lifts, beside what is statutory: ways round the filter, and harm to the machine.
NEVER: Final = frozenset({"malware", "phishing", "proxy", "vpn", "encrypted_dns", "tor"})
# Where one wrong decision may harm a child, two decide. One decides about what is no more than unsuitable, and about
# what lessons need: gambling, drugs, alcohol, hacking.
SENSITIVE: Final = frozenset(
    {
        "pornography",
        "nudity",
        "violence",
        "self_harm",
        "hate_speech",
        "discrimination",
        "weapons",
        "cults",
        "dating",
    }
)


@dataclass(frozen=True, slots=True)
class OverrideSettings:
    """What people may ask to have opened for a while.

    No override lifts the categories in `never`; two people decide about those in `sensitive`. What is statutory is in
    neither, because it is blocked in any case.
    """

    max_days: int = 30
    max_ahead_days: int = 366
    break_glass_minutes: int = 60
    countersign_hours: int = 24
    never: frozenset[str] = NEVER
    sensitive: frozenset[str] = SENSITIVE


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the gateway keeps what must last (`state`) and what ends with it (`runtime`)."""

    state: str
    runtime: str


class NoticeKind(StrEnum):
    """What people and programs can be told of; a webhook names those that it wants."""

    OVERRIDE_WAITS = "override_waits"
    OVERRIDE_ESCALATED = "override_escalated"
    OVERRIDE_APPROVED = "override_approved"
    OVERRIDE_NARROWED = "override_narrowed"
    OVERRIDE_REFUSED = "override_refused"
    OVERRIDE_UNDECIDED = "override_undecided"
    OVERRIDE_REVOKED = "override_revoked"
    OVERRIDE_ENDS_SOON = "override_ends_soon"
    OVERRIDE_BROKE_GLASS = "override_broke_glass"
    OVERRIDE_COUNTERSIGN_DUE = "override_countersign_due"
    OVERRIDE_UNCONFIRMED = "override_unconfirmed"
    SUSPENSION_REQUESTED = "suspension_requested"
    SUSPENSION_AGREED = "suspension_agreed"
    SUSPENSION_REFUSED = "suspension_refused"
    SUSPENSION_UNDECIDED = "suspension_undecided"
    SUSPENSION_STOPPED = "suspension_stopped"
    SUSPENSION_ENDED = "suspension_ended"
    FILTER_CHANGE_DRAFTED = "filter_change_drafted"
    FILTER_CHANGE_APPROVED = "filter_change_approved"
    FILTER_CHANGE_REFUSED = "filter_change_refused"
    FILTER_CHANGED_ON_DISK = "filter_changed_on_disk"
    FILTER_REVIEW_DUE = "filter_review_due"
    RECORD_BROKEN = "record_broken"
    FILTER_OFF_WITHOUT_RECORD = "filter_off_without_record"
    DEVICE_FOUND = "device_found"
    PEOPLE_WAITING = "people_waiting"
    PEOPLE_CONFIRMED = "people_confirmed"
    PEOPLE_REFUSED = "people_refused"
    PEOPLE_BOOTSTRAPPED = "people_bootstrapped"
    DECIDER_CLOSED = "decider_closed"
    INCIDENT_WAITS = "incident_waits"
    INCIDENT_SAFEGUARDING = "incident_safeguarding"
    INCIDENT_RESTRICTED = "incident_restricted"
    INCIDENT_SEALED = "incident_sealed"
    INCIDENT_UNSEAL_ASKED = "incident_unseal_asked"
    INCIDENT_STEPS = "incident_steps"
    INCIDENT_CLOCK = "incident_clock"
    INCIDENT_OVERDUE = "incident_overdue"
    MEDIA_WAITS = "media_waits"
    MEDIA_DECIDED = "media_decided"
    MEDIA_OVERDUE = "media_overdue"
    MEDIA_PURGE_DUE = "media_purge_due"
    MEDIA_ATTEST = "media_attest"
    MEDIA_LOST = "media_lost"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server, spoken to with STARTTLS only, and who is written to.

    `by_role` and `by_person` are addresses by the name of a role, and by the id of a person or as the file calls them
    that they come from. `password_file` holds the
    password and is read each time; `ca_file` is an authority of the school's own.
    """

    host: str
    sender: str
    port: int = 587
    username: str = ""
    password_file: str | None = None
    ca_file: str | None = None
    by_role: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    by_person: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A program that is told by HTTPS; no `events` means all. `secret_file` holds the key that signs, `whsec_…`."""

    name: str
    # Its path is a secret with many services.
    url: str = field(repr=False)
    secret_file: str
    events: frozenset[NoticeKind] = frozenset()
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Who is told what, and how long a request waits before somebody else is told too."""

    mail: MailSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()
    escalate_after_seconds: int = 4 * 3600


# How long a warning counts and what is kept about an incident lasts, where a site says nothing: what came to
# something, and what came to nothing.
WARNINGS_LAST: Final = Span(1, Unit.YEARS)
KEEP: Final = Span(3, Unit.YEARS)
KEEP_DISMISSED: Final = Span(1, Unit.MONTHS)


@dataclass(frozen=True, slots=True)
class ContactCard:
    """Whom to call, in the school's own words; `procedures` are those of the packs whose card it is on, or all."""

    title: str
    lines: tuple[str, ...] = field(repr=False)
    procedures: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class IncidentSettings:
    """Who reads what about staff, how long a warning counts, and how long what is kept about an incident lasts.

    People are named by their id here, or as the file calls them that they come from. `second_reader` is the member of
    the senior leadership team who reads allegations beside the head teacher, `chair` who takes the head teacher's
    place where they concern the head teacher. `warnings_last` is None where they end with the school year. `keep` is
    by kind of incident. A count below `small_number` is not told. `contacts` stand on the cards of procedures.
    """

    second_reader: str = ""
    chair: str = ""
    warnings_last: Span | None = WARNINGS_LAST
    keep: dict[str, Span] = field(default_factory=dict)
    keep_others: Span = KEEP
    keep_dismissed: Span = KEEP_DISMISSED
    small_number: int = 5
    contacts: tuple[ContactCard, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """Somebody whom the site file names; `classes` are those of the file."""

    name: str = field(repr=False)
    roles: frozenset[str]
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NamedClass:
    """A class that the site file names; the devices of `group` are this class."""

    title: str
    group: str


@dataclass(frozen=True, slots=True)
class KindTuning:
    """How this school weighs a kind of incident, where it differs from the pack."""

    weight: int | None = None
    sites: int | None = None


@dataclass(frozen=True, slots=True)
class AssessmentSettings:
    """How this school weighs what is observed, where it differs from its packs.

    `kinds` are by kind of incident; labels, names and categories come beside those of the packs.
    """

    open_at: int | None = None
    kinds: dict[str, KindTuning] = field(default_factory=dict)
    background_labels: frozenset[str] = frozenset()
    background_names: frozenset[str] = frozenset()
    unattributed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What laptops are told, and how long what they tell is kept.

    `vpn` are names of programs and interfaces that are the school's own, `resolvers` the addresses that a laptop may
    ask besides the gateway. Names of files are `hashed` or `kept`, and kept only for a reason. `hardware_encrypted`
    are USB ids of media that encrypt by themselves, `aup_version` is what a user accepts when signing in. Whether the
    categories of `closed` are that is looked at in the school. A laptop is silent after so long without a word.
    """

    vpn: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    file_names: Literal["hashed", "kept"] = "hashed"
    file_names_reason: str = ""
    heartbeat_seconds: int = 300
    posture_seconds: int = 900
    grace_seconds: int = 900
    hardware_encrypted: tuple[str, ...] = ()
    register_url: str = ""
    aup_version: str = ""
    closed: tuple[str, ...] = ()
    silent_seconds: int = 7 * 86_400
    keep_days: int = 90
    keep_events: int = 5_000_000


# How long somebody may be let use a medium that nothing protects, where a site says nothing.
EXCEPTIONS_LAST: Final = Span(3, Unit.MONTHS)


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Who allows that a medium leaves the school, for how long, and how long an exception may last.

    `sign_out_needs` is `manager` where a second person, who manages media, allows it and signs it in again. `keep` is
    how long names and words stand on the registers after something is over.
    """

    sign_out_needs: Literal["nobody", "manager"] = "manager"
    longest_days: int = 30
    exception_longest: Span = EXCEPTIONS_LAST
    keep: Span = KEEP


@dataclass(frozen=True, slots=True)
class Private:
    """What a site says for the interface alone, most of it of people; it is left out of what workers are told.

    `people` and `classes` are by the ids that the file gives them, and None where it has no such part. Nobody is
    taken over from there without somebody who has looked at what changes.
    """

    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    people: dict[str, NamedPerson] | None = None
    classes: dict[str, NamedClass] | None = None
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    assessment: AssessmentSettings = field(default_factory=AssessmentSettings)
    endpoints: EndpointSettings = field(default_factory=EndpointSettings)
    media: MediaSettings = field(default_factory=MediaSettings)


@dataclass(frozen=True, slots=True)
class Site:
    """One school, checked and ready; `table` is what the rulebook carries out, for those who read it."""

    path: str
    school: School
    listeners: Listeners
    networks: tuple[Network, ...]
    groups: tuple[Group, ...]
    lease_files: tuple[LeaseFile, ...]
    neighbours: bool
    schedules: tuple[Schedule, ...]
    terms: tuple[DateRange, ...]
    holidays: tuple[DateRange, ...]
    lists: tuple[ListConfig, ...]
    rulebook: Rulebook
    answers: Answers
    upstreams: Upstreams
    limits: Limits
    retention: Retention
    fail_modes: FailModes
    paths: Paths
    workers: int = 1
    table: tuple[TableRow, ...] = ()
    overrides: OverrideSettings = field(default_factory=OverrideSettings)
    private: Private = field(default_factory=Private)
