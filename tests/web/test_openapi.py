import json

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from footfall.web.app import ROUTES
from footfall.web.openapi import document
from tests.conftest import Tenant, event

UNDESCRIBED = {"/", "/docs", "/docs/start.js", "/openapi.json"}


def test_every_route_is_described_and_nothing_else():
    routes = {
        (method, path.replace(":str", ""))
        for route in ROUTES
        for path in route.paths
        for method in route.http_methods
        # The console's own routes are no part of the API.
        if path not in UNDESCRIBED and not path.startswith("/console")
    }
    described = {
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert described == routes


def test_every_parameter_answer_and_body_has_an_example():
    for path, operations in document()["paths"].items():
        for parameter in operations.get("parameters", []):
            assert "example" in parameter, path
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert all("example" in p for p in operation.get("parameters", []))
            parts = [*operation["responses"].values()]
            parts += [operation["requestBody"]] if "requestBody" in operation else []
            for part in parts:
                for kind, content in part.get("content", {}).items():
                    assert "example" in content or kind == "text/plain", path


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    return str(value).encode(errors="replace")


# A stream has no end; test_streams has its answers.
schema = schemathesis.openapi.from_dict(document()).exclude(path_regex="/stream$")


@schema.parametrize()
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@settings(
    max_examples=5,
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


def test_the_docs_page_names_no_other_host(server):
    page = httpx2.get(f"{server.address}/docs").text
    assert "http" not in page.replace('charset="utf-8"', "")
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):
        assert httpx2.get(f"{server.address}/docs/assets/{asset}").status_code == 200


def test_health_readiness_and_metrics_answer(server):
    assert httpx2.get(f"{server.address}/healthz").text == "ok"
    assert httpx2.get(f"{server.address}/readyz").text == "ready"
    metrics = httpx2.get(f"{server.address}/metrics").text
    line = 'footfall_requests_total{method="GET",route="/readyz",status="200"}'
    assert line in metrics


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PUT", "/healthz", 405), ("GET", "/docs/assets/x", 404)]
    + [("GET", "/docs/assets/../../app.py", 404)],
)
def test_a_missing_resource_is_a_problem_too(server, method, path, status):
    answer = httpx2.request(method, f"{server.address}{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
