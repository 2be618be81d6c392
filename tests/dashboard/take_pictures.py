"""Take the docs' pictures of the pages: `python -m tests.dashboard.take_pictures ADDRESS FOLDER`.

ADDRESS is that of a follower with `--pred_viz` in flight, which has a recording with ground truth and a training. The
active model is compared with that training's on the newest recording.
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboard.browser import chromium, until

DESKTOP, PHONE = (1440, 900), (390, 844)


def main(address: str, folder: Path) -> None:
    """Write all pictures to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name, scheme, size in (
            ("dashboard_dark", "dark", DESKTOP),
            ("dashboard_light", "light", DESKTOP),
            ("dashboard_phone", "dark", PHONE),
        ):
            page = visit(browser, address, scheme, size)
            page.get_by_text("Following", exact=True).wait_for()
            page.wait_for_timeout(20_000)  # until the timelines show something
            page.screenshot(path=folder / f"{name}.png", full_page=size == PHONE)

        page = visit(browser, f"{address}recordings", "light", DESKTOP)
        page.locator("tbody a").first.wait_for()
        page.screenshot(path=folder / "recordings_light.png")
        page.locator("tbody a").first.click()
        page.locator("#strip").wait_for()
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(3000)
        page.screenshot(path=folder / "recording_dark.png")

        page = visit(browser, f"{address}workshop", "dark", DESKTOP)
        page.locator("#curves canvas").first.wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=folder / "workshop_dark.png")
        compare(page)
        page.emulate_media(color_scheme="light")
        page.wait_for_timeout(1000)
        page.locator("#compare").screenshot(path=folder / "workshop_compare_light.png")


def visit(browser: Browser, address: str, scheme: str, size: tuple[int, int]) -> Page:
    """Open a page of the follower in a window of its own."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.goto(address)
    return page


def compare(page: Page) -> None:
    """Compare the active model with the newest training's and show the frame of the largest gain."""
    page.locator("#second").select_option(index=1)
    page.get_by_role("spinbutton", name="Frames").fill("120")
    page.get_by_role("button", name="Compare").click()
    until(page, lambda: "frames compared" in page.locator("#compare-state").inner_text(), seconds=300)
    page.wait_for_timeout(2000)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
