"""A headless chromium, driven over its debugging pipe: messages are JSON ended by NUL. No library, no port."""

import json
import os
import signal
import subprocess
import threading
import time

PATIENCE = 60
OPTIONS = ("--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync "
           "--disable-dev-shm-usage --hide-scrollbars --window-size=1300,1000 --remote-debugging-pipe").split()


class Browser:
    def __init__(self, folder):
        to_browser, self.sending = os.pipe()
        self.receiving, from_browser = os.pipe()

        def place():
            # The pipe's ends must be 3 and 4; both are moved out of the way first.
            reading, writing = os.dup2(to_browser, 40), os.dup2(from_browser, 41)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(["chromium", *OPTIONS, f"--user-data-dir={folder}", "about:blank"], preexec_fn=place, close_fds=False,
                                        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.events, self.answers, self.count, self.buffer, self.session = [], {}, 0, b"", None
        page = next(each for each in self.send("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Network", "Log":
            self.send(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.buffer:
            part = os.read(self.receiving, 1 << 20)
            assert part, "chromium is gone"
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(message)
        if "id" in message:
            self.answers[message["id"]] = message
        else:
            self.events.append(message)

    def send(self, method, **params):
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        self.count += 1
        message = {"id": self.count, "method": method, "params": params, **({"sessionId": self.session} if self.session else {})}
        os.write(self.sending, json.dumps(message).encode() + b"\0")
        while self.count not in self.answers:
            self.read()
        watchdog.cancel()
        answer = self.answers.pop(self.count)
        assert "error" not in answer, answer
        return answer["result"]

    def named(self, method):
        return [each["params"] for each in self.events if each["method"] == method]

    def open(self, file):
        """Loads a file; what was recorded before is forgotten."""
        self.events.clear()
        self.send("Page.navigate", url=f"file://{file}")
        end = time.monotonic() + PATIENCE
        while not self.loaded() and time.monotonic() < end:
            time.sleep(0.02)
        assert self.loaded(), "the page was not loaded"

    def loaded(self):
        """The load event of the blank page at the start may come late: it does not count."""
        there = self.run("document.URL.startsWith('file:') && document.readyState === 'complete'")
        return there and self.named("Page.loadEventFired")

    def run(self, expression):
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def requests(self):
        return [each["request"]["url"] for each in self.named("Network.requestWillBeSent")]

    def complaints(self):
        """What the console got: errors of scripts and violations of the policy."""
        return [each["entry"]["text"] for each in self.named("Log.entryAdded")] + self.named("Runtime.exceptionThrown")

    def press(self, key):
        for kind in "keyDown", "keyUp":
            self.send("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.sending)
        os.close(self.receiving)
