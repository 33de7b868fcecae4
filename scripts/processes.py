"""Real `cleave` processes, their embedded databases, and clients that ask them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

TOKEN = "what operators of this shop show, for the length of a test"
PATIENCE = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A `cleave serve` on ports that stay the same when it starts again."""

    def __init__(self, program, folder, *arguments, environment=None):
        self.program, self.folder, self.arguments = program, folder, arguments
        self.public, self.private = free_port(), free_port()
        self.environment = {"PATH": os.environ["PATH"], "CLEAVE__OPS__TOKEN": TOKEN} | (environment or {})
        self.start()

    def command(self, *arguments):
        settings = [
            f"data_dir={self.folder}",
            f"server.public=127.0.0.1:{self.public}",
            f"server.private=127.0.0.1:{self.private}",
            "internal.secret=one secret for both of the processes",
            "auth.secret=another secret for both of the processes",
            "limits.requests_per_second=0",
            "events.max_attempts=1",
        ]
        return [self.program, *arguments, *(word for setting in settings for word in ("--set", setting))]

    def start(self):
        self.log = open(self.folder.parent / f"{self.folder.name}.log", "ab")
        of = {"env": self.environment, "stdout": self.log, "stderr": self.log}
        self.running = subprocess.Popen(self.command("serve", *self.arguments), **of)
        until = time.monotonic() + PATIENCE
        while self.get("/health/ready") != 200:
            if self.running.poll() is not None or time.monotonic() > until:
                self.stop()
                raise AssertionError(f"it does not serve:\n{Path(self.log.name).read_text()}")
            time.sleep(0.1)

    def stop(self):
        self.running.send_signal(signal.SIGTERM)
        self.running.wait(PATIENCE)
        self.log.close()

    def run(self, *arguments):
        subprocess.run(self.command(*arguments), env=self.environment, check=True, capture_output=True)

    def get(self, path):
        try:
            return self.ask("GET", path)[0]
        except OSError:
            return None

    def ask(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.public, timeout=10)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None


def database(folder, module):
    """The embedded database of a module, for other processes on this machine."""
    host = (folder / "pg/running").read_text().strip()
    password = (folder / f"pg/password.{module}").read_text().strip()
    return f"postgres:///{module}_db?host={host}&user={module}_user&password={password}"


def sql(folder, module, statement):
    programs = subprocess.run([Path(__file__).parent / "postgres-bin"], check=True, capture_output=True, text=True)
    psql = Path(programs.stdout.strip()) / "psql"
    subprocess.run([psql, "-Xqv", "ON_ERROR_STOP=1", "-c", statement, database(folder, module)], check=True)


class Clients(threading.Thread):
    """Asks for a little of everything, until it is told to stop."""

    def __init__(self, shop):
        super().__init__(daemon=True)
        self.shop, self.wanted = shop, True
        account = {"email": "reader@example.com", "password": "a long password, for a test"}
        shop.ask("POST", "/api/v1/auth/register", account | {"full_name": "A Reader"})
        _, answer = shop.ask("POST", "/api/v1/auth/login", account)
        self.token = answer["access_token"]
        self.start()

    def run(self):
        while self.wanted:
            for path in ["/products?limit=5", "/products?limit=20", "/orders", "/products", "/auth/me"]:
                try:
                    self.shop.ask("GET", f"/api/v1{path}", token=self.token)
                except OSError:
                    time.sleep(0.2)
                time.sleep(0.01)
