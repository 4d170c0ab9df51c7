"""What is drawn on the canvas of a trend, by the colours of its pixels."""

from playwright.sync_api import Page

WIDTH = 3  # pixels that are looked at
NEAR = 25  # how far a pixel's red, green or blue may be from a line's
FAINT = 5  # a pixel of a line of the grid or so, and not of a shade

_PIXELS = """([part, width]) => {
  const canvas = document.querySelector(".chart canvas");
  const [over, box] = [document.querySelector(".chart .u-over"), canvas].map((one) => one.getBoundingClientRect());
  const scale = canvas.width / box.width;
  const left = over.left - box.left + part * over.width - width / 2;
  const area = [left, over.top - box.top, width, over.height].map((at) => at * scale);
  const shot = canvas.getContext("2d").getImageData(...area);
  return Array.from({ length: shot.data.length / 4 }, (_, at) => [...shot.data.slice(4 * at, 4 * at + 4)]);
}"""

_COLOUR = """(name) => {
  const probe = document.body.appendChild(document.createElement("span"));
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
  probe.remove();
  return found;
}"""


def drawn(page: Page, part: float, colour: str = "--line-0") -> bool:
    """Whether the first chart has a line in a colour of the style at a part of its width."""
    wanted = page.evaluate(_COLOUR, colour)
    return any(_is_near(pixel, wanted) for pixel in page.evaluate(_PIXELS, [part, WIDTH]))


def shaded(page: Page, part: float) -> bool:
    """Whether most of the first chart's height at a part of its width is in the shade of doubt."""
    pixels = page.evaluate(_PIXELS, [part, WIDTH])
    return sum(alpha > FAINT for *_, alpha in pixels) > len(pixels) / 2


def _is_near(pixel: list[int], colour: list[int]) -> bool:
    *rgb, alpha = pixel
    return alpha > NEAR and all(abs(one - other) < NEAR for one, other in zip(rgb, colour, strict=True))
