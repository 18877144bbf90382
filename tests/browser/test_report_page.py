"""Reports as a real browser shows them: nothing loaded, nothing refused, usable by everybody."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Visit = Callable[..., Any]
SCHEMES = ("light", "dark")
WIDTHS = (320, 420, 800, 1280)


@pytest.mark.parametrize("name", ["small", "hostile"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_is_asked_for_and_nothing_is_refused(visit: Visit, name: str, scheme: str) -> None:
    """With everything open; `visit` holds what the page asked for and what the console said."""
    page = visit(name, color_scheme=scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.get_by_role("button", name="Ran").click()
    page.get_by_label("Find").fill("a")
    assert page.locator("script").count() == 1
    assert page.locator("style").count() == 1


@pytest.mark.parametrize(
    "broken",
    [
        "add('<img src=https://evil.example/x.png>')",
        "add('<p style=\"color:red\">x</p>')",
        "add('<b id=b onclick=\"hit = 1\">x</b>'); b.click()",
        "add('<style>p { color: red }</style>')",
        "add('<object data=https://evil.example/>')",
        "const made = document.createElement('script'); made.text = 'hit = 1'; body.append(made)",
        "fetch('https://evil.example/').catch(() => 0)",
        'location.assign("javascript:hit = 1")',
    ],
)
def test_what_would_break_out_of_its_place_would_do_nothing(
    browser: Any, reports: dict[str, Path], broken: str
) -> None:
    """The policy of the page refuses it: markup that got in would be dead."""
    page = browser.new_page()
    page.goto(reports["small"].as_uri())
    page.evaluate(
        "() => addEventListener('securitypolicyviolation', (e) => { refused = e.blockedURI })"
    )
    add = "const body = document.body; const add = (t) => body.insertAdjacentHTML('beforeend', t);"
    page.evaluate(f"() => {{ {add} {broken} }}")
    page.wait_for_function("() => window.refused !== undefined")
    assert page.evaluate("() => window.hit") is None
    page.close()


def test_hostile_names_and_output_stay_text(visit: Visit) -> None:
    """No element, dialog, title or address comes of them; they can be read."""
    page = visit("hostile")
    page.wait_for_timeout(200)
    assert page.evaluate("() => document.querySelectorAll('img, iframe, object, b').length") == 0
    assert page.title().startswith("✗ demo failed")
    links = page.evaluate("() => Array.from(document.links, (each) => each.href)")
    assert {link.partition("#")[0] for link in links} == {page.url}
    assert "<script>alert(1)</script>" in page.locator("h1").inner_text()
    output = page.locator("article pre").first.inner_text()
    assert "<script>alert(1)</script>" in output
    assert r"\u{202e}gnp.exe\u{202c}" in output
    # A name from right to left moves nothing beside it.
    box = page.locator("tbody th").first.bounding_box()
    assert box is not None
    assert box["x"] < 60


def tree(page: Any) -> list[tuple[str, str]]:
    """Roles and names of what assistive technology is told of."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and "role" in node
    ]


