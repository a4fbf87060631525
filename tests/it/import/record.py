#!/usr/bin/env python3
"""Records tests/it/import/shop.har: a headless Chromium walks through a small shop, all on this machine.

    tests/it/import/record.py > tests/it/import/shop.har

Needs `chromium` and nothing else: the shop is the HTTP server below, the DevTools protocol is spoken over a plain socket.
"""

import base64
import json
import os
import pathlib
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8642
PRODUCTS = [{"id": f"prd_{n}k8s2v{n}x7", "name": name, "price": 10 * n + 0.5} for n, name in enumerate(
    ["lamp", "chair & table", "café mug", "sofa", "rug", "clock"], 1)]
STYLE = "body { font-family: sans-serif } img { width: 40px }"
SCRIPT = """
const api = (path, init) => fetch(path, init).then(answer => answer.json());
const send = (path, body, token) => api(path, { method: 'POST', body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', authorization: 'Bearer ' + token } });
window.shop = { api, send, loaded: Promise.all([api('/api/banner'), api('/api/products?limit=3'), api('/api/me')]) };
"""


def page(title, body, token):
    images = "".join(f'<img src="/img/{n}.svg">' for n in range(1, 4))
    return f"""<!doctype html><html><head><title>{title}</title><meta name="csrf-token" content="{token}">
<link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="/app.css"><script src="/app.js"></script></head>
<body><h1>{title}</h1>{images}{body}</body></html>"""


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sessions, orders = {}, {}

    def log_message(self, *_):
        pass

    def answer(self, body, kind="application/json", status=200, headers=()):
        time.sleep(0.03)
        body = body if isinstance(body, str) else json.dumps(body)
        data = body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def html(self, title, body):
        sid = self.cookie() or secrets.token_hex(12)
        token = self.sessions.setdefault(sid, secrets.token_urlsafe(18))
        form = body.replace("CSRF", token)
        self.answer(page(title, form, token), "text/html; charset=utf-8",
                    headers=[("set-cookie", f"sid={sid}; Path=/; HttpOnly")])

    def cookie(self):
        for pair in self.headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == "sid":
                return value

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        path = url.path
        if path == "/":
            self.html("Shop", "<a href='/login'>in</a>")
        elif path == "/login":
            self.html("Log in", "<form method=post action=/login><input type=hidden name=csrf value=\"CSRF\">"
                      "<input name=email><input name=password type=password><input name=note></form>")
        elif path == "/account":
            self.html("Account", "<p>hello</p>")
        elif path == "/search":
            self.html("Search", "<p>found</p>")
        elif path == "/old-basket":
            self.answer("", "text/plain", 302, [("location", "/basket?from=old")])
        elif path == "/basket":
            self.html("Basket", "<p>goods</p>")
        elif path == "/app.css":
            self.answer(STYLE, "text/css", headers=[("cache-control", "max-age=600")])
        elif path == "/app.js":
            self.answer(SCRIPT, "text/javascript")
        elif path.endswith(".svg"):
            self.answer("<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
        elif path == "/api/products":
            self.answer({"items": PRODUCTS[:3]})
        elif path.startswith("/api/products/"):
            self.answer(next(p for p in PRODUCTS if p["id"] == path.rsplit("/", 1)[1]))
        elif path.startswith("/api/orders/"):
            self.answer(self.orders[path.rsplit("/", 1)[1]])
        elif path == "/api/banner":
            self.answer({"text": "100 % off ${all} \"rugs\""})
        elif path == "/api/me":
            self.answer({"guest": True})
        elif path == "/api/token":
            self.answer({"accessToken": "tok-" + secrets.token_hex(20), "expiresIn": 3600})
        else:
            self.answer({"error": "not found"}, status=404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if self.path == "/login":
            self.answer("", "text/plain", 303, [("location", "/account")])
        elif self.path == "/api/orders":
            number = secrets.token_hex(8)
            self.orders[number] = {"id": number, "number": len(self.orders) + 1, "status": "pending"}
            self.answer(self.orders[number], status=201)
        else:
            self.answer({"ok": True, "bytes": len(body)})

    do_PUT = do_PATCH = do_DELETE = do_POST


class Browser:
    """Chromium over the DevTools protocol."""

    def __init__(self, profile):
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
             "--disable-background-networking", f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = pathlib.Path(profile, "DevToolsActivePort")
        for _ in range(600):
            if port_file.exists() and len(port_file.read_text().split()) == 2:
                break
            time.sleep(0.1)
        port, path = port_file.read_text().split()
        self.socket = socket.create_connection(("127.0.0.1", int(port)))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        while self.stream.readline().strip():
            pass
        self.next, self.events, self.session, self.bodies, self.seen = 0, [], None, {}, 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Network", "Page", "Runtime"]:
            self.call(f"{domain}.enable")

    def receive(self):
        text = b""
        while True:
            first, second = self.stream.read(2)
            length = second & 127
            if length == 126:
                length, = struct.unpack(">H", self.stream.read(2))
            elif length == 127:
                length, = struct.unpack(">Q", self.stream.read(8))
            text += self.stream.read(length)
            if first & 128:
                return json.loads(text)

    def call(self, method, **parameters):
        self.next += 1
        message = {"id": self.next, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data, mask = json.dumps(message).encode(), os.urandom(4)
        size = struct.pack(">BBH", 0x81, 0xFE, len(data)) if len(data) < 65536 else struct.pack(">BBQ", 0x81, 0xFF, len(data))
        self.socket.sendall(size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
        while True:
            answer = self.receive()
            if answer.get("id") == self.next:
                return answer.get("result", {})
            self.events.append(answer)

    def run(self, script):
        """Evaluates a script, then lets the page come to rest; the pause is what a reader would take."""
        self.call("Runtime.evaluate", expression=script, awaitPromise=True)
        self.rest()

    def go(self, url):
        self.call("Page.navigate", url=url)
        self.rest()

    def rest(self):
        for _ in range(12):
            time.sleep(0.1)
            self.call("Runtime.evaluate", expression="1")
            # Now: the next page takes them away.
            new, self.seen = self.events[self.seen:], len(self.events)
            for request in [e["params"]["requestId"] for e in new if e.get("method") == "Network.loadingFinished"]:
                self.bodies[request] = self.call("Network.getResponseBody", requestId=request)


def pairs(headers):
    return [{"name": name, "value": line} for name, value in headers.items() for line in value.split("\n")]


def archive(browser):
    """The events as a HAR."""
    entries, open_requests, sent_extra, got_extra, pages = [], {}, {}, {}, []
    for event in browser.events:
        method, at = event.get("method"), event.get("params", {})
        request = at.get("requestId")
        if method == "Network.requestWillBeSentExtraInfo":
            sent_extra.setdefault(request, []).append(at["headers"])
        elif method == "Network.responseReceivedExtraInfo":
            got_extra.setdefault(request, []).append(at["headers"])
    for event in browser.events:
        method, at = event.get("method"), event.get("params", {})
        request = at.get("requestId")
        if method == "Network.requestWillBeSent":
            if "redirectResponse" in at:
                finish(open_requests.pop(request), at["redirectResponse"], at["timestamp"], got_extra, request, None)
            if at.get("type") == "Document":
                pages.append({"id": f"page_{len(pages) + 1}", "title": at["request"]["url"], "pageTimings": {},
                              "startedDateTime": stamp(at["wallTime"])})
            entry = {"pageref": pages[-1]["id"] if pages else None, "startedDateTime": stamp(at["wallTime"]), "time": 0,
                     "_resourceType": at.get("type", "other").lower(), "_begin": at["timestamp"], "cache": {}, "timings": {}}
            headers = dict(at["request"]["headers"])
            if sent_extra.get(request):
                headers = sent_extra[request].pop(0)
            entry["request"] = {"method": at["request"]["method"], "url": at["request"]["url"], "httpVersion": "http/1.1",
                                "headers": pairs(headers), "queryString": [], "cookies": [], "headersSize": -1, "bodySize": -1}
            if "postData" in at["request"]:
                kind = next((v for n, v in headers.items() if n.lower() == "content-type"), "")
                entry["request"]["postData"] = {"mimeType": kind, "text": at["request"]["postData"]}
            open_requests[request] = entry
            entries.append(entry)
        elif method == "Network.requestServedFromCache" and request in open_requests:
            open_requests[request]["_fromCache"] = "memory"
        elif method == "Network.responseReceived" and request in open_requests:
            if at["response"].get("fromDiskCache"):
                open_requests[request]["_fromCache"] = "disk"
            open_requests[request]["_response"] = at["response"]
        elif method == "Network.loadingFinished" and request in open_requests:
            entry = open_requests.pop(request)
            finish(entry, entry.pop("_response"), at["timestamp"], got_extra, request,
                   browser.bodies.get(request))
    for entry in entries:
        entry.pop("_begin", None)
    entries = [entry for entry in entries if "response" in entry]
    return {"log": {"version": "1.2", "creator": {"name": "record.py", "version": "1"}, "pages": pages, "entries": entries}}


def finish(entry, response, now, extra, request, body):
    headers = extra[request].pop(0) if extra.get(request) else response["headers"]
    entry["time"] = round((now - entry["_begin"]) * 1000, 3)
    content = {"size": 0, "mimeType": response.get("mimeType", "")}
    if body and body.get("body"):
        content.update(size=len(body["body"]), text=body["body"])
        if body.get("base64Encoded"):
            content["encoding"] = "base64"
    location = next((value for name, value in headers.items() if name.lower() == "location"), "")
    entry["response"] = {"status": response["status"], "statusText": response.get("statusText", ""), "httpVersion": "http/1.1",
                         "headers": pairs(headers), "cookies": [], "content": content, "redirectURL": location,
                         "headersSize": -1, "bodySize": -1}


def stamp(wall):
    return datetime.fromtimestamp(wall, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main():
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.mkdtemp()
    browser = Browser(profile)
    base = f"http://127.0.0.1:{PORT}"
    try:
        browser.go(f"{base}/")
        browser.run("shop.loaded")
        browser.go(f"{base}/login")
        browser.run("(f => { f.email.value = 'ann@example.com'; f.password.value = 'correct horse 9'; f.note.value = 'a+b & c'; "
                    "f.submit() })(document.forms[0])")
        browser.go(f"{base}/search?q=chair%20%26%20table&tag={{new}}&sort=price|asc")
        browser.run("shop.api('/api/products?limit=3').then(p => Promise.all(p.items.map(i => shop.api('/api/products/' + i.id))))")
        browser.run("shop.api('/api/token').then(async ({ accessToken: t }) => { "
                    "const csrf = document.querySelector('meta[name=csrf-token]').content; "
                    "await shop.send('/api/cart', { sessionId: '8b0a4f6e-6f0e-4a52-9d0c-3f1f5d6f7a10', quantity: 2, "
                    "note: 'say \"hi\" ${now} @ 5 €\\n' }, t); "
                    "const order = await shop.send('/api/orders', { coupon: null, lines: [{ sku: 7, price: 12.50 }] }, t); "
                    "await shop.api('/api/orders/' + order.id); "
                    "await fetch('/api/orders/' + order.id, { method: 'PATCH', body: JSON.stringify({ gift: true }), "
                    "headers: { 'content-type': 'application/json', 'x-csrf-token': csrf } }); "
                    "const data = new FormData(); data.append('text', 'good & cheap'); "
                    "await fetch('/api/reviews', { method: 'POST', body: data }); "
                    "await fetch('/api/reviews/old', { method: 'DELETE' }); "
                    "await fetch('/api/none') })")
        browser.go(f"{base}/old-basket")
        json.dump(archive(browser), sys.stdout, indent=1)
        print()
    finally:
        browser.process.terminate()
        browser.process.wait()
        shutil.rmtree(profile, ignore_errors=True)


if __name__ == "__main__":
    main()
