"""Where the daemon's metrics go: a file for node_exporter, and a port on this machine."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from daemon.exposition import CONTENT_TYPE

LOOPBACK: Final = "127.0.0.1"


def write_metrics_file(path: Path, text: str) -> None:
    """Replaces the file at once, so that no collector reads half of it. Raises OSError."""
    with suppress(FileExistsError):  # if it is no directory, writing says so
        path.parent.mkdir(parents=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)  # the collector runs as another user
    os.replace(new, path)  # noqa: PTH105 (one call, one name)


class MetricsPort:
    """Answers GET /metrics on the loopback interface with the text that was published last."""

    def __init__(self, port: int) -> None:
        """Raises OSError when the port cannot be bound. 0 is any free port."""
        port_text = self

        class _Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/metrics":
                    self.send_error(HTTPStatus.NOT_FOUND, "only /metrics is here")
                    return
                body = port_text.text.encode()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is inherited)
                """A scrape every few seconds is no event worth a line."""

        self.text = ""
        self._server = ThreadingHTTPServer((LOOPBACK, port), _Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
