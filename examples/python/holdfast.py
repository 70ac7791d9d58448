"""A client of Holdfast's Query API that needs nothing but the standard library.

It signs links and requests, calls the API, and verifies what the server sends:
return URLs and notifications. Copy this file into your program.
"""

import base64
import hashlib
import hmac
import http.client
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

TRIES = 4  # of one request


class Refused(Exception):
    """The server refused a request. Branch on the code, such as InvalidParams."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class InDoubt(Exception):
    """No answer arrived, so the request may have been carried out or not.

    Send the same request again, with the same CallerReference: the server
    carries it out once. Never send it under a new reference.
    """


class NotGenuine(Exception):
    """The message may not be from the server. Believe nothing in it."""


class Client:
    def __init__(self, endpoint, cobranded, access_key_id, secret_key, caller_id):
        self.endpoint = endpoint  # such as https://fps.example.com/
        self.cobranded = cobranded
        self.access_key_id = access_key_id
        self.secret_key = secret_key
        self.caller_id = caller_id  # messages for other callers are refused
        self.keys = {}  # of certificates, in PEM, by their address

    def link(self, pipeline, params):
        """Return the address that starts a pipeline, for the buyer's browser."""
        params = params | {
            "callerKey": self.access_key_id,
            "pipelineName": pipeline,
            "version": "2009-01-09",
            "signatureVersion": "2",
            "signatureMethod": "HmacSHA256",
        }
        params["signature"] = self.sign("GET", self.cobranded, params)
        return self.cobranded + "?" + canonical(params)

    def call(self, action, params):
        """Carry out an action and return its answer, as an XML element."""
        params = params | {
            "Action": action,
            "Version": "2010-08-28",
            "AWSAccessKeyId": self.access_key_id,
            "SignatureVersion": "2",
            "SignatureMethod": "HmacSHA256",
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        params["Signature"] = self.sign("POST", self.endpoint, params)
        body = canonical(params).encode()
        # A lost answer and a passing fault (5xx) are the same: nobody knows
        # whether the request was carried out. Sending it again is safe.
        for attempt in range(TRIES):
            time.sleep(0.1 * 4**attempt if attempt else 0)
            try:
                status, text = post(self.endpoint, body)
                answer = ElementTree.fromstring(text)
            except (OSError, http.client.HTTPException, ElementTree.ParseError) as error:
                problem = error
                continue
            code = field(answer, "Code")
            if status == 200 and field(answer, "RequestId"):
                return answer
            if status < 500 and code:
                raise Refused(code, field(answer, "Message"))
            problem = f"status {status}"
        raise InDoubt(f"{action}: {problem}")

    def sign(self, verb, address, params):
        text = string_to_sign(verb, address, params)
        mac = hmac.new(self.secret_key.encode(), text.encode(), hashlib.sha256)
        return base64.b64encode(mac.digest()).decode()

    def verify(self, verb, address, raw):
        """Return the fields of a genuine message; raise NotGenuine for others.

        The verb is GET for a return URL and POST for a notification. The address
        is the public one without a query, as the server knows it; raw is the
        query or the body, as it arrived. The signature is checked by the
        server's certificate.
        """
        fields = self.fields(verb, raw)
        signed = {name: value for name, value in fields.items() if name != "signature"}
        text = string_to_sign(verb, address, signed)
        key = self.key(fields["certificateUrl"])
        if not rsa_sha1_matches(key, text, fields["signature"]):
            raise NotGenuine("the signature does not match")
        return fields

    def verify_by_asking(self, verb, address, raw):
        """Do the same as verify by one more call and without RSA."""
        fields = self.fields(verb, raw)
        answer = self.call("VerifySignature", {"UrlEndPoint": address, "HttpParameters": raw})
        if field(answer, "VerificationStatus") != "Success":
            raise NotGenuine("the server did not sign it")
        return fields

    def fields(self, verb, raw):
        """Read a message and check all but its signature."""
        pairs = parse_qsl(raw, keep_blank_values=True)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise NotGenuine("a field occurs twice")
        if "signature" not in fields or "certificateUrl" not in fields:
            raise NotGenuine("it is not signed")
        if fields.get("signatureVersion") != "2" or fields.get("signatureMethod") != "RSA-SHA1":
            raise NotGenuine("it is not signed by RSA-SHA1")
        if fields.get("callerId") != self.caller_id:
            raise NotGenuine("it is for another caller")
        if ("notificationType" in fields) != (verb == "POST"):
            raise NotGenuine("it is a message of the other kind")
        return fields

    def key(self, address):
        """Fetch the key of a certificate, once, and only from our server.

        Anybody can send us a message that names their own certificate, or ours
        with many different queries.
        """
        address = address.partition("?")[0]
        if not re.fullmatch(re.escape(self.endpoint) + r"certs/[A-Za-z0-9]+/PKICert\.pem", address):
            raise NotGenuine("the certificate is not our server's")
        if address not in self.keys:
            with opener.open(address, timeout=10) as answer:
                self.keys[address] = public_key(answer.read())
        return self.keys[address]


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Make a redirect an HTTPError: another address is not our server."""

    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirects)


def post(address, body):
    """Return the status and the text of an answer."""
    try:
        with opener.open(address, body, timeout=50) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def field(answer, name):
    """Return the text of an answer's element, in whatever namespace."""
    return answer.findtext(".//{*}" + name)


def canonical(params):
    """Encode parameters as they are signed: sorted by name, all but A-Za-z0-9-_.~ as %XX."""
    return "&".join(f"{escape(name)}={escape(params[name])}" for name in sorted(params))


def escape(text):
    return quote(text, safe="-_.~")


def string_to_sign(verb, address, params):
    """Return the text of signature version 2: verb, host, path and parameters, a line each."""
    url = urlsplit(address)
    host = url.netloc.lower()
    host = host.removesuffix({"http": ":80", "https": ":443"}[url.scheme])
    path = quote(unquote(url.path), safe="/-_.~") or "/"
    return "\n".join([verb, host, path, canonical(params)])


def public_key(certificate):
    """Return the key of a certificate, both in PEM."""
    try:
        return subprocess.run(["openssl", "x509", "-pubkey", "-noout"],
                              input=certificate, check=True, capture_output=True).stdout
    except subprocess.SubprocessError:
        raise NotGenuine("the certificate cannot be read") from None


def rsa_sha1_matches(key, text, signature):
    """Check a signature with openssl, as Python's library has no RSA."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"key.pem": key, "signature": decode(signature)}.items():
            Path(folder, name).write_bytes(content)
        check = ["openssl", "dgst", "-sha1", "-verify", "key.pem", "-signature", "signature"]
        return subprocess.run(check, cwd=folder, input=text.encode(), capture_output=True).returncode == 0


def decode(signature):
    try:
        return base64.b64decode(signature)
    except ValueError:
        raise NotGenuine("the signature is not base64") from None
