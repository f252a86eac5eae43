"""Takes the pictures of README and of the site from the running demo: `python docs/pictures.py`.

Needs a Chromium on the path (or in CHROMIUM). Both pictures come out of one demo in an empty home.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import FloatRect, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.browser.chromium import find_chromium

PICTURES = Path(__file__).resolve().parent / "pictures"
COLUMNS = 100
#: Rich's own frame names a font's address; ours names nobody.
FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)
#: The two cards that matter, of a page that goes on below.
SHOWN = FloatRect(x=0, y=0, width=900, height=850)


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """A demo that is at its end: what it has said, in colours, and the address of its page."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
        command = [sys.executable, "-m", "cli", "demo", "--portal"]
        with subprocess.Popen(  # noqa: S603 - ours
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as running:
            try:
                said = ""
                for line in running.stdout or ():
                    said += line
                    if found := re.search(r"Open (http://127\.0\.0\.1:\d+)", line):
                        yield said, found[1]
                        return
                raise RuntimeError(f"the demo ended before its page was open:\n{said[-2000:]}")
            finally:
                running.terminate()


def plan_picture(said: str) -> str:
    """The chapter of the plan as a terminal shows it, as SVG."""
    chapter = re.search(r"\$ greenlight plan\b.*?(?=\nRequests sent)", said, re.DOTALL)
    if chapter is None:
        raise RuntimeError("the demo shows no plan")
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(chapter[0]))
    svg = console.export_svg(title="greenlight plan", theme=MONOKAI, unique_id="plan")
    return FONT.sub("", svg)


def take_page(address: str, file: Path, browser_path: str) -> None:
    """The customers' page, opened from the ATS's settings page as an admin does."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 850}, device_scale_factor=1)
        page.goto(address)
        page.get_by_role("link", name="LinkedIn integrations").first.click()
        page.get_by_role("button").first.click()
        page.get_by_text("Enabled").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=file, clip=SHOWN)
        browser.close()


def main() -> None:
    """Writes docs/pictures/plan.svg and page.png."""
    browser = os.environ.get("CHROMIUM") or find_chromium()
    if browser is None:
        sys.exit("no Chromium is on the path: install one, or name it in CHROMIUM")
    PICTURES.mkdir(exist_ok=True)
    with demo() as (said, address):
        (PICTURES / "plan.svg").write_text(plan_picture(said), encoding="utf-8")
        take_page(address, PICTURES / "page.png", browser)


if __name__ == "__main__":
    main()
