import pytest

from footfall.core.oidc import own_path, verified_email

EMAIL = {"email": "ann@example.com"}


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": True},
        {"email_verified": "true"},
        {"xms_edov": True},
        {"xms_edov": "1"},
    ],
)
def test_an_e_mail_counts_that_the_directory_calls_verified(claims):
    assert verified_email(EMAIL | claims) == "ann@example.com"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email_verified": None},
        {"email_verified": ["true"]},
        {"email_verified": False, "xms_edov": True},
        {"email_verified": True, "email": None},
        {"email_verified": True, "email": ["ann@example.com"]},
    ],
)
def test_no_other_e_mail_counts(claims):
    assert verified_email(EMAIL | claims) is None


@pytest.mark.parametrize(
    "path",
    [
        "/console",
        "/console/",
        "/console/venues/a%2Fb",
        "/console/live?type=login&a=b%20c",
    ],
)
def test_a_sign_in_goes_on_to_a_page_of_the_console(path):
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.example/console",
        "//evil.example/console",
        "/consoles",
        "/console\\evil.example",
        "/console/a\r\nX: y",
        "/console/a\n",
        "/console?a=b#c",
        "/console?" + "x" * 5_000,
    ],
)
def test_a_sign_in_leads_to_no_other_place(path):
    assert own_path(path) == "/console"
