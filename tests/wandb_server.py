"""A server that wandb takes for its own, as far as a run needs it; its manners can change while it runs."""

import gzip
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

PROJECT = {"id": "p", "name": "crossmedia", "entity": {"id": "e", "name": "me"}}
BUCKET = {
    "id": "r",
    "name": "r",
    "displayName": "r",
    "config": "{}",
    "project": PROJECT,
    "historyLineCount": 0,
}
VIEWER = {"id": "u", "entity": "me", "username": "me", "flags": "{}", "teams": {"edges": []}}


class WandbServer(ThreadingHTTPServer):
    """`manner` is ok, slow (half a second an answer), silent, closing, or the number of an HTTP error."""

    daemon_threads = True

    def __init__(self, manner: str | int = "ok"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.manner, self.url = manner, f"http://127.0.0.1:{self.server_port}"
        self.received: list[tuple[str, bytes]] = []
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up."""

    def __exit__(self, *args: Any) -> None:
        self.shutdown()
        super().__exit__(*args)


class Handler(BaseHTTPRequestHandler):
    server: WandbServer  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.received.append((self.path, body))
        manner = self.server.manner
        if manner in ("silent", "slow"):
            time.sleep(60 if manner == "silent" else 0.5)
        if manner == "closing":
            self.close_connection = True
        elif isinstance(manner, int):
            self.answer(manner, {"errors": [{"message": "not today"}]})
        else:
            self.answer(200, reply(json.loads(body), self.server.url) if self.path == "/graphql" else {})

    do_GET = do_PUT = do_POST  # noqa: N815

    def answer(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def reply(asked: dict[str, Any], url: str) -> dict[str, Any]:
    query = asked["query"]
    if "upsertBucket" in query:
        return {"data": {"upsertBucket": {"bucket": BUCKET, "inserted": True}}}
    if "createRunFiles" in query:
        files = [{"name": name, "uploadUrl": f"{url}/put/{name}"} for name in asked["variables"]["files"]]
        return {"data": {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": files}}}
    return {"data": {"viewer": VIEWER, "serverInfo": {"features": []}}}
