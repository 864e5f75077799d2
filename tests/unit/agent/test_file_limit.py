"""A shell's usual limit of open files does not come in the way."""

import subprocess
import sys

from parts import need


def test_a_process_opens_as_many_files_as_the_system_allows() -> None:
    program = (
        "import resource; from agent.file_limit import raise_file_limit; raise_file_limit();"
        " print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    command = [need("prlimit"), "--nofile=64:128", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["128", "128"]
