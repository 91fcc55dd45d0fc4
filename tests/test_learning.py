"""Questions, predictions, definitions and folded solutions, in a real browser."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

PAGE = """# The page

A {term}`loss` of a {term}`batch`.

```{admonition} Predict first
:class: predict

What will happen?
```

## Questions

```{question} Which gate is no single perceptron?
- ( ) AND

  It is one.
- (x) XOR

  Its inequalities contradict each other.
- ( ) OR

  It is one, too.
```

```{question} Which are even?
- (x) Two

  It is twice one.
- ( ) Three

  It is not.
- (x) Four

  It is twice two.
```

```{question} How large is it?
:answer: 0.25
:tolerance: 0.001

Because of *this*.
```

```{question} How many weights?
:answer: 61706
:tolerance: 0

Count them.
```

```{exercise} Do it
:label: ex-do
Do it.
```

```{solution} ex-do
:class: dropdown
It is done.
```
"""

GLOSSARY = """# Glossary

```{glossary}
batch
  (批) The samples of one step; see {term}`loss`.

loss
  (损失) What training makes small.

unused
  (无) No page links to it.
```
"""


def sphinx(root, page=PAGE, glossary=GLOSSARY):
    """Build the small project; what did not change is not read again."""
    (root / "conf.py").write_text(
        "extensions = ['myst_parser', 'sphinx_exercise', 'course_lib.tools.sphinx_ext']\n"
        "html_theme = 'basic'\nnumfig = True\n"
    )
    (root / "page.md").write_text(page, encoding="utf-8")
    (root / "glossary.md").write_text(glossary, encoding="utf-8")
    (root / "index.md").write_text("# Index\n\n```{toctree}\npage\nglossary\n```\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", ".", "out"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return root / "out"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return sphinx(tmp_path_factory.mktemp("learning"))


@pytest.fixture
def page(chromium, out):
    """The page, freshly opened from a file, with nothing kept."""
    chromium.get((out / "page.html").as_uri())
    chromium.execute_script("localStorage.clear()")
    chromium.get_log("browser")
    chromium.refresh()
    yield chromium
    errors = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert not errors


def question(browser, number):
    return browser.find_elements("css selector", ".question")[number]


def choose(box, *numbers):
    inputs = box.find_elements("css selector", "input")
    for number in numbers:
        inputs[number].click()
    box.find_element("css selector", "button[type=submit]").click()


def explained(box):
    found = box.find_elements("css selector", ".explanation")
    return [explanation.is_displayed() for explanation in found]


def status(box):
    return box.find_element("css selector", ".question-status").text


def progress(browser):
    return browser.find_element("css selector", ".question-progress").text


def test_a_choice_explains_itself_and_the_right_one_explains_all(page):
    box = question(page, 0)
    assert explained(box) == [False] * 3
    choose(box)
    assert status(box) == "Choose an answer first." and explained(box) == [False] * 3
    choose(box, 2)
    assert status(box).startswith("Not yet") and explained(box) == [False, False, True]
    assert "It is one, too." in box.text and "contradict" not in box.text
    choose(box, 1)
    assert status(box) == "Right." and explained(box) == [True] * 3
    assert progress(page).startswith("1 of 4 questions answered right.")


def test_all_right_choices_are_needed_where_several_are_right(page):
    box = question(page, 1)
    choose(box, 0)
    assert status(box) == "Right so far, but not all of it."
    choose(box, 1)
    assert status(box).startswith("Not yet") and explained(box) == [True, True, False]
    choose(box, 1, 2)  # the first click takes the wrong one away
    assert status(box) == "Right." and explained(box) == [True] * 3


@pytest.mark.parametrize(
    "number, typed, right",
    [
        (2, "0.25", True),
        (2, " 0,2509 ", True),
        (2, "1/4", True),
        (2, "25 %", True),
        (2, "2.5e-1", True),
        (2, "0.252", False),
        (2, "-0.25", False),
        (2, "4/1", False),
        (3, "61706", True),
        (3, "61,706", True),
        (3, "61 706", True),
        (3, "61707", False),
        (3, "61.706", False),
    ],
)
def test_numbers_are_read_as_people_write_them(page, number, typed, right):
    box = question(page, number)
    box.find_element("css selector", "input").send_keys(typed)
    choose(box)
    assert (status(box) == "Right.") == right
    assert explained(box) == [right]


@pytest.mark.parametrize("typed", ["", "many", "1/0", "1/2/3"])
def test_what_is_no_number_is_no_answer(page, typed):
    box = question(page, 2)
    box.find_element("css selector", "input").send_keys(typed)
    choose(box)
    assert status(box).startswith("Type a number")
    assert progress(page).startswith("0 of 4")


def test_every_explanation_can_be_shown_without_answering(page):
    for number in range(4):
        box = question(page, number)
        box.find_element("css selector", "button[type=button]").click()
        assert all(explained(box))
    assert progress(page).startswith("0 of 4")


def test_a_question_is_answered_with_the_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    box = question(page, 0)
    first = box.find_element("css selector", "input")
    first.send_keys(Keys.SPACE, Keys.ARROW_DOWN, Keys.ENTER)
    assert status(box) == "Right."
    group = box.find_element("css selector", "fieldset")
    assert group.accessible_name == "Which gate is no single perceptron?"


def test_answers_are_kept_until_the_reader_starts_over(page):
    choose(question(page, 0), 1)
    choose(question(page, 1), 1)
    question(page, 2).find_element("css selector", "input").send_keys("1/4")
    choose(question(page, 2))
    page.refresh()
    assert progress(page).startswith("2 of 4") and "this browser only" in progress(page)
    assert status(question(page, 0)) == "Right."
    assert explained(question(page, 1)) == [False, True, False]
    value = question(page, 2).find_element("css selector", "input").get_attribute("value")
    assert value == "1/4"
    page.find_element("css selector", ".question-progress button").click()
    assert progress(page).startswith("0 of 4") and not any(explained(question(page, 0)))
    page.refresh()
    assert progress(page).startswith("0 of 4")


def test_answers_to_an_older_form_of_a_question_do_not_count(tmp_path):
    def identifiers(page):
        html = (sphinx(tmp_path, page) / "page.html").read_text(encoding="utf-8")
        return re.findall(r'id="(question-\w+)"', html)

    before, after = identifiers(PAGE), identifiers(PAGE.replace("( ) OR", "( ) NOR"))
    assert before[0] != after[0] and before[1:] == after[1:]


BLOCKED = "Object.defineProperty(window, 'localStorage', {get() {throw new DOMException('no')}})"
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full') }"


STUB = (
    "Object.defineProperty(window, 'localStorage', "
    "{value: {getItem() { return null }, setItem() {}, removeItem() {}}})"
)


@pytest.mark.parametrize("fault", [BLOCKED, FULL, STUB], ids=["blocked", "full", "stub"])
def test_without_storage_nothing_is_kept_and_everything_works(chromium, out, fault):
    added = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": fault})
    try:
        chromium.get((out / "page.html").as_uri())
        choose(question(chromium, 0), 1)
        assert status(question(chromium, 0)) == "Right."
        assert "1 of 4" in progress(chromium) and "does not keep" in progress(chromium)
        field = chromium.find_element("css selector", ".predict textarea")
        field.send_keys("It falls.")
    finally:
        chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_without_scripts_answers_and_solutions_can_be_opened(chromium, out):
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.get((out / "page.html").as_uri())
        folded = chromium.find_elements("css selector", ".question details, details.solution")
        assert len(folded) == 3 + 3 + 1 + 1 + 1
        for box in folded:
            content = box.find_element("css selector", ":scope > :not(summary)")
            assert not content.is_displayed()
            box.find_element("tag name", "summary").click()
            assert content.is_displayed() and content.text
        tips = chromium.find_elements("css selector", ".course-definition")
        assert not any(tip.is_displayed() for tip in tips)
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_predictions_are_kept(page):
    field = page.find_element("css selector", ".predict textarea")
    assert "Predict first" in field.accessible_name
    field.send_keys("It falls.")
    page.refresh()
    field = page.find_element("css selector", ".predict textarea")
    assert field.get_attribute("value") == "It falls."


def tips(browser):
    found = browser.find_elements("css selector", ".course-definition")
    return [tip.text for tip in found if tip.is_displayed()]


def terms(browser):
    return browser.find_elements("css selector", "a.course-term")


def test_a_page_carries_the_definitions_of_its_own_terms(out):
    html = (out / "page.html").read_text(encoding="utf-8")
    assert html.count('class="course-definition"') == 2 and "No page links to it" not in html
    shown = html.split('id="definition-term-batch"')[1].split("</div>")[0]
    assert "<a " not in shown  # a tooltip holds nothing to click


def test_hover_shows_a_definition_that_can_be_reached_and_dismissed(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    ActionChains(page).move_to_element(terms(page)[0]).perform()
    assert tips(page) == ["loss\n(损失) What training makes small."]
    tip = page.find_element("id", "definition-term-loss")
    ActionChains(page).move_to_element(tip).pause(0.4).perform()
    assert tips(page)
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    assert not tips(page)
    ActionChains(page).move_to_element(terms(page)[1]).perform()
    assert tips(page)[0].startswith("batch")
    ActionChains(page).move_to_element(question(page, 0)).perform()
    WebDriverWait(page, 5).until(lambda _: not tips(page))


def test_the_keyboard_shows_definitions_and_follows_the_link(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.execute_script("arguments[0].focus()", terms(page)[0])
    assert tips(page)[0].startswith("loss")
    described = terms(page)[0].get_attribute("aria-describedby")
    assert page.find_element("id", described).get_attribute("role") == "tooltip"
    ActionChains(page).send_keys(Keys.TAB).perform()
    assert tips(page)[0].startswith("batch") and len(tips(page)) == 1
    ActionChains(page).send_keys(Keys.ENTER).perform()
    assert page.current_url.endswith("glossary.html#term-batch")


def test_the_first_touch_shows_a_definition_and_the_second_follows_the_link(chromium, out):
    def tap(element):
        place = chromium.execute_script(
            "const r = arguments[0].getBoundingClientRect();"
            "return {x: r.x + r.width / 2, y: r.y + r.height / 2}",
            element,
        )
        for kind, points in (("touchStart", [place]), ("touchEnd", [])):
            event = {"type": kind, "touchPoints": points}
            chromium.execute_cdp_cmd("Input.dispatchTouchEvent", event)

    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        chromium.get((out / "page.html").as_uri())
        tap(terms(chromium)[0])
        assert chromium.current_url.endswith("page.html") and tips(chromium)[0].startswith("loss")
        tap(terms(chromium)[1])
        assert tips(chromium)[0].startswith("batch") and len(tips(chromium)) == 1
        tap(chromium.find_element("tag name", "h1"))
        assert not tips(chromium)
        tap(terms(chromium)[1])
        tap(terms(chromium)[1])
        assert chromium.current_url.endswith("glossary.html#term-batch")
    finally:
        chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_a_changed_definition_reaches_the_pages_that_show_it(tmp_path):
    sphinx(tmp_path)
    out = sphinx(tmp_path, glossary=GLOSSARY.replace("What training makes small", "The penalty"))
    assert "The penalty" in (out / "page.html").read_text(encoding="utf-8")


def test_solutions_are_folded_and_refer_to_their_exercise(out):
    html = (out / "page.html").read_text(encoding="utf-8")
    solution = html.split('<details class="solution admonition"')[1]
    title = re.sub(r"<[^>]+>", "", solution.split("</summary>")[0].split(">", 1)[1])
    assert title == "Solution to Exercise 1 (Do it)"
    assert "<a " not in solution.split("</summary>")[0]  # a summary is a button
    assert 'id="solution-content"' not in html
