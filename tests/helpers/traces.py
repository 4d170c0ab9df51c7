"""What is drawn on the canvas of a trend, by the colours of its pixels."""

from playwright.sync_api import Page

_LOOK = """([part, name]) => {
  const canvas = document.querySelector(".chart canvas");
  const [over, box] = [document.querySelector(".chart .u-over"), canvas].map((one) => one.getBoundingClientRect());
  const probe = document.body.appendChild(document.createElement("span"));
  probe.style.color = `var(${name})`;
  const colour = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
  probe.remove();
  const scale = canvas.width / box.width;
  const [left, top] = [over.left - box.left + part * over.width - 1, over.top - box.top].map((at) => at * scale);
  const { data } = canvas.getContext("2d").getImageData(left, top, 3 * scale, over.height * scale);
  const pixels = Array.from({ length: data.length / 4 }, (_, at) => [...data.slice(4 * at, 4 * at + 4)]);
  return pixels.filter((pixel) => pixel[3] > 30 && colour.every((one, at) => Math.abs(one - pixel[at]) < 25)).length;
}"""


def drawn(page: Page, part: float, colour: str = "--line-0") -> bool:
    """Whether the first chart has something of a colour of the style at a part of its width."""
    return page.evaluate(_LOOK, [part, colour]) > 0
