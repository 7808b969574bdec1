"""Headless Chromium for tests, and for the picture in the README."""

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
        # Neither the page nor the browser can reach a network.
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
        lambda driver: driver.execute_script("return document.documentElement.dataset.drawn")
    )


def find_browser() -> tuple[str, str]:
    """Browser and driver from PATH, else installed by apt. Raises NoBrowserError."""
    with _lock():
        programs = _find()
        if programs is None:
            _install()
            programs = _find()
    if programs is None:
        raise _no_browser_error("apt has installed none")
    return programs


def _find() -> tuple[str, str] | None:
    # GitHub's machines have Chrome with a matching driver.
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
        raise _no_browser_error(str(error)) from error


def _no_browser_error(why: str) -> NoBrowserError:
    return NoBrowserError(
        f"no Chromium with its driver: {why}; fix: apt-get install {' '.join(PACKAGES)}"
    )


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process of a test run install the browser while the others wait."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "browser.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
