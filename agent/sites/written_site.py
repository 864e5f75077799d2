"""What a person may write in `site.yaml`, part by part.

These models say which keys there are and what each holds; what the parts mean together is the business of
`agent.sites.site_builder`. Everything but `school`, `networks` and `packs` may be left out, and the defaults stand in
`agent.sites.site`.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from agent.sites.site import ActivityLevel, AnswerStyle, FailMode, NoticeKind
from agent.sites.written_endpoints import WrittenEndpoints
from agent.sites.written_incidents import WrittenAssessment, WrittenIncidents
from agent.sites.written_media import WrittenMedia
from agent.sites.written_part import Categories, Ids, Nothing, Text, Written, shorthand
from agent.sites.written_values import (
    At,
    AtOrOff,
    BlockedLifetime,
    Cidr,
    Clock,
    Day,
    Days,
    Device,
    Domain,
    Host,
    Https,
    Id,
    Ipv4,
    Ipv6,
    Lifetime,
    MailAddress,
    Moment,
    OneOrMore,
    Patience,
    Pin,
    Refresh,
    Share,
    Size,
    Timeout,
    TimeZone,
    UpstreamServer,
    fault,
)
from filters.safe_search import SAFE_SEARCH
from rules.pack import Tick
from rules.roles import Role, parse_role
from rules.subject import Audience

SafeMode: TypeAlias = Literal["strict", "moderate", "off"]
# The services with a safe mode, and the modes that each of them has.
SAFE_MODES: Final = {name: tuple(service.targets) for name, service in SAFE_SEARCH.items()}
ALL_SERVICES: Final = "all"


def _read_role(value: Any) -> Any:
    return (parse_role(value) or value) if isinstance(value, str) else value


def _read_style(value: Any) -> Any:
    # YAML reads null without quotes as nothing; to take that for the default would answer otherwise than was written.
    if value is None:
        raise fault('nxdomain, nodata, "null" (in quotes) or page', "nothing, or null without quotes")
    return value


InQuotes: Final = BeforeValidator(_read_style)
Audiences = Annotated[list[Audience], OneOrMore]
Roles = Annotated[list[Annotated[Role, BeforeValidator(_read_role)]], OneOrMore, Field(min_length=1)]
MailAddresses = Annotated[list[MailAddress], OneOrMore, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]


class WrittenSchool(Written):
    """`school:` who runs this gateway."""

    name: Text
    timezone: TimeZone
    language: Literal["en", "fr", "nl", "ja"] = "en"
    contact: Text | None = None
    console: Https | None = None
    helplines: Annotated[list[Text], OneOrMore, Field(max_length=10)] = []


class WrittenNetwork(Written):
    """`networks: {name: ...}` a part of the network, and who is there."""

    audience: Audience
    cidrs: Annotated[list[Cidr], OneOrMore, Field(min_length=1)]
    groups: Ids = []


class WrittenGroup(Written):
    """`groups: {name: ...}` clients that rules address together."""

    audience: Audience | None = None
    cidrs: Annotated[list[Cidr], OneOrMore] = []
    devices: Annotated[list[Device], OneOrMore] = []
    is_shared: bool = Field(default=False, alias="shared")


class WrittenRange(Written):
    """Days of a calendar, both ends included."""

    first_on: Day = Field(alias="from")
    last_on: Day = Field(alias="to")


def _one_day(value: Any) -> Any:
    return {"from": value, "to": value} if isinstance(value, str) else value


class WrittenCalendar(Written):
    """`calendar:` the school year."""

    terms: Annotated[dict[Text, WrittenRange], Nothing] = {}
    holidays: Annotated[dict[Text, Annotated[WrittenRange, BeforeValidator(_one_day)]], Nothing] = {}


class WrittenWindow(Written):
    """A stretch of a day; an end before the start is on the next day."""

    days: Days
    start_minute: Clock = Field(alias="from")
    end_minute: Clock = Field(alias="to")


class WrittenSchedule(Written):
    """`schedules: {name: ...}` when something holds; holidays always close it."""

    windows: Annotated[list[WrittenWindow], OneOrMore, Field(min_length=1)]
    only_in_term: bool = False


class WrittenList(Written):
    """`lists: {name: ...}` a published list, or a tree of lists."""

    source: Text
    format: Text | None = None
    category: Text | None = None
    categories: dict[Text, Text | None] | None = None
    refresh_seconds: Refresh | None = Field(default=None, alias="refresh")
    max_size_bytes: Size | None = Field(default=None, alias="max_size")
    timeout_seconds: Timeout | None = Field(default=None, alias="timeout")
    max_bad_share: Share | None = None
    max_change_share: Share | None = None


class WrittenRowSetting(Written):
    """`rows: {row: ...}` what this school says about a row: for everybody, for an audience or for a group."""

    audience: Audiences = []
    group: Ids = []
    tick: Tick | None = None
    schedule: Id | None = None
    nominated: Ids = []


class WrittenTags(Written):
    """What a policy is about; a plain list means categories."""

    categories: Annotated[list[Text], OneOrMore] = []
    names: Annotated[list[Domain], OneOrMore] = []


Tags = Annotated[WrittenTags, shorthand("categories")]


class WrittenPolicy(Written):
    """`policies: {name: ...}` a rule of the school beside the table; exactly one of block, allow and allow_only."""

    block: Tags | None = None
    allow: Tags | None = None
    allow_only: Tags | None = None
    audiences: Audiences = []
    groups: Ids = []
    except_groups: Ids = []
    schedule: Id | None = None
    from_on: Moment | None = Field(default=None, alias="from")
    until_on: Moment | None = Field(default=None, alias="until")
    reason: Text | None = None


class WrittenAnswers(Written):
    """`answers:` how a blocked question is answered."""

    default: Annotated[AnswerStyle | None, InQuotes] = Field(default=None, alias="blocked")
    by_category: dict[Text, Annotated[AnswerStyle, InQuotes]] | None = None
    page_ipv4: Ipv4 | None = None
    page_ipv6: Ipv6 | None = None
    blocked_ttl_seconds: BlockedLifetime | None = Field(default=None, alias="blocked_ttl")
    max_ttl_seconds: Lifetime | None = Field(default=None, alias="max_ttl")
    chaos: bool | None = None
    minimal_any: bool | None = None


class WrittenUpstream(Written):
    """A resolver; a plain text is its address."""

    server: UpstreamServer
    pins: Annotated[list[Pin], OneOrMore] = []


Servers = Annotated[
    list[Annotated[WrittenUpstream, shorthand("server")]], OneOrMore, Field(min_length=1, max_length=32)
]


class WrittenUpstreams(Written):
    """`upstreams:` where allowed questions go."""

    servers: Servers | None = None
    zones: Annotated[dict[Text, Servers], Nothing] = {}
    timeout_seconds: Timeout | None = Field(default=None, alias="timeout")


class WrittenListeners(Written):
    """`listeners:` where the gateway answers."""

    dns: Annotated[list[At], OneOrMore, Field(min_length=1, max_length=64)] | None = None
    metrics: AtOrOff = None
    api: AtOrOff = None
    block_page: AtOrOff = None
    block_page_https: AtOrOff = None
    block_page_certificate: Text | None = None
    block_page_key: Text | None = None


class WrittenLimits(Written):
    """`limits:` bounds on what one client may ask and on what is kept."""

    client_queries_per_second: Count | None = None
    client_tcp_connections: Count | None = None
    tcp_connections: Count | None = None
    tcp_idle_seconds: Timeout | None = Field(default=None, alias="tcp_idle")
    pending_questions: Count | None = None
    reply_cache_bytes: Size | None = Field(default=None, alias="reply_cache")
    answer_cache_bytes: Size | None = Field(default=None, alias="answer_cache")
    stale_seconds: Lifetime | None = Field(default=None, alias="stale")
    udp_payload_bytes: Annotated[int, Field(ge=512, le=4096)] | None = Field(default=None, alias="udp_payload")


class WrittenRetention(Written):
    """`retention:` what is recorded and for how long."""

    activity: ActivityLevel | None = None
    activity_days: Annotated[int, Field(ge=1, le=3660)] | None = Field(default=None, alias="days")
    index_generations: Annotated[int, Field(ge=2, le=100)] | None = Field(default=None, alias="generations")
    all_reason: Text | None = Field(default=None, alias="reason")


class WrittenFailModes(Written):
    """`fail_modes:` what happens when there is no usable index."""

    no_index: FailMode | None = None
    reason: Text | None = None


class WrittenPaths(Written):
    """`paths:` where the gateway keeps its files; relative to the folder of the site."""

    state: Text = "state"
    runtime: Text = "runtime"


class WrittenLeaseFile(Written):
    """Where a DHCP server writes its leases."""

    format: Literal["dnsmasq", "isc", "kea"]
    path: Text


class WrittenOverrides(Written):
    """`overrides:` what people may ask to have opened for a while."""

    max_days: Annotated[int, Field(ge=1, le=366)] | None = None
    max_ahead_days: Annotated[int, Field(ge=1, le=366)] | None = None
    break_glass_minutes: Annotated[int, Field(ge=5, le=60)] | None = None
    countersign_hours: Annotated[int, Field(ge=1, le=24)] | None = None
    never: Categories | None = None
    sensitive: Categories | None = None


class WrittenClass(Written):
    """`classes: {id: ...}` a class, and the group whose devices it has."""

    title: Text | None = None
    group: Id


class WrittenPerson(Written):
    """`people: {id: ...}` somebody at the school."""

    name: Text
    roles: Roles
    classes: Ids = []


class WrittenRecipients(Written):
    """`recipients:` who is written to, by the name of a role and by the id of a person."""

    roles: Annotated[dict[Role, MailAddresses], Nothing] = {}
    people: Annotated[dict[Text, MailAddresses], Nothing] = {}


class WrittenMail(Written):
    """`mail:` the mail server that notices go by."""

    host: Host
    sender: MailAddress
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    username: Text | None = None
    password_file: Text | None = None
    ca_file: Text | None = None
    recipients: WrittenRecipients | None = None


class WrittenWebhook(Written):
    """`webhooks: {name: ...}` a program that is told by HTTPS; without `events`, of everything."""

    url: Https
    secret_file: Text
    events: Annotated[list[NoticeKind], OneOrMore, Field(min_length=1)] | None = None
    ca_file: Text | None = None


class WrittenNotifications(Written):
    """`notifications:` who is told what, and when somebody else is."""

    mail: WrittenMail | None = None
    webhooks: Annotated[dict[Id, WrittenWebhook], Nothing] = {}
    escalate_after_seconds: Patience | None = Field(default=None, alias="escalate_after")


class WrittenDevices(Written):
    """`devices:` where names of devices come from."""

    lease_files: Annotated[list[WrittenLeaseFile], OneOrMore] = []
    neighbours: bool = True


class WrittenSite(Written):
    """The whole file; the reader checks by itself that the parts that nobody can guess are there."""

    school: WrittenSchool | None = None
    packs: Annotated[list[Text], OneOrMore] | None = None
    networks: dict[Id, WrittenNetwork] | None = None
    groups: dict[Id, Annotated[WrittenGroup, Nothing]] | None = None
    devices: WrittenDevices | None = None
    calendar: WrittenCalendar | None = None
    schedules: dict[Id, WrittenSchedule] | None = None
    lists: dict[Id, Annotated[WrittenList, shorthand("source")]] | None = None
    rows: dict[Text, Annotated[list[Annotated[WrittenRowSetting, shorthand("tick")]], OneOrMore]] | None = None
    policies: dict[Id, WrittenPolicy] | None = None
    essentials: Annotated[list[Domain], OneOrMore] | None = None
    # By audience or group, then by service; one mode alone is for all services.
    safe_search: dict[Id, Annotated[dict[Text, SafeMode], shorthand(ALL_SERVICES)]] | None = None
    answers: WrittenAnswers | None = None
    upstreams: WrittenUpstreams | None = None
    listeners: WrittenListeners | None = None
    limits: WrittenLimits | None = None
    retention: WrittenRetention | None = None
    fail_modes: WrittenFailModes | None = None
    overrides: WrittenOverrides | None = None
    notifications: WrittenNotifications | None = None
    classes: dict[Id, WrittenClass] | None = None
    people: dict[Id, WrittenPerson] | None = None
    assessment: WrittenAssessment | None = None
    incidents: WrittenIncidents | None = None
    endpoints: WrittenEndpoints | None = None
    media: WrittenMedia | None = None
    paths: WrittenPaths | None = None
    workers: Annotated[int, Field(ge=1, le=64)] | None = None


REQUIRED: Final = ("school", "packs", "networks")
