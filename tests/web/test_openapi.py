import httpx2
import pytest

from footfall.web.app import ROUTES
from footfall.web.openapi import document

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
