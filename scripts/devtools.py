"""A headless Chromium over its DevTools protocol, with Python's own library only."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), "ArrowRight": (39, ""), "ArrowLeft": (37, "")}


class Browser:
    """One page of a Chromium that remembers nothing."""

    def __init__(self, program="chromium"):
        self.folder = tempfile.mkdtemp(prefix="cleave-browser-")
        theirs_in, self.to = os.pipe()
        self.back, theirs_out = os.pipe()
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={self.folder}", "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip
        # The browser reads requests from 3 and answers on 4.
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "browser", program, *arguments],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.complaints = []
        self.requests = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def close(self):
        self.session = None
        try:
            self.call("Browser.close", patience=5)
        except (OSError, TimeoutError, EOFError):
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # The protocol.

    def call(self, method, patience=60, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + patience
        while True:
            answer = self.read(until)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def read(self, until):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.back], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            got = os.read(self.back, 1 << 20)
            if not got:
                raise EOFError("the browser is gone")
            self.buffer += got
        message, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(message)
        self.note(message)
        return message

    def note(self, message):
        params = message.get("params", {})
        match message.get("method"):
            case "Log.entryAdded":
                entry = params["entry"]
                if entry["level"] in ("error", "warning"):
                    self.complaints.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                thrown = details.get("exception", {}).get("description", "")
                self.complaints.append(f"exception: {details['text']} {thrown}")
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                words = [str(arg.get("value", arg.get("description"))) for arg in params["args"]]
                self.complaints.append(f"console: {' '.join(words)}")
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])

    # What tests do.

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.eventually("the page is there", "document.readyState === 'complete'")

    def js(self, expression):
        """The value of an expression in the page; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def eventually(self, what, expression, patience=30):
        """Looks until the expression is true, and gives its value."""
        until = time.monotonic() + patience
        while True:
            try:
                value = self.js(expression)
            except RuntimeError:
                value = None
            if value:
                return value
            if time.monotonic() > until:
                raise AssertionError(f"never: {what}")
            time.sleep(0.05)

    def press(self, key, shift=False):
        code, text = KEYS[key]
        of = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **of)
        self.call("Input.dispatchKeyEvent", type="keyUp", **of)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def drag(self, start, *further):
        """Holds the pointer at a place, moves it on, and lets go."""
        of = {"button": "left", "clickCount": 1}
        x, y = start
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **of)
        for x, y in further:
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, **of)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, **of)

    def look(self, width, height=900, dark=False, scale=1):
        """The window's size, and what the system prefers."""
        mobile = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def photograph(self, path, whole=True):
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **self.extent(whole))
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def extent(self, whole):
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
