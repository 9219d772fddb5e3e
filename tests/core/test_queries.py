import pytest

from footfall.core.queries import EventQuery, Sort, parse_request
from footfall.errors import ParameterInvalid


def parse(**parameters):
    return parse_request("o", None, {k: [v] for k, v in parameters.items()})


def test_nothing_given_means_the_defaults():
    assert parse().query == EventQuery(
        "o", None, None, None, (), Sort.BUSINESS_TIME, reverse=False, size=20
    )


def test_unknown_parameters_are_ignored():
    assert parse(page="7", Size="0").query == parse().query


def test_types_may_have_spaces_around_them():
    assert parse(events=" visit ,login").query == parse(events="login,visit").query


@pytest.mark.parametrize("value", ["true", "TRUE", "True"])
def test_flags_are_read_in_any_case(value):
    assert parse(sortReverse=value).query.reverse
    assert parse(enableScroll=value).scrolling


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("size", "0", "1 to 10000"),
        ("size", "10001", "1 to 10000"),
        ("size", "-1", "1 to 10000"),
        ("size", "٣", "1 to 10000"),
        ("size", "1e3", "1 to 10000"),
        ("size", "", "1 to 10000"),
        ("size", "9" * 5000, "1 to 10000"),
        ("sortBy", "utctime", "businessTime, utcTime, receivedTime"),
        ("sortReverse", "yes", "true nor false"),
        ("enableScroll", "1", "true nor false"),
        ("events", "vist", "nearest is 'visit'"),
        ("events", "", "allowed: signup"),
        ("dateStart", "yesterday", "or a date such as"),
        ("dateEnd", "0000-01-01", "or a date such as"),
    ],
)
def test_an_invalid_value_names_the_parameter_the_value_and_what_is_allowed(
    name, value, allowed
):
    with pytest.raises(ParameterInvalid) as caught:
        parse(**{name: value})
    [error] = caught.value.errors
    assert error.field == name
    assert value[:64] in error.message
    assert allowed in error.message


def test_all_invalid_parameters_are_named_at_once():
    with pytest.raises(ParameterInvalid) as caught:
        parse(size="0", sortBy="x", dateEnd="y")
    assert [e.field for e in caught.value.errors] == ["dateEnd", "size", "sortBy"]


def test_a_parameter_given_twice_is_invalid():
    with pytest.raises(ParameterInvalid, match="size: is given more than once"):
        parse_request("o", None, {"size": ["1", "2"]})
