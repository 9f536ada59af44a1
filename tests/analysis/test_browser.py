"""The report in headless Chromium: silent, self-contained, nowhere too wide, usable by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.analysis.browser import Browser, opened

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(chromium: str, page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened(chromium, tmp_path_factory.mktemp("profile"), page) as found:
        yield found


def test_the_page_asks_for_nothing_but_itself(browser: Browser, page: Path) -> None:
    assert browser.requests() == [page.as_uri()]


def test_the_page_says_nothing_on_the_console(browser: Browser) -> None:
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_window(browser: Browser, width: int) -> None:
    browser.resize(width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    wide = "[...document.querySelectorAll('section > *, figure, svg, pre, table')].filter(e => !e.closest('.sheet') && e.tagName != 'TABLE'"
    assert browser.evaluate(f"{wide} && e.getBoundingClientRect().right > {width} + 0.5).map(e => e.outerHTML.slice(0, 80))") == []


def test_print_fits_the_width_of_a4(browser: Browser) -> None:
    """210 mm less Chromium's margins of 10 mm on either side, at 96 pixels an inch."""
    browser.resize(718)
    browser.tell("Emulation.setEmulatedMedia", media="print")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 718
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.tell("Emulation.setEmulatedMedia", media="screen")


@pytest.mark.parametrize("width", [400, 1280])
def test_no_label_of_a_figure_is_cut_off(browser: Browser, width: int) -> None:
    browser.resize(width)
    browser.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    cut = """[...document.querySelectorAll('svg.drawing')].flatMap(svg => {
        const edge = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter(text => {
            const box = text.getBoundingClientRect();
            return box.left < edge.left - 2 || box.right > edge.right + 2 || box.top < edge.top - 2 || box.bottom > edge.bottom + 2;
        }).map(text => svg.closest('figure').id + ': ' + text.textContent);
    })"""
    assert browser.evaluate(cut) == []


def test_dark_and_light_have_readable_colours(browser: Browser) -> None:
    seen = {}
    for dark in (False, True):
        browser.resize(1280, dark=dark)
        colours = browser.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
        seen[dark] = contrast(*colours)
        labels = browser.evaluate("[...document.querySelectorAll('svg.drawing text')].map(e => getComputedStyle(e).fill)")
        assert min(contrast(colours[0], label) for label in set(labels)) > 2.6
    assert seen[False] > 12
    assert seen[True] > 12


def test_every_table_and_figure_is_reached_by_keyboard_and_named(browser: Browser) -> None:
    assert browser.evaluate("document.querySelectorAll('.sheet:not([tabindex=\"0\"])').length") == 0
    assert browser.evaluate("[...document.querySelectorAll('svg.drawing')].every(e => e.getAttribute('aria-label'))")
    assert browser.evaluate("[...document.querySelectorAll('img')].every(e => e.alt)")
    browser.tell("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert browser.evaluate("document.activeElement.className") == "skip"


def contrast(first: str, second: str) -> float:
    """WCAG's contrast ratio of two colours as browsers state them."""
    lights = []
    for colour in (first, second):
        parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    high, low = max(lights), min(lights)
    return (high + 0.05) / (low + 0.05)
