"""The pages of birnn in a browser, for `cargo xtask browser`: draws, types, pastes, and says what the pages answered.

Reads a plan, JSON on stdin, and writes what it found as JSON to stdout. What must hold whatever is answered is checked
here: no error on the console, no request to elsewhere, nothing serious by axe-core.
"""

import itertools
import json
import math
import sys
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright


def arc(x, y, width, height, begin, end, count=12):
    """Points on an ellipse, angles in degrees from the right, downwards."""
    angles = [math.radians(begin + (end - begin) * step / count) for step in range(count + 1)]
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


# Strokes in the unit square, x to the right and y down.
DIGITS = {
    "0": [arc(0.5, 0.5, 0.2, 0.33, -90, 270)],
    "1": [[(0.52, 0.15), (0.48, 0.85)]],
    "2": [arc(0.5, 0.32, 0.18, 0.17, -170, 40) + [(0.34, 0.82), (0.7, 0.82)]],
    "3": [arc(0.47, 0.32, 0.17, 0.16, -150, 90) + arc(0.47, 0.65, 0.2, 0.18, -90, 150)],
    "4": [[(0.36, 0.15), (0.33, 0.52), (0.68, 0.5)], [(0.64, 0.2), (0.6, 0.86)]],
    "5": [[(0.67, 0.17), (0.4, 0.18), (0.37, 0.46)] + arc(0.48, 0.63, 0.18, 0.19, -110, 140)],
    "6": [[(0.6, 0.14), (0.43, 0.38)] + arc(0.5, 0.65, 0.17, 0.19, -150, 210)],
    "7": [[(0.32, 0.18), (0.68, 0.18), (0.46, 0.86)]],
    "8": [arc(0.5, 0.32, 0.14, 0.16, 90, -270) + arc(0.5, 0.67, 0.18, 0.19, -90, 270)],
    "9": [arc(0.5, 0.33, 0.16, 0.17, 0, -360) + [(0.66, 0.34), (0.6, 0.86)]],
}


class Browser:
    def __init__(self, browser, folder):
        self.browser, self.folder = browser, folder
        self.problems = []

    def page(self, url, width=1280, scheme="light", workers=""):
        """A page that has its network; what it does that it should not is kept."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        if workers:
            context.add_init_script(workers)
        page = context.new_page()
        own = url.split("/")[2] if url.startswith("http") else None
        page.on("console", lambda said: self.problems.append(f"{url}: console: {said.text}"))
        page.on("pageerror", lambda error: self.problems.append(f"{url}: {error}"))
        page.on("request", lambda request: self.ask(request.url, url, own))
        page.goto(url)
        page.wait_for_selector("#input > *")
        # A page without a server computes beside itself, where it can.
        count = 1 if url.startswith("file:") and not workers else 0
        deadline = time.monotonic() + 5
        while len(page.workers) != count and time.monotonic() < deadline:
            page.wait_for_timeout(20)
        if len(page.workers) != count:
            self.problems.append(f"{url}: has {len(page.workers)} workers")
        return page

    def ask(self, asked, url, own):
        allowed = asked.startswith(("data:", "blob:")) or asked.split("#")[0] == url
        if not allowed and not (own and asked.split("/")[2] == own):
            self.problems.append(f"{url}: asks {asked}")

    def answer(self, page):
        """The answer to what is drawn or typed now, once all of it is shown."""
        for _ in range(1500):
            found = page.evaluate(
                """() => {
                    if (!window.birnn?.isWhole) return null;
                    const { sample, explanation } = window.birnn;
                    return JSON.stringify({ sample: sample.pixels ? { pixels: [...sample.pixels] } : sample, explanation });
                }"""
            )
            if found:
                return json.loads(found)
            page.wait_for_timeout(20)
        raise SystemExit("a page gave no answer within 30 seconds")

    def serious(self, page, name):
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                targets = [node["target"] for node in violation["nodes"]][:3]
                self.problems.append(f"{name}: {violation['id']} ({violation['impact']}): {targets}")

    def look(self, page, name):
        """A screenshot, what axe-core finds, and whether anything is wider than the window."""
        self.serious(page, name)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self.problems.append(f"{name}: is wider than the window")
        page.screenshot(path=f"{self.folder}/{name}.png", full_page=True)


def draw(page, digit):
    """By the mouse; says when it is up."""
    page.locator("#clear").click() if page.locator("#clear").is_enabled() else None
    box = page.locator("#pad").bounding_box()
    for stroke in DIGITS[digit]:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def drawn(browser, plan):
    """All digits on each page, and what was read from it."""
    found = []
    for name, url in plan["draw"].items():
        page = browser.page(url)
        for digit in DIGITS:
            draw(page, digit)
            answer = browser.answer(page)
            answer["shown"] = page.locator("#class").inner_text()
            found.append({"page": name, "digit": digit, **answer})
        # Undo and clear, by the keyboard.
        strokes = len(DIGITS["4"])
        draw(page, "4")
        for left in range(strokes - 1, -1, -1):
            page.keyboard.press("Control+z")
            marks = page.evaluate("document.getElementById('undo').disabled")
            if marks != (left == 0):
                browser.problems.append(f"{name}: undo leaves other strokes than {left}")
        if page.locator("#class").count():
            browser.problems.append(f"{name}: there is an answer to nothing")
        page.context.close()
    for (name, url), scheme, width in itertools.product(plan["draw"].items(), ("light", "dark"), (390, 1280)):
        page = browser.page(url, width, scheme)
        if name.endswith("served"):
            browser.look(page, f"{name}-{width}-{scheme}-empty")
        draw(page, "2")
        browser.answer(page)
        browser.look(page, f"{name}-{width}-{scheme}")
        page.context.close()
    return found


# Browsers that give a file no worker, or one that does not begin.
NO_WORKERS = {
    "none": "delete globalThis.Worker",
    "broken": """globalThis.Worker = class {
        constructor() { setTimeout(() => this.onerror(new Event("error")), 200); }
        postMessage() {}
        terminate() {}
    }""",
}


def without_workers(browser, plan):
    """A digit on a page without a server, in browsers that give it no worker."""
    found = {}
    for name, script in NO_WORKERS.items():
        page = browser.page(plan["draw"]["digits-file"], workers=script)
        draw(page, "5")
        found[name] = browser.answer(page)
        page.context.close()
    return found


def until(page, expression):
    """Waits for what the page itself may not evaluate, by its policy."""
    for _ in range(1500):
        if page.evaluate(f"Boolean({expression})"):
            return
        page.wait_for_timeout(10)
    raise SystemExit(f"not within 15 seconds: {expression}")


def paste(page, lines):
    """At once; Playwright's own way takes Chromium a minute for thousands of lines."""
    page.evaluate(
        """text => {
            const area = document.querySelector("textarea");
            area.value = text;
            area.dispatchEvent(new Event("input"));
        }""",
        "\n".join(lines),
    )


