"""Look at the built site in a browser, and fail on what a reader would stumble over.

``python docs/look.py docs/_build/html docs/_look`` opens every page in headless Chromium at 1280
and 390 pixels, in light and in dark colours, and writes screenshots. It fails on pages that scroll
sideways, on errors of the console, on pictures that do not load, on links within the site that lead
nowhere, and on anything that is fetched from elsewhere. ``--only TEXT`` looks at the pages whose
path contains the text.

Chromium comes from the distribution (Debian: ``apt-get install chromium``). It is driven through a
pair of pipes, so that no further package is needed.
"""

from __future__ import annotations

import argparse
import base64
import functools
import http.server
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlparse

WIDTHS = (1280, 390)
TALLEST = 8000  # pixels of a screenshot
NAMES = ("chromium", "chromium-browser", "google-chrome")
SKIPPED = ("_static", "_modules", "_sources")
CHECKS = """
(async () => {
  for (const image of document.images) {
    image.loading = "eager";
    await image.decode().catch(() => null);
  }
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  const scrolls =
    ".pst-scrollable-table-container, .genindextable, .highlight, .math, figure, dialog";
  const culprits = [...document.querySelectorAll("main *")]
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
    .filter(e => e.checkVisibility() && !e.closest(scrolls))
    .slice(0, 3).map(e => `${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 40)}"`);
  return {
    wide, culprits, height: document.documentElement.scrollHeight,
    images: [...document.images].filter(i => !i.naturalWidth).map(i => i.src),
  };
})()
"""


class Links(HTMLParser):
    """Collects the links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link or an anchor."""
        for name, value in attrs:
            if value is not None and name in ("href", "src") and tag != "link":
                self.links.append(value)
            if value is not None and name in ("id", "name"):
                self.anchors.add(value)


class Browser:
    """A headless Chromium that is spoken to by JSON through pipes."""

    def __init__(self, program: str, profile: str) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        flags = "--headless=new --no-sandbox --disable-gpu --hide-scrollbars --mute-audio"
        command = (
            f"exec {program} {flags} --no-first-run --disable-background-networking "
            f"--user-data-dir={profile} --remote-debugging-pipe 3<&{to_read} 4>&{to_write}"
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(to_read, to_write), stderr=subprocess.DEVNULL
        )
        os.close(to_read)
        os.close(to_write)
        self._numbers, self._unread = itertools.count(1), b""
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            part = os.read(self._read, 1 << 16)
            if not part:
                sys.exit("the browser has ended")
            self._unread += part
        message, self._unread = self._unread.split(b"\0", 1)
        return json.loads(message)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the browser, and return its result; events are kept."""
        number = next(self._numbers)
        call: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._write, json.dumps(call).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == number:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, address: str) -> None:
        """Open a page, and wait until it is loaded."""
        self.events.clear()
        self.send("Page.navigate", url=address)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._message())

    def evaluate(self, expression: str) -> Any:
        """Return the value of a promise of the page."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        return answer["result"].get("value")

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait()


def complaints(events: list[dict[str, Any]], own: str) -> Iterator[str]:
    """Yield errors of the console, and requests to other places."""
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            yield f"exception: {parameters['exceptionDetails'].get('text')}"
        if method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            yield f"console: {[part.get('value') for part in parameters['args']]}"
        if method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            yield f"console: {parameters['entry']['text']} {parameters['entry'].get('url', '')}"
        if method == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if not url.startswith((own, "data:", "blob:")):
                yield f"fetches {url}"


def broken_links(folder: Path, pages: list[Path]) -> Iterator[str]:
    """Yield the links within the site that lead nowhere."""
    parsed = {page.resolve(): Links(page.read_text(encoding="utf-8")) for page in pages}
    for page, found in parsed.items():
        for link in found.links:
            if urlparse(link).scheme or link.startswith("//"):
                continue
            path, anchor = urldefrag(urljoin(page.as_uri(), link))
            target = Path(unquote(urlparse(path).path))
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                yield f"{page.relative_to(folder)}: {link} leads nowhere"
            elif anchor and target in parsed and unquote(anchor) not in parsed[target].anchors:
                yield f"{page.relative_to(folder)}: {link} has no such anchor"


def look_at(browser: Browser, address: str, own: str, picture: Path, width: int) -> list[str]:
    """Open a page at a width, write its screenshot, and return what is wrong."""
    browser.send(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    browser.open(address)
    seen = browser.evaluate(CHECKS)
    wrong = list(complaints(browser.events, own))
    if seen["wide"] > 0 or seen["culprits"]:
        wrong.append(f"wider than the window ({seen['wide']} pixels): {seen['culprits']}")
    wrong += [f"picture missing: {image}" for image in seen["images"]]
    clip = {"x": 0, "y": 0, "width": width, "height": min(seen["height"], TALLEST), "scale": 1}
    shot = browser.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    picture.write_bytes(base64.b64decode(shot["data"]))
    return wrong


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the site without a word."""

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def main() -> int:
    """Look at all pages; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--only", default="", help="look at pages whose path contains this text")
    arguments = parser.parse_args()
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        sys.exit("no Chromium found; install it (Debian: apt-get install chromium)")
    folder = arguments.site.resolve()
    pages = [
        page
        for page in sorted(folder.rglob("*.html"))
        if page.parts[len(folder.parts)] not in SKIPPED
    ]
    arguments.pictures.mkdir(parents=True, exist_ok=True)
    looked_at = [page for page in pages if arguments.only in page.relative_to(folder).as_posix()]
    wrong = list(broken_links(folder, pages))
    handler = functools.partial(Quiet, directory=str(folder))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        own = f"http://127.0.0.1:{server.server_port}/"
        browser = Browser(program, profile)
        try:
            for page in looked_at:
                path = page.relative_to(folder).as_posix()
                for width, colour in itertools.product(WIDTHS, ("light", "dark")):
                    scheme = {"name": "prefers-color-scheme", "value": colour}
                    browser.send("Emulation.setEmulatedMedia", features=[scheme])
                    name = path.removesuffix(".html").replace("/", "-")
                    picture = arguments.pictures / f"{name}-{width}-{colour}.png"
                    found = look_at(browser, own + path, own, picture, width)
                    wrong += [f"{path} at {width}, {colour}: {what}" for what in found]
        finally:
            browser.close()
            server.shutdown()
    print("\n".join(wrong) or f"{len(looked_at)} pages, nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
