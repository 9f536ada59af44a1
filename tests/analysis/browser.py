"""A headless Chromium spoken to over its debugging pipe: what a page asks of the network, says on the console, and how wide it is."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --remote-debugging-pipe --window-size=1280,900"
)


class Browser:
    """One tab of a Chromium of our own; closed with its context."""

    def __init__(self, program: str, profile: Path, patience: float = 60.0) -> None:
        to_read, to_write = os.pipe(), os.pipe()
        inside, outside = to_read[0], to_write[1]
        command = f'exec "$0" {FLAGS} --user-data-dir="$1" about:blank 3<&{inside} 4>&{outside} 2>/dev/null'
        self.process = subprocess.Popen(["/bin/bash", "-c", command, program, str(profile)], pass_fds=(inside, outside))
        os.close(inside)
        os.close(outside)
        self.sending, self.receiving = os.fdopen(to_read[1], "wb", 0), to_write[0]
        self.number, self.held, self.events, self.patience = 0, b"", [], patience
        targets = self.ask("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **values: Any) -> Any:
        """Ask something of the tab."""
        return self.ask(method, self.session, **values)

    def ask(self, method: str, session: str | None = None, **values: Any) -> Any:
        """Send a command and wait for its answer; events met on the way are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": values, **({"sessionId": session} if session else {})}
        self.sending.write(json.dumps(message).encode() + b"\0")
        for found in self._messages():
            if found.get("id") == self.number:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']['message']}")
                return found["result"]
            self.events.append(found)
        raise TimeoutError(f"Chromium did not answer {method} within {self.patience} s")

    def open(self, page: Path) -> None:
        """Load a page and wait until it is there."""
        self.events.clear()
        self.tell("Page.navigate", url=page.as_uri())
        if not any(found.get("method") == "Page.loadEventFired" for found in self.events):
            for found in self._messages():
                self.events.append(found)
                if found.get("method") == "Page.loadEventFired":
                    break

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self.tell("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def resize(self, width: int, *, dark: bool = False) -> None:
        """Give the page a width in CSS pixels and a colour scheme."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])

    def requests(self) -> list[str]:
        """Addresses asked for since the page was opened, data URIs aside."""
        asked = [found["params"]["request"]["url"] for found in self.events if found.get("method") == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith("data:")]

    def complaints(self) -> list[str]:
        """What the page said on the console or the browser logged."""
        names = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(found["params"]) for found in self.events if found.get("method") in names]

    def _messages(self) -> Iterator[dict[str, Any]]:
        import select

        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            while b"\0" in self.held:
                message, self.held = self.held.split(b"\0", 1)
                yield json.loads(message)
            if select.select([self.receiving], [], [], 1.0)[0]:
                self.held += os.read(self.receiving, 1 << 20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.sending.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.receiving)


@contextmanager
def opened(program: str, profile: Path, page: Path) -> Iterator[Browser]:
    """A browser with a page open."""
    with Browser(program, profile) as browser:
        browser.open(page)
        yield browser
