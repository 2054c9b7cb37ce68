"""Google's Python clients for Cloud DNS.

    clouddns.py

reads a JSON list of {"port", "project", "token", "action", "parameters"} and writes the list of what came of
each: {"answer"} as the client understood it, or {"error"} with status, reason and message. Actions are those of
the API, like "changes.create"; where one lists, all pages are collected under "all": KEY. Without a token nothing
is sent of who asks. Actions "older.…" go through google-cloud-dns, an older client that is written by hand.

    clouddns.py key

writes a new key of a service account: {"private_key"} in PKCS#8 and PEM, {"public_key"} in PKCS#1 and base64.
"""

import base64
import functools
import json
import sys


def main():
    if sys.argv[1:] == ["key"]:
        json.dump(new_key(), sys.stdout)
        return
    json.dump([made(call) for call in json.load(sys.stdin)], sys.stdout)


def made(call):
    older = call["action"].startswith("older.")
    return by_older_client(call) if older else by_client(call)


@functools.cache
def credentials(token):
    from google.auth.credentials import AnonymousCredentials
    from google.oauth2.credentials import Credentials
    return Credentials(token) if token else AnonymousCredentials()


@functools.cache
def client(port, token):
    from googleapiclient.discovery import build
    return build(
        "dns", "v1", static_discovery=True, credentials=credentials(token),
        client_options={"api_endpoint": f"http://127.0.0.1:{port}"})


def by_client(call):
    from google.auth.exceptions import GoogleAuthError
    from googleapiclient.errors import HttpError
    resource, method = call["action"].split(".")
    service = getattr(client(call["port"], call.get("token")), resource)()
    try:
        request = getattr(service, method)(project=call["project"], **call["parameters"])
        if "all" not in call:
            return {"answer": request.execute()}
        items = []
        while request is not None:
            page = request.execute()
            items += page.get(call["all"], [])
            request = getattr(service, f"{method}_next")(request, page)
        return {"answer": items}
    except HttpError as error:
        told = json.loads(error.content)["error"]
        return {"error": {
            "status": error.resp.status, "reason": told["errors"][0]["reason"], "message": told["message"]}}
    except GoogleAuthError as error:
        # What was sent is not good, and there is nothing to renew it with.
        return {"error": {"status": 401, "reason": type(error).__name__, "message": str(error)}}


@functools.cache
def older_client(port, project, token):
    from google.cloud import dns
    return dns.Client(
        project=project, credentials=credentials(token),
        client_options={"api_endpoint": f"http://127.0.0.1:{port}"})


def by_older_client(call):
    from google.api_core.exceptions import GoogleAPICallError
    older = older_client(call["port"], call["project"], call.get("token"))
    try:
        return {"answer": OLDER[call["action"]](older, **call["parameters"])}
    except GoogleAPICallError as error:
        return {"error": {"status": error.code, "reason": type(error).__name__, "message": error.message}}


def older_quotas(older):
    return older.quotas()


def older_zones(older):
    return [[zone.name, zone.dns_name] for zone in older.list_zones()]


def older_sets(older, zone):
    sets = older.zone(zone).list_resource_record_sets()
    return [[each.name, each.record_type, each.ttl, each.rrdatas] for each in sets]


def older_change(older, zone, additions=(), deletions=()):
    zone = older.zone(zone)
    change = zone.changes()
    for each in additions:
        change.add_record_set(zone.resource_record_set(*each))
    for each in deletions:
        change.delete_record_set(zone.resource_record_set(*each))
    change.create()
    return change.status


OLDER = {
    "older.quotas": older_quotas,
    "older.zones": older_zones,
    "older.sets": older_sets,
    "older.change": older_change,
}


def new_key():
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.PKCS1)
    return {"private_key": private.decode(), "public_key": base64.b64encode(public).decode()}


main()
