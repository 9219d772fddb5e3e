"""The first page is small and quick."""

from playwright.sync_api import expect

BYTES_MAX = 300_000
MILLISECONDS_MAX = 1_000


def test_the_first_page_is_under_300_kilobytes(visitor):
    answers = []
    visitor.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  playwright marks what it is given
    page = visitor.open()
    visitor.settle()
    own = [one for one in answers if "/console" in one.url and one.status == 200]
    assert len(own) > 10
    # Unpacked, which is more than what goes over the wire.
    assert sum(len(one.body()) for one in own) < BYTES_MAX
    assert page.locator("h1").inner_text() == "Overview"


def test_the_first_page_is_there_within_a_second(visitor):
    visitor.open()
    visitor.settle()
    page = visitor.page
    # The best of some: other work on the machine is not the page's.
    best = min(_load_time(page) for _ in range(3))
    assert best < MILLISECONDS_MAX


def _load_time(page):
    page.reload()
    expect(page.locator("h1")).to_have_text("Overview")
    return page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
