"""Programs for Node that tests run beside the application: from the folder that is given, else installed from npm once."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

GIVEN: Final = "CITYOS_TEST_NODE_MODULES"
PACKAGES: Final = ("cerbos@0.51.0", "oidc-provider@9.13.3")
INSTALL_TIMEOUT_S: Final = 45


class NotInstalled(Exception):  # noqa: N818  it is what the packages are
    """The packages are not to be had, and why."""


def is_available() -> bool:
    """True if there is Node on this machine, and either the packages or something to install them with."""
    return shutil.which("node") is not None and (GIVEN in os.environ or shutil.which("npm") is not None)


def modules(kept: Path) -> Path:
    """Give the folder ``node_modules`` with the packages: the one that is given, else one that is kept between runs."""
    given = os.environ.get(GIVEN)
    if given:
        return Path(given)
    folder = kept / "-".join(package.replace("@", "-") for package in PACKAGES)
    if not folder.is_dir():
        with TemporaryDirectory(dir=kept, prefix="new-") as new:
            _install(Path(new))
            with suppress(OSError):  # another worker was quicker
                (Path(new) / "packages").rename(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    place = folder / "packages"
    place.mkdir()
    quietly = ("--no-audit", "--no-fund", "--no-save", "--fetch-retries=0", "--loglevel=error")
    install = [str(shutil.which("npm")), "install", *quietly, "--prefix", str(place), *PACKAGES]
    try:
        done = subprocess.run(install, check=False, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"npm took longer than {INSTALL_TIMEOUT_S} s") from None
    if done.returncode:
        raise NotInstalled(f"npm failed: {(done.stderr or done.stdout).strip().splitlines()[:1]}")
