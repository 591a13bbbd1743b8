"""A headless browser that opens a page from disk and records errors and requests."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60


@contextmanager
def opened(page: Path, dark: bool = False, width: int = 1280, height: int = 1600) -> Iterator[Any]:
    """Open a page, wait until its scripts have run, and close the browser at the end."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed (Debian: chromium, chromium-driver)")
    from selenium import webdriver
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chrome.get(page.resolve().as_uri())
        ready = "return document.documentElement.dataset.ready"
        WebDriverWait(chrome, SECONDS).until(lambda one: one.execute_script(ready))
        yield chrome
    finally:
        chrome.quit()


def requests(chrome: Any) -> set[str]:
    """Return the addresses of all requests since the last call, without data that are part of the page."""
    messages = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    sent = (message["params"] for message in messages if message["method"] == "Network.requestWillBeSent")
    urls = {parameters["request"]["url"] for parameters in sent}
    return {url for url in urls if not url.startswith(("data:", "blob:"))}


def errors(chrome: Any) -> list[str]:
    """Return warnings and errors in the console of the browser."""
    return [entry["message"] for entry in chrome.get_log("browser")]