@pytest.mark.parametrize("name", ["small", "hostile"])
def test_every_control_and_landmark_has_a_name(visit: Visit, name: str) -> None:
    """Buttons, links, boxes, regions, tables and pictures, as Chromium tells them to a reader."""
    page = visit(name)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    told = tree(page)
    wanted = {
        "button", "link", "checkbox", "searchbox", "region", "table", "image", "navigation",
        "search", "DisclosureTriangle", "heading", "columnheader", "rowheader", "form",
    }  # fmt: skip
    nameless = [role for role, words in told if role in wanted and not words.strip()]
    # The corner of the table of bounds is empty, as corners are.
    assert [role for role in nameless if role != "columnheader"] == []
    roles = {role for role, _ in told}
    assert {"banner", "navigation", "main", "contentinfo", "search", "table", "image"} <= roles
    assert [words for role, words in told if role == "search"] == ["Filter the stages"]
    # Every row and head of the table is still one, whatever the style sheet makes of them.
    rows = page.locator("table.stages tr").count()
    assert sum(role == "row" for role, _ in told) >= rows


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data);
  };
  const light = (color) => {
    const parts = rgb(color).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgb(color)[3] === 255) return color;
    }
    return "white";
  };
  const ratio = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, title")) continue;
    const style = getComputedStyle(element);
    const box = element.closest(".graph svg") && element.parentElement.querySelector(".box");
    const color = element.closest("svg") ? style.fill : style.color;
    const fill = box && getComputedStyle(box).fill;
    const ground = fill && fill !== "none" ? fill : behind(element);
    found.push([ratio(color, ground), walker.currentNode.data.trim().slice(0, 40), color, ground]);
  }
  for (const shape of document.querySelectorAll(".picture rect, .swatch rect, .graph .box")) {
    const style = getComputedStyle(shape);
    const color = style.fill === "none" || shape.matches(".box") ? style.stroke : style.fill;
    // A thing that isn't text may have three where text has four and a half.
    found.push([ratio(color, behind(shape)) * 1.5, shape.getAttribute("class"), color, ""]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_everything_stands_out_from_its_ground(visit: Visit, scheme: str) -> None:
    """WCAG 2.2: text by 4.5 to 1, shapes that mean something by 3 to 1, in both schemes."""
    page = visit("small", color_scheme=scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 300
    assert [each for each in found if each[0] < 4.5] == []


def test_a_keyboard_reaches_and_works_everything(visit: Visit) -> None:
    """In the order of the page, each with a ring around it; the first one skips to the table."""
    page = visit("small")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the stages"
    page.keyboard.press("Enter")
    assert page.url.endswith("#stages")
    page.goto(page.url.partition("#")[0])
    places = []
    while True:
        page.keyboard.press("Tab")
        state = page.evaluate("""() => {
          const at = document.activeElement;
          if (at === document.body) return null;
          const box = at.getBoundingClientRect();
          const all = Array.from(document.querySelectorAll("*"));
          const ring = getComputedStyle(at).outlineStyle;
          return [all.indexOf(at), at.tagName, ring, box.top < innerHeight && box.bottom > 0];
        }""")
        if state is None:
            break
        places.append(state)
        assert len(places) < 200
    assert [place for place, _, _, _ in places] == sorted(place for place, _, _, _ in places)
    assert {ring for _, _, ring, _ in places} == {"solid"}
    assert all(is_seen for _, _, _, is_seen in places)
    assert {"A", "PRE", "SUMMARY", "BUTTON", "INPUT", "DIV"} <= {tag for _, tag, _, _ in places}

    first = page.locator(".bars summary").first
    first.focus()
    page.keyboard.press("Enter")
    assert first.evaluate("(each) => each.parentElement.open")
    page.get_by_role("button", name="Stage").focus()
    page.keyboard.press("Space")
    assert rows_of(page) == sorted(rows_of(page))


def rows_of(page: Any) -> list[str]:
    """The stages of the table as it is seen."""
    names: list[str] = page.evaluate(
        """() => Array.from(document.querySelectorAll("table.stages tbody tr"))
          .filter((row) => row.checkVisibility()).map((row) => row.cells[0].textContent)"""
    )
    return names


def test_the_table_is_sorted_by_any_column(visit: Visit) -> None:
    """Up, down, and back; `aria-sort` says so; what has no figure stands last."""
    page = visit("small")
    planned = rows_of(page)
    head = page.locator("th", has_text="Ran")
    seen = []
    for order in ("ascending", "descending", "none"):
        page.get_by_role("button", name="Ran").click()
        assert head.get_attribute("aria-sort") == order
        assert "sorted by Ran" in page.get_by_role("status").inner_text()
        seen.append(rows_of(page))
    assert seen[0][:3] == ["clean", "seed", "fetch"]
    assert seen[1][:2] == ["database", "types"]
    assert seen[0][-1] == seen[1][-1] == "publish"
    assert seen[2] == planned
    page.get_by_role("button", name="State").click()
    assert rows_of(page)[0] == "types"
    assert page.locator("th[aria-sort]:not([aria-sort=none])").count() == 1


def test_the_table_is_filtered_by_words_and_states(visit: Visit) -> None:
    """All words must be there; the count is told to those who don't see it."""
    page = visit("small")
    status = page.get_by_role("status")
    assert status.inner_text() == "11 of 11 shown"
    page.get_by_label("Find").fill("UNIT 3.12")
    status.get_by_text("1 of 11 shown", exact=True).wait_for()
    assert rows_of(page) == ["unit[python=3.12]"]
    page.get_by_label("Find").fill("")
    page.get_by_label("succeeded (9)").uncheck()
    status.get_by_text("2 of 11 shown", exact=True).wait_for()
    assert rows_of(page) == ["types", "publish"]
    page.keyboard.press("Tab")


def test_a_link_opens_what_it_leads_to(visit: Visit) -> None:
    """Also where the browser would leave it closed, and again after somebody has closed it."""
    page = visit("small")
    part = page.locator("#s2")
    for _ in range(2):
        page.locator("table.stages a", has_text="build").click()
        part.wait_for(state="visible")
        part.evaluate("(each) => { each.closest('details').open = false }")
        part.wait_for(state="hidden")


def test_all_of_it_is_there_without_its_script(visit: Visit) -> None:
    """No control that does nothing; a link opens what it leads to."""
    page = visit("small", java_script_enabled=False)
    assert page.locator("table.stages tbody tr").count() == 11
    assert not page.locator("form").is_visible()
    assert page.get_by_role("button").count() == 0
    assert not page.locator("#s2").is_visible()
    page.locator("table.stages a", has_text="build").click()
    page.locator("#s2").wait_for(state="visible")
    assert "npm run build" in page.locator("#s2").inner_text()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["small", "hostile"])
def test_no_window_is_too_narrow(visit: Visit, name: str, width: int) -> None:
    """The page scrolls down only; what is wide by nature scrolls in a place of its own."""
    page = visit(name, width=width)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= width


def test_a_report_of_five_thousand_stages_grows_no_faster_than_its_table(visit: Visit) -> None:
    """Against one of 500: elements, and the work of showing and of sorting it, by their ratio."""
    costs = {}
    for name in ("some", "large"):
        page = visit(name)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.get_by_role("button", name="Ran").click()
        page.get_by_label("Find").fill("9")
        page.get_by_role("status").get_by_text(re.compile("^[0-9,]+ of")).wait_for()
        metrics = session.send("Performance.getMetrics")["metrics"]
        told = {each["name"]: each["value"] for each in metrics}
        elements = page.evaluate("() => document.querySelectorAll('*').length")
        work = told["LayoutDuration"] + told["RecalcStyleDuration"] + told["ScriptDuration"]
        costs[name] = (elements, work)
    assert costs["large"][0] < 5000 * 20 + 30_000
    assert costs["large"][0] < costs["some"][0] * 5
    # The table is ten times as long; what of it is out of sight is not laid out.
    assert costs["large"][1] < costs["some"][1] * 10


def test_paper_has_neither_controls_nor_a_dark_ground(visit: Visit, shots: Path) -> None:
    """Whatever the scheme of the screen; nothing is cut off."""
    page = visit("small", color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("form").is_visible()
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    # Paper can't be scrolled: a word that is wider than it is broken.
    page.locator("article pre code").first.evaluate("code => code.append('x'.repeat(2000))")
    assert page.locator("article pre").first.evaluate("it => it.scrollWidth <= it.clientWidth")
    page.emulate_media(media="screen")
    page.pdf(path=shots / "print.pdf", print_background=True)
    assert (shots / "print.pdf").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("picture", "name", "options"),
    [
        ("light", "small", {"color_scheme": "light"}),
        ("dark", "small", {"color_scheme": "dark"}),
        ("narrow", "small", {"width": 390}),
        ("hostile", "hostile", {}),
        ("large", "large", {"color_scheme": "dark"}),
    ],
)
def test_pictures_are_taken_to_be_looked_at(
    visit: Visit, shots: Path, picture: str, name: str, options: dict[str, Any]
) -> None:
    """In build/browser; that they are handsome is for people to say."""
    page = visit(name, **options)
    page.screenshot(path=shots / f"{picture}.png", full_page=name != "large")
    assert (shots / f"{picture}.png").stat().st_size > 10_000
