"""`schoolgate packs`: what the policies say as the product works with them, what looks odd, and what is met how."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands.cli_options import DEFAULT_SITE, JsonOption, group_of_commands, load, print_json, say, told, usage

if TYPE_CHECKING:
    from agent.sites.site import Site
    from agent.sites.site_packs import Packs
    from agent.texts import Texts
    from rules.policy_pack import Pack
    from rules.roles import Role

packs = group_of_commands(
    "The policies of the school: who has a task, what is done by when, and what the product meets."
)

PackArgument = Annotated[
    str | None, typer.Argument(metavar="[PACK|FILE]", help="A pack by its name, or a file with one of your own.")
]
OptionalSite = Annotated[
    Path | None,
    typer.Option("--site", help="The site file; its packs if it is given or there is one.", envvar="SCHOOLGATE_SITE"),
]
LanguageOption = Annotated[
    str | None, typer.Option("--language", help="en, fr, nl or ja; that of the site, or of the pack, if not given.")
]


@packs.command("show")
def show(
    pack: PackArgument = None,
    *,
    site: OptionalSite = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a policy as people read it; without a name, which there are and where they disagree."""
    from agent.packs.pack_overview import render_overview
    from agent.packs.pack_plain import as_plain
    from agent.packs.pack_text import render_pack

    with told():
        school = _site(site)
        found = _packs(school, pack)
        chosen = _chosen(found, pack, school)
        if as_json:
            print_json([as_plain(each) for each in chosen])
        elif pack is None:
            texts = _texts(language, school)
            typer.echo(render_overview(found, texts, is_of_a_school=school is not None), nl=False)
        else:
            for each in chosen:
                texts = _texts(language, school, each)
                typer.echo(render_pack(each, texts, replaced=found.replaced), nl=False)


@packs.command("lint")
def lint(
    pack: PackArgument = None,
    *,
    site: OptionalSite = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what looks odd: rows without action, staff treated more gently, repeats without a warning, vacant roles."""
    from agent.packs.pack_findings import spell_finding
    from agent.sites.site_packs import is_path
    from rules.pack_lint import lint as lint_pack

    with told():
        school = _site(site)
        held = None if school is None else _roles_held(school)
        found = _packs(school, pack)
        # What a file of one's own makes odd may stand in a table that it lies over.
        is_own = pack is not None and is_path(pack)
        looked_at = found.packs if is_own else _chosen(found, pack, school)
        known = _packs(None, None).packs if is_own else ()
        before = [finding for each in known for finding in lint_pack(each, held=held)]
        findings = [
            {
                "where": finding.where,
                "code": finding.code,
                "sentence": spell_finding(finding, _texts(language, school, each)),
            }
            for each in looked_at
            for finding in lint_pack(each, held=held)
            if finding not in before
        ]
        texts = _texts(language, school, looked_at[0] if len(looked_at) == 1 else None)
    if as_json:
        print_json(findings)
    else:
        for each in findings:
            say(f"{each['where']}: {each['sentence']}")
        if held is None:
            say(texts.gettext("No people are known here, so roles that nobody holds were not looked for."), err=True)
        if not findings:
            say(texts.gettext("Nothing looks odd."))
    if findings:
        raise typer.Exit(1)


@packs.command("coverage")
def coverage(
    pack: PackArgument = None,
    *,
    site: OptionalSite = None,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what becomes of each requirement: the product enforces, logs, measures or reminds, or people do it."""
    from agent.packs.pack_coverage import coverage_as_plain, explain_means, render_coverage

    with told():
        school = _site(site)
        chosen = _chosen(_packs(school, pack), pack, school)
        covered = [each for each in chosen if each.handbook.coverage]
        if as_json:
            print_json(coverage_as_plain(covered))
            return
        texts = _texts(language, school, chosen[0] if len(chosen) == 1 else None)
        if not covered:
            say(texts.gettext("This pack names no requirements."))
            return
        for each in covered:
            typer.echo(render_coverage(each, _texts(language, school, each)))
        typer.echo(explain_means(texts), nl=False)


def _site(path: Path | None) -> "Site | None":
    """Read the site that is named, or the one of this machine where there is one."""
    if path is not None:
        return load(path)
    return load(DEFAULT_SITE) if DEFAULT_SITE.is_file() else None


def _packs(site: "Site | None", name: str | None) -> "Packs":
    """Give the packs of the site, or all that come with the product; a file that is named lies over them."""
    from agent.sites.site_packs import Packs, is_path, lay, load_pack, packs_of, shipped_packs

    found = Packs(tuple(map(load_pack, shipped_packs()))) if site is None else packs_of(site)
    if name is None or not is_path(name):
        return found
    if any(path.resolve() == Path(name).resolve() for path in found.own.values()):
        return found
    shipped = [each for each in found.packs if each.id not in found.own]
    return lay(shipped, {name: Path(name)})


def _chosen(found: "Packs", name: str | None, site: "Site | None") -> "Sequence[Pack]":
    """Give the packs that are meant: all of them, or the one with a name or in a file."""
    from agent.sites.site_packs import is_path, load_pack, shipped_packs
    from rules.document import suggest

    if name is None:
        return found.packs
    if is_path(name):
        of_file = {pack for pack, path in found.own.items() if path.resolve() == Path(name).resolve()}
        return [each for each in found.packs if each.id in of_file]
    chosen = [each for each in found.packs if each.id == name]
    if not chosen and site is not None and name in shipped_packs():
        return [load_pack(name)]
    if not chosen:
        known = sorted({*shipped_packs(), *(each.id for each in found.packs)})
        raise usage("PACK", f"the pack {name}", suggest(name, known, "a file, or one of"))
    return chosen


def _texts(language: str | None, site: "Site | None", pack: "Pack | None" = None) -> "Texts":
    from agent.texts import load_texts
    from rules.category import LANGUAGES

    if language is not None and language not in LANGUAGES:
        raise usage("--language", f"'{language}'", "one of " + ", ".join(LANGUAGES))
    return load_texts(language or (site.school.language if site else pack.language if pack else "en"))


def _roles_held(site: "Site") -> "Collection[Role] | None":
    """Give the roles that people of this school hold: those on record, or those whom the site names."""
    from agent.assembly import STATE_NAME
    from agent.people.people import read_people
    from agent.storage.state import is_begun, read_only
    from rules.errors import StorageError
    from rules.roles import Role

    path = Path(site.paths.state) / STATE_NAME
    try:
        if is_begun(path):
            with read_only(path) as database:
                people = [each for each in read_people(database) if not each.closed]
            if people:
                return {role for each in people for role in each.roles}
    except (StorageError, OSError) as error:
        say(f"warning: {error}", err=True)
    named = site.private.people
    return None if named is None else {Role(role) for each in named.values() for role in each.roles}
