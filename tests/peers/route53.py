"""The vendor's Python client, botocore.

    route53.py

reads a JSON list of {"port", "key", "action", "parameters"}, where the key is an id, a secret and perhaps a
token, and writes the list of what came of each: {"answer"} as the client understood it, with dates left out,
or {"error"} with status, code and message. An answer's id may be used further on: "$N.Path.To.It" in parameters
is what stands there in the answer of call N. "paginate": "Key" collects all pages of a list.
"""

import functools
import json
import sys

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError


def main():
    results = []
    for call in json.load(sys.stdin):
        results.append(made(client(call["port"], *call["key"]), call, results))
    json.dump(results, sys.stdout)


@functools.cache
def client(port, key_id, key_secret, token=None):
    return botocore.session.Session().create_client(
        "route53", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=key_id, aws_secret_access_key=key_secret, aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}))


def made(client, call, results):
    parameters = resolved(call["parameters"], results)
    try:
        if "paginate" in call:
            pages = client.get_paginator(call["action"]).paginate(**parameters)
            return {"answer": [plain(item) for page in pages for item in page[call["paginate"]]]}
        return {"answer": plain(getattr(client, call["action"])(**parameters))}
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"error": {
            "status": status, "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"]}}


def resolved(value, results):
    if isinstance(value, dict):
        return {key: resolved(item, results) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, results) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        number, *path = value[1:].split(".")
        return functools.reduce(lambda found, key: found[key], path, results[int(number)]["answer"])
    return value


def plain(value):
    """Without what varies, and with dates as text."""
    if isinstance(value, dict):
        varying = ("ResponseMetadata", "SubmittedAt")
        return {key: plain(item) for key, item in value.items() if key not in varying}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


main()
