"""A headless browser for tests, and for the picture in the README: Chromium and its driver."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

CACHE = Path(__file__).resolve().parents[2] / ".cache"
PACKAGES = ("chromium", "chromium-driver")
DRAWING_SECONDS = 60.0


class NoBrowserError(Exception):
    """There is no browser, and none can be installed here."""


@contextmanager
def browser(width: int = 1280, height: int = 1000) -> Iterator[webdriver.Chrome]:
    """A running browser without network. Raises NoBrowserError."""
    program, driver = find_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        f"--window-size={width},{height}",
        "--force-device-scale-factor=1",
        "--hide-scrollbars",
        # A container has no user namespaces for the sandbox, and 64 MB of shared memory.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        # Nothing of the page, and nothing of the browser's own, reaches a network.
        "--proxy-server=127.0.0.1:1",
        "--disable-background-networking",
    ):
        options.add_argument(argument)
    running = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield running
    finally:
        running.quit()


def open_report(running: webdriver.Chrome, path: Path) -> None:
    """Load a report and wait until its figures are drawn."""
    running.get(path.as_uri())
    WebDriverWait(running, DRAWING_SECONDS, poll_frequency=0.05).until(
        lambda each: each.execute_script("return document.documentElement.dataset.drawn")
    )


def find_browser() -> tuple[str, str]:
    """Browser and driver: those of PATH, else installed by apt. Raises NoBrowserError."""
    with _alone():
        found = _found()
        if found is None:
            _install()
            found = _found()
    if found is None:
        raise _none("apt has installed none")
    return found


def _found() -> tuple[str, str] | None:
    # GitHub's machines have a driver for the Chrome that they have.
    drivers = os.environ.get("CHROMEWEBDRIVER")
    pairs = [("google-chrome", shutil.which("chromedriver", path=drivers))] if drivers else []
    pairs.append(("chromium", shutil.which("chromedriver")))
    for name, driver in pairs:
        program = shutil.which(name)
        if program and driver:
            return program, driver
    return None


def _install() -> None:
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    try:
        subprocess.run([*apt, "update"], check=True, capture_output=True)
        install = [*apt, "install", "--yes", "--no-install-recommends", *PACKAGES]
        subprocess.run(install, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise _none(str(error)) from error


def _none(why: str) -> NoBrowserError:
    return NoBrowserError(
        f"no Chromium with its driver: {why}; fix: apt-get install {' '.join(PACKAGES)}"
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Of several processes of one test run, one installs while the others wait."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "browser.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
