"""moto's Route53 on a loopback port, as a judge of the wire.

    moto_peer.py PORT

Every call must carry a right signature and be allowed by its key's policy. There are two keys: AKIDFED with
the secret fed-secret may do everything, AKIDREADER with reader-secret may only list and get. POST /fault with a
JSON list of {"match", "status", "code", "message"} makes the next calls fail, one for each entry, whose
method and path contain the words of "match". GET /calls tells how many calls of each method there were.

moto's own server refuses calls to Route53 that are signed rightly, since it checks parsed data in place of the
bytes that came; it writes errors in the envelope of another service; and it takes a set that was deleted for one
that stands. All three are put right here.
"""

import io
import json
import os
import sys

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

import flask
import moto.iam.access_control
import moto.server
from botocore.awsrequest import AWSRequest
from moto.core.exceptions import _RESTError
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.route53.models import Route53Backend

KEYS = {"fed": ["route53:*"], "reader": ["route53:List*", "route53:Get*"]}
ENVELOPE = (
    '<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>'
    "<Code>{code}</Code><Message>{message}</Message></Error><RequestId>peer</RequestId></ErrorResponse>")

faults = []
# How many calls there were of each method.
calls = {"GET": 0, "POST": 0}


def main():
    moto.iam.access_control.IAMRequestBase._create_aws_request = request_as_sent
    DomainDispatcherApplication.__call__ = wrapped(DomainDispatcherApplication.__call__)
    _RESTError.__init__ = with_own_envelope(_RESTError.__init__)
    Route53Backend.change_resource_record_sets = forgetting(Route53Backend.change_resource_record_sets)
    for user, actions in KEYS.items():
        add_user(user, actions)
    moto.server.main(["-H", "127.0.0.1", "-p", sys.argv[1]])


def add_user(user, actions):
    iam = iam_backends["123456789012"]["aws"]
    iam.create_user("us-east-1", user)
    key = iam.create_access_key(user)
    key.access_key_id, key.secret_access_key = f"AKID{user.upper()}", f"{user}-secret"
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.put_user_policy(user, "p", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def request_as_sent(self):
    """What the signature is checked over: the bytes that came in."""
    authorization = self._headers["Authorization"]
    signed = self._get_string_between("SignedHeaders=", ",", authorization).split(";")
    headers = self._create_headers_for_aws_request(signed, self._headers)
    request = flask.request
    url = "http://" + request.host + request.full_path.rstrip("?")
    sent = AWSRequest(request.method, url, headers, request.environ["fedns.raw"])
    sent.context["timestamp"] = headers["X-Amz-Date"]
    return sent


def wrapped(inner):
    def call(self, environ, start):
        if environ["PATH_INFO"] == "/calls":
            answer = json.dumps(calls).encode()
            start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
            return [answer]
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["fedns.raw"], environ["wsgi.input"] = raw, io.BytesIO(raw)
        refusal = refused(environ, raw)
        if refusal is None:
            return inner(self, environ, start)
        start(f"{refusal['status']} Peer", [("Content-Type", "text/xml")])
        return [ENVELOPE.format(**refusal).encode()]
    return call


def refused(environ, raw):
    called = environ["REQUEST_METHOD"] + " " + environ["PATH_INFO"]
    if environ["PATH_INFO"] == "/fault":
        faults[:] = json.loads(raw or b"[]")
        return {"status": 200, "code": "", "message": ""}
    calls[environ["REQUEST_METHOD"]] += 1
    if faults and faults[0].get("match", "") in called:
        return faults.pop(0)
    if "HTTP_AUTHORIZATION" not in environ and not environ["PATH_INFO"].startswith("/moto-api"):
        return {"status": 403, "code": "MissingAuthenticationToken", "message": "Missing Authentication Token"}
    return None


def with_own_envelope(inner):
    def init(self, *arguments, **named):
        inner(self, *arguments, **named)
        self.description = self.description.replace("<Errors>", "").replace("</Errors>", "")
    return init


def forgetting(inner):
    """The journal keeps what stands: what is deleted leaves it, with what created it."""
    def change(self, zone_id, changes):
        try:
            inner(self, zone_id, changes)
        finally:
            journal = self.get_hosted_zone(zone_id).rr_changes
            standing = []
            for entry in journal:
                if entry["Action"] != "CREATE":
                    standing = [other for other in standing if key(other) != key(entry)]
                if entry["Action"] != "DELETE":
                    standing.append(entry)
            journal[:] = standing
    return change


def key(entry):
    record_set = entry["ResourceRecordSet"]
    return record_set["Name"], record_set["Type"], record_set.get("SetIdentifier")


main()