def hurried(browser, plan):
    """A long series that is taken back, and asked again with another, while the first is worked out."""
    page = browser.page(plan["type"]["waves-file"][0])
    lines = [f"{step % 7};{step % 5}" for step in range(4000)]
    paste(page, lines)
    until(page, "window.birnn && !window.birnn.isWhole")
    paste(page, [])
    until(page, "!window.birnn")
    page.wait_for_timeout(500)
    if page.evaluate("Boolean(window.birnn)"):
        browser.problems.append("there is an answer to what was taken back")
    paste(page, lines[:1500])
    until(page, "window.birnn")
    paste(page, lines[:5])
    answer = browser.answer(page)
    if len(answer["sample"]["steps"]) != 5 or answer["explanation"]["forming"]["steps"] != [1, 2, 3, 4, 5]:
        browser.problems.append("the answer is to what was asked before")
    page.context.close()


def opened(browser, plan):
    """A picture's file, on each page."""
    found = []
    for name, url in plan["draw"].items():
        page = browser.page(url)
        page.locator("#file").set_input_files(plan["picture"])
        found.append({"page": name, **browser.answer(page)})
        page.locator("#file").set_input_files(plan["no_picture"])
        page.wait_for_selector(".drawing .problem:not(:empty)")
        page.context.close()
    return found


def whole(browser, plan):
    """A picture as large as the images of networks that learnt from whole ones."""
    found = []
    for name, url in plan["whole"].items():
        page = browser.page(url)
        page.locator("#file").set_input_files(plan["whole_picture"])
        found.append({"page": name, **browser.answer(page)})
        page.context.close()
    return found


def typed(browser, plan):
    """Texts and tables, on each page that takes them."""
    found = []
    for name, (url, text, wrong) in plan["type"].items():
        page = browser.page(url)
        page.locator("textarea").fill(text)
        answer = browser.answer(page)
        answer["marked"] = page.locator("#marked").inner_text() if page.locator("#marked").count() else None
        found.append({"page": name, **answer})
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            browser.look(page, f"{name}-{width}")
        if wrong:
            page.locator("textarea").fill(wrong)
            page.wait_for_selector(".typing .problem:not(:empty)")
            found[-1]["problem"] = page.locator(".typing .problem").inner_text()
        page.context.close()
    return found


def computed(browser, plan):
    """What pages without a server compute, of each network all samples."""
    found = []
    context = browser.browser.new_context()
    page = context.new_page()
    page.on("pageerror", lambda error: browser.problems.append(str(error)))
    for net in plan["compute"]:
        page.goto(net["url"])
        found.append(page.evaluate(
            """samples => samples.map(sample => {
                const net = new Net(JSON.parse(document.getElementById("net").textContent));
                const forming = net.about.per_step ? null : sample.all.map((_, at) => net.forming(sample, sample.all, at));
                return { ...net.explain(sample), forming };
            })""",
            net["samples"],
        ))
    context.close()
    return found


def main():
    plan = json.load(sys.stdin)
    with sync_playwright() as playwright:
        # A page has no rights that a sandbox takes away; as root, Chromium has none.
        chromium = playwright.chromium.launch(executable_path=plan["chromium"], args=["--no-sandbox"])
        browser = Browser(chromium, plan["screenshots"])
        found = {
            "computed": computed(browser, plan),
            "drawn": drawn(browser, plan),
            "without_workers": without_workers(browser, plan),
            "hurried": hurried(browser, plan),
            "opened": opened(browser, plan),
            "whole": whole(browser, plan),
            "typed": typed(browser, plan),
        }
        chromium.close()
    json.dump({**found, "problems": browser.problems}, sys.stdout)


main()
