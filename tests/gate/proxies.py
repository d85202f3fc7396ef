"""A real nginx and a real Caddy with the configuration that the documentation shows, and a service behind them."""

import contextlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.gate.house import answers, end, free_port, waited

DOCS = Path(__file__).parents[2] / "docs" / "gate.md"


def recipe(language: str, containing: str = "") -> str:
    """A block of code of the documentation."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    [found] = [block for block in blocks if containing in block]
    return str(found)


class Echo(BaseHTTPRequestHandler):
    """A service that tells what it sees: every header line, as it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = {"path": self.path, "headers": [[name, value] for name, value in self.headers.items()]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def service() -> Iterator[int]:
    """A service on a free port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def nginx(folder: Path, gate: str, behind: int) -> Iterator[int]:
    """nginx before a gate, which is named as nginx names servers."""
    port = free_port()
    told = recipe("nginx").replace("listen 80;", f"listen 127.0.0.1:{port};")
    told = told.replace("server 127.0.0.1:8420;", f"server {gate};").replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
    for part in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (folder / part).mkdir()
    temporary = "".join(f"{part}_temp_path {folder}/{part};" for part in ("proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log {folder}/access.log;"
        f"client_body_temp_path {folder}/body; {temporary}\n{told}}}"
    )
    with _running(["nginx", "-p", str(folder), "-c", str(config), "-e", f"{folder}/error.log"], folder, port):
        yield port


@contextlib.contextmanager
def caddy(folder: Path, gate: str, behind: int) -> Iterator[int]:
    """Caddy before a gate."""
    port = free_port()
    told = recipe("caddy").replace(":80 {", f"http://127.0.0.1:{port} {{")
    told = told.replace("127.0.0.1:8420", gate).replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
    config = folder / "Caddyfile"
    config.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{told}")
    with _running(["caddy", "run", "--config", str(config), "--adapter", "caddyfile"], folder, port):
        yield port


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    environ = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "talk").open("wb") as talk:
        process = subprocess.Popen(command, env=environ, stdout=talk, stderr=talk)
    try:

        def listening() -> bool:
            assert process.poll() is None, (folder / "talk").read_text()
            return answers(port)

        waited(listening, command[0])
        yield
    finally:
        end(process)
