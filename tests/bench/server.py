"""What the bench needs to know of a server to compare it."""

import re
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from processes import BenchError


def free_port() -> int:
    """Find a port that is free for UDP and TCP at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server(ABC):
    """One program in one configuration, with its files in a folder and its processes on cores of its own."""

    name: str
    program: str
    package: str
    # What the command line of the process that answers queries contains.
    worker_mark = ""
    core_count = 1

    def __init__(self, folder: Path, upstream_port: int, cores: str) -> None:
        self.folder = folder
        self.cores = cores
        self.upstream_port = upstream_port
        self.port = free_port()
        self.control_port = free_port()

    @classmethod
    def is_installed(cls) -> bool:
        return cls.find_program() is not None

    @classmethod
    def find_program(cls) -> str | None:
        """Find it where root looks too: daemons live in /usr/sbin, which is seldom on a user's path."""
        return shutil.which(cls.program) or shutil.which(cls.program, path="/usr/sbin:/sbin")

    def executable(self) -> str:
        return self.find_program() or self.program

    def version(self) -> str:
        """What the program says that it is, numbers only."""
        command = [self.executable(), self.version_option()]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        found = re.search(r"\d+\.\d+(?:\.\d+)?\S*", said.stdout + said.stderr)
        return found[0].rstrip(",") if found else "?"

    def version_option(self) -> str:
        return "--version"

    @abstractmethod
    def prepare(self) -> Sequence[str]:
        """Write the configuration, do what an installation has done before it starts, and return the command."""

    @abstractmethod
    def write_list(self, names: Sequence[str]) -> None:
        """Write the list in the server's own format; replaced by rename where it exists."""

    @abstractmethod
    def reload(self) -> None:
        """Make the running server take the list that was written last."""

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="ascii")
        fresh.replace(path)
        return path

    def _run(self, *command: str) -> None:
        """Run a control command where the server runs: what it costs is part of the server's work."""
        pinned = ["taskset", "-c", self.cores, *command]
        try:
            done = subprocess.run(pinned, capture_output=True, text=True, check=False, timeout=120, cwd=self.folder)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name}: {command[0]} did not end within 120 s") from None
        if done.returncode != 0:
            raise BenchError(f"{self.name}: {command[0]} failed: {(done.stdout + done.stderr).strip()[-300:]}")
