"""Whatever fits its description, the API does as that says, and nothing is a 5xx.

Apart from the rest: schemathesis makes all its cases when pytest collects them.
"""

import json
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from footfall.web.openapi import document
from tests.conftest import Tenant, event


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    return str(value).encode(errors="replace")


# A stream has no end; test_streams has its answers.
schema = schemathesis.openapi.from_dict(document()).exclude(path_regex="/stream$")


@schema.parametrize()
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@settings(
    max_examples=3 if os.environ.get("CI") else 5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_api_does_what_its_description_says(case, server, tenant_session):
    if case.path_parameters and "cid" in case.path_parameters:
        case.path_parameters["cid"] = tenant_session.id
    headers = dict(tenant_session.client.headers)
    if case.operation.path == "/v1/sts/logout":
        headers["Authorization"] = "Bearer nope"
    answer = case.call(base_url=server.address, headers=headers)
    length = answer.request.headers.get("Content-Length", "0")
    if not length.isdigit():
        # That is no HTTP, and is refused before it gets here: see test_edge.
        assert (answer.status_code, answer.content) == (400, b"")
        return
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]
        problem = json.loads(answer.content)
        assert {"type", "title", "status", "detail", "instance"} <= set(problem)
        assert problem["status"] == answer.status_code
    else:
        case.validate_response(
            answer,
            checks=[
                schemathesis.checks.CHECKS.get_one("status_code_conformance"),
                schemathesis.checks.CHECKS.get_one("content_type_conformance"),
                schemathesis.checks.CHECKS.get_one("response_schema_conformance"),
            ],
        )


@pytest.fixture(scope="module")
def tenant_session(server, server_store):
    made = Tenant(server, server_store)
    made.send([event(), event(customerId="f4c6be2cebc56bf4b8a16a2d463d5b60")])
    yield made
    made.client.close()
