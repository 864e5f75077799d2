"""Recorded computers for tests: a folder that stands for the file tree, and programs that say as they are told."""

from collections.abc import Mapping
from pathlib import Path

from collectors.machine import Machine, Output
from collectors.windows_settings import Value

NOW = 1_700_000_000.0


def recorded(
    folder: Path,
    files: Mapping[str, str] | None = None,
    programs: Mapping[tuple[str, ...], Output | str] | None = None,
    *,
    platform: str = "linux",
) -> Machine:
    """Write a computer: its files by their place, and what its programs say by how they are started."""
    folder.mkdir(exist_ok=True)
    for place, text in (files or {}).items():
        path = folder / place.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    said = dict(programs or {})

    def run(command: tuple[str, ...], _seconds: float) -> Output:
        answer = said.get(command, Output(None, why=f"could not start {command[0]}"))
        return Output(0, answer.encode()) if isinstance(answer, str) else answer

    return Machine(folder, programs=run, wall=lambda: NOW, monotonic=lambda: 0.0, platform=platform)


class RecordedWindows:
    """A registry by the whole path of each value, what the Security Center says, and the rules for passwords."""

    def __init__(
        self,
        registry: dict[str, Value] | None = None,
        health: dict[int, int] | None = None,
        rules: tuple[int, int, int] | None = None,
    ) -> None:
        self.values, self.health, self.rules = registry or {}, health or {}, rules

    def registry(self, hive: str, key: str, name: str) -> Value:
        return self.values.get(rf"{hive}\{key}\{name}")

    def subkeys(self, hive: str, key: str) -> tuple[str, ...] | None:
        inside = f"{hive}\\{key}\\"
        below = [each.removeprefix(inside).split("\\") for each in self.values if each.startswith(inside)]
        return tuple(dict.fromkeys(parts[0] for parts in below if len(parts) > 1)) if below else None

    def security_health(self, provider: int) -> int | None:
        return self.health.get(provider)

    def password_rules(self) -> tuple[int, int, int] | None:
        return self.rules
