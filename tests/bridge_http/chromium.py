"""A real browser without a screen: Debian's Chromium, where it is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
AXE = Path(os.environ.get("AXE_DIR", "nowhere")) / "node_modules" / "axe-core" / "axe.min.js"
"""axe-core, as `npm install --prefix $AXE_DIR axe-core` puts it there."""

needs_chromium = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no Chromium here: `apt-get install chromium chromium-driver`"
)
needs_axe = pytest.mark.skipif(
    not AXE.is_file(), reason="no axe-core here: `npm install --prefix DIR axe-core`, AXE_DIR=DIR"
)

WAIT = 20
"""Seconds in which something that is looked for has to be there: the next view may be on its way."""

WIDTHS = (390, 1280)
"""Pixels: a telephone, a desk."""


@contextmanager
def window(width: int = 1280) -> Iterator[Any]:
    """A window of a width in pixels."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions"):
        options.add_argument(one)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.implicitly_wait(WAIT)
    try:
        resize(driver, width)
        yield driver
    finally:
        driver.quit()


def resize(driver: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def press(driver: Any, text: str, last: bool = False) -> None:
    """Presses a button by its text, and waits for the next view.

    While the view changes, Chromium may answer with an error of its own about the button: it is asked again.
    """
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import staleness_of
    from selenium.webdriver.support.ui import WebDriverWait

    buttons = driver.find_elements(By.CSS_SELECTOR, "main button")
    fitting = [one for one in buttons if " ".join(one.text.split()).startswith(text)]
    assert fitting, [one.text for one in buttons]
    button = fitting[-1 if last else 0]
    button.click()
    WebDriverWait(driver, WAIT, ignored_exceptions=[WebDriverException]).until(staleness_of(button))


def read(driver: Any) -> str:
    """What a person reads."""
    from selenium.webdriver.common.by import By

    return str(driver.find_element(By.TAG_NAME, "main").text)


def faults(driver: Any) -> list[str]:
    """What axe finds that keeps people out."""
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    found = driver.execute_async_script("axe.run().then(arguments[0], error => arguments[0]({fault: String(error)}))")
    assert "fault" not in found, found
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
