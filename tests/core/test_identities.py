import pytest

from footfall.core.identities import normalise


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
