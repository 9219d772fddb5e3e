import pytest

from footfall.core.identities import normalise, sought_email


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("username", " ann ", "ann"),
        ("email", "Ann@Example.com", "ann@example.com"),
        ("phone", "+39 050 221 2345", "+390502212345"),
    ],
)
def test_an_identity_has_one_form(kind, text, expected):
    assert normalise(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("username", "", "printable"),
        ("username", "a\0b", "printable"),
        ("email", "ann", "not an email address"),
        ("email", "a@" + "b" * 300 + ".com", "not an email address"),
        ("phone", "0502212345", "E.164"),
        ("phone", "+0123456789", "E.164"),
    ],
)
def test_an_invalid_identity_is_refused(kind, text, said):
    with pytest.raises(ValueError, match=said):
        normalise(kind, text)


@pytest.mark.parametrize(
    "text", ["ann@example.com", " Ann@Example.COM\t", "ANN@example.com"]
)
def test_an_e_mail_is_looked_up_in_one_spelling(text):
    assert sought_email(text) == "ann@example.com"


def test_what_is_no_e_mail_is_looked_up_too():
    assert sought_email(" Ann ") == "ann"
    assert len(sought_email("a" * 10_000)) <= 254
