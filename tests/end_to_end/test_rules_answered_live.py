"""The rules at a laptop: shown once a version, in the language of the session, and answered on the record."""

import signal
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from conftest import RunningGateway, wait_until
from laptop_of_story import SECONDS, LaptopOfStory, enrolled
from linux_tree_of_test import LinuxTree
from parts import need_root
from signed_in import Staff

from rules.roles import Role

WHY = "The rules of this year."
# A desktop on which somebody presses what the file beside it says.
NOTIFY = '#!/bin/sh\nprintf "%s\\n" "$@" >> {folder}/shown\ncat {folder}/pressed\n'


def test_somebody_declines_and_accepts_the_next_version(own_gateway: RunningGateway, tmp_path: Path) -> None:
    need_root()
    written = own_gateway.site.read_text()
    own_gateway.site.write_text(
        written + 'endpoints: {aup: "2026-09", register: "https://it.school.example/rules"}\n'
    )
    # Whoever runs the tests is who the kernel says that asks.
    staff = Staff.of(own_gateway, nadia=Role.NETWORK_MANAGER, hanna=Role.HEAD_TEACHER, root=Role.TEACHER)
    desktop = tmp_path / "desktop"
    desktop.mkdir()
    (desktop / "notify-send").write_text(NOTIFY.format(folder=desktop))
    (desktop / "notify-send").chmod(0o755)
    with ExitStack() as ends:
        folder = tmp_path / "laptop"
        folder.mkdir(mode=0o700)
        laptop = LaptopOfStory(folder, LinuxTree(folder / "tree"), ends)
        own_gateway.start()
        staff.wait_for_interface()
        client = ends.enter_context(staff.client("nadia"))
        device = enrolled(laptop, own_gateway, client)
        head = ends.enter_context(staff.client("hanna"))

        def version() -> str:
            return str((laptop.status() or {"policy": {"aup_version": ""}})["policy"]["aup_version"])

        def press(button: str) -> str:
            """Let the helper look twice, and somebody press a button; gives what was shown."""
            (desktop / "pressed").write_text(button)
            (desktop / "shown").write_text("")
            for _ in range(2):
                path = f"{desktop}:/usr/bin:/bin"
                looked = laptop.command("helper", "--once", PATH=path, LANGUAGE="", LC_ALL="", LANG="fr_FR.UTF-8")
                assert looked.returncode == 0, looked.stderr
            return (desktop / "shown").read_text()

        def rows(**more: str) -> list[tuple[str, str, bool, str, str]]:
            told = head.get("/registers/rules", {"purpose": WHY, **more})["items"]
            names = ("person", "version", "is_accepted", "laptop", "language")
            return [tuple(item[name] for name in names) for item in told]

        wait_until(lambda: version() == "2026-09", seconds=SECONDS)
        shown = press("decline\n")
        assert (shown.count("Acceptez-vous"), shown.count("2026-09")) == (1, 1), "the second time it is not asked"
        assert "https://it.school.example/rules" in shown
        wait_until(rows, seconds=SECONDS)
        assert rows(with_names="true") == [("Root", "2026-09", False, device, "fr")]
        assert press("accept\n") == ""

        own_gateway.change('aup: "2026-09"', 'aup: "2027-01"')
        assert own_gateway.process is not None
        own_gateway.process.send_signal(signal.SIGHUP)
        # A laptop learns of a version with the answer to what it tells.
        wait_until(lambda: version() == "2027-01", seconds=120)
        assert "2027-01" in press("accept\n")
        wait_until(lambda: len(rows()) == 2, seconds=SECONDS)
        assert rows(with_names="true")[0] == ("Root", "2027-01", True, device, "fr")

        staff.remember("hanna")
        said = staff.run("hanna", "register", "show", "rules", "--purpose", WHY, "--with-names").stdout
        assert [line.split()[1] for line in said.splitlines()[2:]] == ["Root", "Root"], said
        assert staff.people["root"] not in str(rows())
        with closing(sqlite3.connect(f"file:{staff.state}?mode=ro", uri=True)) as database:
            assert database.execute("SELECT count(*) FROM incidents").fetchone() == (0,)
        assert laptop.stop() < 5
