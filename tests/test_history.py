"""The history chapter: its dates, its demos and the formulas that its own cells do not check."""

import ast
import math
import re

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter

CHAPTER = Chapter(ROOT / "book/getting-started/history.md")
SKIPPED = {"claim", "explore", "Markdown"}
CONSTANTS = {"radius", "row", "SHAPES", "NOISE", "OLDER", "LATER", "Event", "EVENTS", "NAMED"}
CONSTANTS |= {"CHOICES", "LOOK", "TICKS", "error", "LABELED", "CONNECTIONS", "compute"}


def wanted(node: ast.stmt) -> bool:
    """Imports, definitions, and the constants above with the loop that fills EVENTS."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
        return True
    if isinstance(node, ast.For):
        return "EVENTS.append" in ast.unparse(node)
    if not isinstance(node, ast.Assign):
        return False
    names = {name.id for target in node.targets for name in ast.walk(target)
             if isinstance(name, ast.Name)}  # fmt: skip
    return bool(names & CONSTANTS)


@pytest.fixture(scope="module")
def chapter():
    names = {}
    for cell in CHAPTER.cells:
        for node in ast.parse(cell.source).body:
            if wanted(node):
                exec(compile(ast.Module([node], []), str(cell.line), "exec"), names)
    yield names
    plt.close("all")


def test_dates_of_the_events(chapter):
    """The syllabus and the corrected errors E-001 … E-010, typed here a second time."""
    years = {
        "bernoulli1713": 1713, "legendre1805": 1805, "gauss1809": 1809, "fisher1936": 1936,
        "mcculloch1943": 1943, "shannon1948": 1948, "turing1948": 1948, "hebb1949": 1949,
        "turing1950": 1950, "rosenblatt1958": 1958, "minsky1969": 1969, "werbos1974": 1974,
        "hopfield1982": 1982, "hinton1983": 1983, "hopfield1985": 1985, "rumelhart1986": 1986,
        "smolensky1986": 1986, "lecun1989": 1989, "boser1992": 1992, "tesauro1992": 1992,
        "hochreiter1997": 1997, "campbell2002": 1997, "hinton2006": 2006, "deng2009": 2009,
        "krizhevsky2012": 2012, "goodfellow2014": 2014, "he2016": 2015, "silver2016": 2016,
        "brown2018": 2017,
    }  # fmt: skip
    events = chapter["NAMED"]
    assert {key: events[key].year for key in years} == years
    assert [event.number for event in chapter["EVENTS"]] == list(range(1, len(events) + 1))


def test_every_event_is_cited_and_in_the_bibliography(chapter):
    cited = {key for keys in re.findall(r"\{cite\}`([^`]+)`", CHAPTER.prose)
             for key in keys.split(",")}  # fmt: skip
    entries = (ROOT / "book/references.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"^@\w+\{(\w+),", entries, re.M))
    assert set(chapter["NAMED"]) <= cited <= known


def test_nothing_rests_on_itself_or_on_the_future(chapter):
    for event in chapter["EVENTS"]:
        found = chapter["roots"](event.key)
        assert event.key not in found
        assert all(chapter["NAMED"][key].year < event.year for key in found)


@pytest.mark.parametrize(
    "name", ["2012 AlexNet", "1713 two-outcome distribution", "1989 convolutional network"]
)
def test_the_timeline_draws_the_event_and_what_it_rests_on(chapter, name):
    event, named, place = chapter["CHOICES"][name], chapter["NAMED"], chapter["place"]
    (ax,) = chapter["draw_timeline"](name).axes
    drawn = {(arrow.get_position(), arrow.xy) for arrow in ax.texts}
    expected, todo, seen = set(), [event], set()
    while todo:
        user = todo.pop()
        seen.add(user.key)
        for used in (named[key] for key in user.uses):
            expected.add(((place(used.year), used.number), (place(user.year), user.number)))
            if used.key not in seen:
                todo.append(used)
    assert drawn == expected
    thick = [arrow for arrow in ax.texts if arrow.arrow_patch.get_linewidth() > 2]
    assert len(thick) == len(event.uses)
    dots = [tuple(dot.get_offsets()[0]) for dot in ax.collections]
    assert dots[:-1] == [(place(e.year), e.number) for e in chapter["EVENTS"]]
    bright = {
        e.key
        for e, dot in zip(chapter["EVENTS"], ax.collections, strict=False)
        if dot.get_alpha() == 1
    }
    assert bright == seen
    assert dots[-1] == (place(event.year), event.number)
    assert f"in all {len(seen) - 1} earlier events" in chapter["describe_event"](name)
    plt.close("all")


def test_the_axis_of_the_timeline_keeps_the_order(chapter):
    places = [chapter["place"](year) for year in range(1700, 2020)]
    assert places == sorted(places) and len(set(places)) == len(places)


def energy(W, s):
    return (-s @ W @ s / 2).item()


def test_hebbs_products_store_and_every_change_lowers_the_energy(chapter):
    shapes = chapter["SHAPES"]
    W = sum(torch.outer(shape, shape) for shape in shapes) / shapes.shape[1]
    W.fill_diagonal_(0)
    torch.testing.assert_close(chapter["store"](shapes), W)
    s = chapter["damaged"](30)
    before = energy(W, s)
    for i in list(range(len(s))) * 3:
        h = (W[i] @ s).item()
        if h * s[i] < 0:
            s[i] *= -1
            assert energy(W, s) < before
            before = energy(W, s)
    assert torch.equal(chapter["recall"](W, s), s)


@pytest.mark.parametrize(("patterns", "percent"), [(3, 0), (3, 45), (12, 20), (30, 100)])
def test_the_memory_demo_shows_stored_damaged_and_recalled(chapter, patterns, percent):
    stored, damaged, recalled = (
        torch.as_tensor(ax.images[0].get_array()).flatten()
        for ax in chapter["draw_memory"](patterns, percent).axes
    )
    assert torch.equal(stored, chapter["SHAPES"][0])
    assert (stored != damaged).sum() == round(144 * percent / 100)
    every = torch.cat((chapter["SHAPES"], chapter["NOISE"]))[:patterns]
    W = every.T @ every / 144
    h = (W - torch.diag(torch.diag(W))) @ recalled
    assert len(every) == patterns and (h * recalled >= 0).all(), "the network is not at rest"
    share = (recalled == stored).float().mean().item()
    assert f"{share:.0%} of the pixels right" in chapter["describe_memory"](patterns, percent)
    plt.close("all")


def test_the_neuron_of_1943_is_vetoed_by_one_inhibiting_input(chapter):
    neuron = chapter["neuron"]
    assert neuron([1, 1, 1], threshold=2) == 1
    assert neuron([1, 1, 1], threshold=2, inhibiting=[0, 1]) == 0
    assert neuron([1, 0, 0], threshold=2) == 0


def test_the_hand_made_features_see_direction_and_cell(chapter):
    X = torch.zeros(2, 1, 40, 40)
    X[0, 0, :, 20:] = 1  # a vertical border in the middle
    X[1, 0, 20:, :] = 1  # a horizontal one
    vertical, horizontal = chapter["edges"](X).reshape(2, 8, 8, 8)
    assert vertical[0].sum() > 0 and vertical[1:].sum() == 0
    assert horizontal[4].sum() > 0 and horizontal[:4].sum() == 0 and horizontal[5:].sum() == 0
    assert (vertical[0].sum(dim=0) > 0).tolist() == [column in (3, 4) for column in range(8)]


def test_typed_numbers(chapter):
    """Numbers of the prose that no cell computes."""
    entropy = -(0.9 * math.log2(0.9) + 0.1 * math.log2(0.1))
    assert f"only {entropy:.2f}" in CHAPTER.prose.replace("\n", " ")
    assert chapter["error"][2010] == 28.2 and chapter["error"][2017] == 2.25
    # The order of magnitude that Sevilla et al. (2022) list for LeNet-5 and AlexNet.
    assert chapter["compute"][1998] == pytest.approx(2.8e12, rel=0.3)
    assert chapter["compute"][2012] == pytest.approx(4.7e17, rel=0.1)
