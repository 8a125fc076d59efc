"""A headless browser, driven by the WebDriver protocol: what an operator sees, and the pictures in the docs."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.live.dagster_api import until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The protocol's own name of an element's id."""
DRIVER = shutil.which("chromedriver")
BROWSER = shutil.which("chromium")


class Browser:
    """One window."""

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, address: str, *shows: str) -> None:
        """Go to a page and wait until it shows some texts."""
        self._post("url", url=address)
        for text in shows:
            self.wait_for(text)

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Wait until the page shows a text."""
        until(
            lambda: text in self.text(), seconds, f"the page to show {text!r}; it shows: {self.text()[:1500]}"
        )

    def text(self) -> str:
        """All that can be read on the page."""
        return str(self._post("execute/sync", script="return document.body.innerText", args=[]))

    def click(self, xpath: str) -> None:
        """Click what is found once it can be clicked."""

        def clicked() -> bool:
            found = self._post("elements", using="xpath", value=xpath)
            if not found:
                return False
            answer = requests.post(f"{self._session}/element/{found[0][ELEMENT]}/click", json={}, timeout=30)
            return answer.ok

        until(clicked, 20, f"{xpath} to be clicked")

    def show(self, xpath: str) -> None:
        """Scroll until what is found stands at the top."""
        script = (
            "document.evaluate(arguments[0], document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null)"
            ".singleNodeValue.scrollIntoView({block: 'start'})"
        )
        self._post("execute/sync", script=script, args=[xpath])

    def shoot(self, path: Path) -> None:
        """A picture of the window, once it has come to rest."""
        time.sleep(1.5)
        answer = requests.get(f"{self._session}/screenshot", timeout=30).json()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(answer["value"]))

    def _post(self, command: str, **body: object) -> Any:
        answer = requests.post(f"{self._session}/{command}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()["value"]


@contextmanager
def browser(port: int, width: int = 1240, height: int = 820) -> Iterator[Browser]:
    """A browser for as long as the block lasts."""
    assert DRIVER is not None
    assert BROWSER is not None
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(address), 20, "chromedriver")
        options = {
            "binary": BROWSER,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},{height}"],
        }
        wish = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        session = requests.post(f"{address}/session", json=wish, timeout=60).json()["value"]["sessionId"]
        try:
            yield Browser(f"{address}/session/{session}")
        finally:
            requests.delete(f"{address}/session/{session}", timeout=30)
    finally:
        driver.terminate()
        driver.wait(timeout=10)


def _answers(address: str) -> bool:
    try:
        return bool(requests.get(f"{address}/status", timeout=2).json()["value"]["ready"])
    except (requests.RequestException, ValueError):
        return False
