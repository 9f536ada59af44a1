"""The house style: labels that do not touch, colours that can be told apart, files that are the same every time."""

import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.testing import assert_allclose

from analysis.figures import course, curves, style
from analysis.figures.printer import Printer
from analysis.figures.thinned import thinned
from tests.analysis.test_browser import contrast

positions = st.lists(st.floats(0, 100), min_size=1, max_size=9)


@given(positions)
def test_labels_keep_their_distance_and_their_order(values: list[float]) -> None:
    placed = style.spaced(values, 10, 0, 100)
    ordered = np.array(placed)[np.argsort(values, kind="stable")]
    assert (np.diff(ordered) >= 10 - 1e-6).all()
    assert min(placed) >= -1e-6
    assert max(placed) <= 100 + 1e-6


def test_labels_that_do_not_touch_stay() -> None:
    assert_allclose(style.spaced([5, 50, 20], 10), [5, 50, 20])
    assert_allclose(style.spaced([10, 12], 10), [6, 16])


def test_methods_keep_their_look_and_differ_up_to_ten() -> None:
    names = ["erm", *[f"m{place}" for place in range(12)]]
    looks = style.looks(names, "erm")
    assert looks["erm"].colour == style.BASELINE_COLOUR
    assert len({looks[name] for name in names[1:11]}) == 10


def test_series_can_be_told_apart_without_red_and_green() -> None:
    """Distances in CIE Lab after Machado's simulation of full deuteranopia and protanopia."""
    deuteranopia = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
    protanopia = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])
    for seen in (np.eye(3), deuteranopia, protanopia):
        labs = np.array([lab(seen @ linear(colour)) for colour in style.SERIES])
        apart = np.linalg.norm(labs[:, None] - labs[None], axis=2) + 1e3 * np.eye(len(labs))
        assert apart.min() > 25


def test_series_can_be_read_on_white() -> None:
    for colour in (*style.SERIES, style.INK, style.MUTED):
        rgb = f"rgb({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:7], 16)})"
        assert contrast(rgb, "rgb(255, 255, 255)") > 3


def test_print_and_page_have_the_same_colours() -> None:
    sheet = (resources.files("analysis") / "templates" / "report.css").read_text(encoding="utf-8")
    light = sheet[: sheet.index("@media")]
    for colour, variable in style.VARIABLES.items():
        if variable != "--muted":
            assert f"{variable}: {colour};" in light


def test_an_svg_is_the_same_twice_and_its_marks_are_its_own() -> None:
    def drawn(name: str) -> str:
        with style.house():
            figure, (axes,) = style.panels()
            axes.plot([0, 1], [0, 1], "o", color=style.SERIES[0])
            axes.set_xlabel("a < b & c")
            return style.svg(style.Drawing(name, 'say "this"', "", figure))

    assert drawn("one") == drawn("one")
    assert 'aria-label="say &quot;this&quot;"' in drawn("one")
    assert "a &lt; b &amp; c" in drawn("one")
    assert set(re.findall(r' id="([^"]+)"', drawn("one"))).isdisjoint(re.findall(r' id="([^"]+)"', drawn("two")))
    assert style.SERIES[0] not in drawn("one")
    assert "var(--series-1)" in drawn("one")


def test_figures_are_printed_beside_and_a_failure_is_told(tmp_path: Path) -> None:
    with style.house():
        figure, _ = style.panels()

    def printed(stem: Path) -> None:
        with Printer(style.STYLE) as printer:
            printer.save(figure, str(stem))

    printed(tmp_path / "drawn")
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "drawn.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(OSError, match=r"could not be written: FileNotFoundError.*missing"):
        printed(tmp_path / "missing" / "drawn")


def test_thinning_keeps_first_and_last_and_is_the_same_every_time() -> None:
    import pandas as pd

    frame = pd.DataFrame({"x": np.arange(10_000)})
    kept = thinned(frame, 100)["x"].to_numpy()
    assert len(kept) == 100
    assert kept[[0, -1]].tolist() == [0, 9999]
    assert np.diff(kept).max() <= 102


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", ["sam", "concentration", "auto-concentration", "somebodys-own-sharpness"])
def test_names_at_the_ends_of_lines_lie_within_the_figure(name: str) -> None:
    looks = style.looks(["erm", name], "erm")
    steps = {method: (np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.6, 0.7])) for method in looks}
    taken: curves.Curves = {"accuracy": np.array([[0.1, 0.5, 0.9]]), "gap": np.array([[0.1, 0.2, 0.3]])}
    with style.house():
        drawn = [
            course.best_so_far(steps, looks),
            curves.learning({f"{name} 12": (name, taken)}, looks, "test"),
            *curves.others({f"{name} 12": (name, taken)}, looks),
        ]
        assert len(drawn) == 3
        for drawing in drawn:
            FigureCanvasAgg(drawing.figure).draw()
            names = [text for axes in drawing.figure.axes for text in axes.texts]
            assert len(names) > 0
            assert all(text.get_window_extent().x1 <= drawing.figure.bbox.x1 for text in names)


def test_curves_that_are_numbered_are_drawn_together() -> None:
    looks = style.looks(["erm", "sharpdro"], "erm")
    weights = {f"group_weight_{number}": np.array([[0.2, 0.2 + number / 10]]) for number in range(3)}
    with style.house():
        drawn = curves.others({"sharpdro 0": ("sharpdro", {"gap": np.array([[0.1, 0.2]]), **weights})}, looks)
    assert [one.title for one in drawn] == ["Also recorded: gap", "Also recorded: weight by group of sharpdro 0"]
    (axes,) = drawn[1].figure.axes
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2"]
    assert [float(np.asarray(line.get_ydata())[-1]) for line in axes.lines[:3]] == pytest.approx([0.2, 0.3, 0.4])
