"""The example site that ships with the product, commented, which runs as it is."""

from importlib.resources import files
from pathlib import Path

from rules.errors import ConfigurationError, Problem


def example_text() -> str:
    """Give the text of the example."""
    return (files("agent") / "data" / "example_site.yaml").read_text(encoding="utf-8")


def write_example(folder: Path) -> Path:
    """Write the example as `site.yaml` into a folder, which is made if need be.

    Raises:
        ConfigurationError: a site is there already, or the folder cannot be written.
    """
    site = folder / "site.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with site.open("x", encoding="utf-8") as file:
            file.write(example_text())
    except FileExistsError as error:
        found = "a site" if site.exists() else "a file"
        raise ConfigurationError((Problem(str(error.filename), found, "a folder without a site.yaml"),)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError((Problem(str(folder), reason, "a folder that can be written"),)) from None
    return site
