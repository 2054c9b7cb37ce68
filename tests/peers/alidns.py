"""The vendor's two Python clients, as one program.

    alidns.py v1|v3

reads a JSON list of {"port", "key", "action", "parameters"}, where the key is an id, a secret and perhaps a
token ("form": true sends the parameters in the body, which only v1 can), and writes the list of what came of each: {"answer"} as the client understood it, or {"error"} with
the client's own view of status, code and message.
"""

import functools
import importlib
import json
import re
import sys


def main():
    version = {"v1": FirstVersion, "v3": ThirdVersion}[sys.argv[1]]
    client = functools.cache(version)
    json.dump([
        client(call["port"], *call["key"]).call(
            call["action"], call["parameters"], call.get("form", False))
        for call in json.load(sys.stdin)
    ], sys.stdout)


class FirstVersion:
    """aliyun-python-sdk-alidns: HMAC-SHA1."""

    def __init__(self, port, key_id, key_secret, token=None):
        from aliyunsdkcore.auth.credentials import StsTokenCredential
        from aliyunsdkcore.client import AcsClient

        self.endpoint = f"127.0.0.1:{port}"
        options = {"region_id": "cn-hangzhou", "auto_retry": False}
        if token is None:
            self.client = AcsClient(key_id, key_secret, **options)
        else:
            self.client = AcsClient(credential=StsTokenCredential(key_id, key_secret, token), **options)

    def call(self, action, parameters, form):
        from aliyunsdkcore.acs_exception.exceptions import ServerException

        request = (self.form if form else self.typed)(action, parameters)
        try:
            return {"answer": json.loads(self.client.do_action_with_exception(request))}
        except ServerException as error:
            status, code = error.get_http_status(), error.get_error_code()
            return {"error": {"status": status, "code": code, "message": error.get_error_msg()}}


    def typed(self, action, parameters):
        module = importlib.import_module(f"aliyunsdkalidns.request.v20150109.{action}Request")
        request = getattr(module, f"{action}Request")()
        request.set_endpoint(self.endpoint)
        for name, value in parameters.items():
            # Only what the client knows has a setter.
            getattr(request, f"set_{name}")(value)
        return request

    def form(self, action, parameters):
        from aliyunsdkcore.request import CommonRequest

        request = CommonRequest(domain=self.endpoint, version="2015-01-09", action_name=action)
        request.set_method("POST")
        for name, value in parameters.items():
            request.add_body_params(name, value)
        return request


class ThirdVersion:
    """alibabacloud_alidns20150109: ACS3-HMAC-SHA256."""

    def __init__(self, port, key_id, key_secret, token=None):
        from alibabacloud_alidns20150109.client import Client
        from alibabacloud_tea_openapi.utils_models import Config

        self.client = Client(Config(
            access_key_id=key_id, access_key_secret=key_secret, security_token=token,
            endpoint=f"127.0.0.1:{port}", protocol="HTTP"))

    def call(self, action, parameters, form):
        from alibabacloud_alidns20150109 import models
        from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

        assert not form, "this client sends everything in the query"
        request = getattr(models, f"{action}Request")().from_map(parameters)
        assert request.to_map() == parameters, f"{action} does not know all of {parameters}"
        method = getattr(self.client, re.sub("(?<!^)(?=[A-Z])", "_", action).lower())
        try:
            return {"answer": method(request).body.to_map()}
        except AlibabaCloudException as error:
            # The client wraps the message in its own words.
            message = re.sub(r"^code: \d+, (.*) request id: \S*$", r"\1", error.message)
            return {"error": {
                "status": error.status_code, "code": error.code, "message": message,
                "retry_after": getattr(error, "retry_after", None)}}


main()
