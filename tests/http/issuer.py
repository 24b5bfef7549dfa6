# SPDX-License-Identifier: ISC
"""An issuer of tokens: keys of every algorithm, the key set that tells of them, and a server of it
that can be made to fail in every way that servers fail."""

import contextlib
import http.server
import json
import socket
import ssl
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness import base64url

CURVES = {"ES256": (ec.SECP256R1(), "P-256", 32, hashes.SHA256()),
          "ES384": (ec.SECP384R1(), "P-384", 48, hashes.SHA384()),
          "ES512": (ec.SECP521R1(), "P-521", 66, hashes.SHA512())}
ALGORITHMS = ["EdDSA", *CURVES, "RS256", "PS256"]


class Key:
    def __init__(self, algorithm="EdDSA", kid=None):
        self.algorithm = algorithm
        self.kid = kid or f"{algorithm}-{id(self)}"
        if algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        elif algorithm in CURVES:
            self.private = ec.generate_private_key(CURVES[algorithm][0])
        else:
            self.private = rsa.generate_private_key(65537, 2048)

    def members(self):
        public = self.private.public_key()
        if self.algorithm == "EdDSA":
            x = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(x)}
        numbers = public.public_numbers()
        if self.algorithm in CURVES:
            _, curve, size, _ = CURVES[self.algorithm]
            return {"kty": "EC", "crv": curve, "x": base64url(numbers.x.to_bytes(size, "big")),
                    "y": base64url(numbers.y.to_bytes(size, "big"))}
        return {"kty": "RSA", "n": base64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}

    def jwk(self):
        return {**self.members(), "kid": self.kid, "alg": self.algorithm}

    def sign(self, data):
        if self.algorithm == "EdDSA":
            return self.private.sign(data)
        if self.algorithm in CURVES:
            _, _, size, digest = CURVES[self.algorithm]
            r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        pad = (padding.PKCS1v15() if self.algorithm == "RS256"
               else padding.PSS(padding.MGF1(hashes.SHA256()), 32))
        return self.private.sign(data, pad, hashes.SHA256())

    def token(self, sub="somebody", header=None, **claims):
        now = int(time.time())
        head = {"alg": self.algorithm, "kid": self.kid, **(header or {})}
        claims = {"sub": sub, "iat": now, "exp": now + 900, **claims}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (head, claims))
        return text + "." + base64url(self.sign(text.encode()))


def key_set(*keys):
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


class KeyServer:
    """Serves a key set and counts how often it is asked. `mode`: "good", "503", "garbage", "empty",
    "huge", "redirect", "hang" (until release() is called)."""

    def __init__(self, *keys, context=None):
        self.keys = list(keys)
        self.mode = "good"
        self.count = 0
        self.hanging = 0
        self.released = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.count += 1
                with contextlib.suppress(OSError):
                    outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/api/auth/jwks"

    def answer(self, handler):
        status, body, headers = 200, key_set(*self.keys), {}
        if self.mode == "503":
            status = 503
        elif self.mode == "garbage":
            body = b"<html>\x00\xff" * 100
        elif self.mode == "empty":
            body = b'{"keys":[]}'
        elif self.mode == "huge":
            body = key_set(*self.keys)[:-1] + b" " * 10_485_760 + b"}"
        elif self.mode == "redirect" and "moved" not in handler.path:
            status, headers = 302, {"Location": self.url + "/moved"}
        elif self.mode == "hang":
            self.hanging += 1
            self.released.wait(60)
            self.hanging -= 1
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def closed_port():
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tls_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
