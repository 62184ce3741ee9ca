-- Pages in a real browser, for specs: headless Chromium through browser.mjs, which says what steps
-- there are and what comes back.
--
--   local seen = browser.visit(path, { { keys = { "Tab" } }, { evaluate = "document.title" } })
--   seen.results[2], seen.console, seen.exceptions, seen.requests
local files = require "support.files"
local json = require "weir.json"

local browser = {}

function browser.visit(path, steps)
  local request, answer = os.tmpname(), os.tmpname()
  files.write(request, json.encode { page = path, steps = json.array(steps) })
  files.shell(("node tests/support/browser.mjs <%s >%s"):format(files.quote(request),
    files.quote(answer)))
  local seen = assert(json.decode(files.read(answer)))
  os.remove(request)
  os.remove(answer)

  return seen
end

-- Texts whose contrast with what is behind them is below 4.5 : 1, and drawn colours below 3 : 1.
browser.PALE = [[(() => {
  const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05); };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || e.closest("script")) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const r = ratio(parse(getComputedStyle(e).color).slice(0, 3), behind(e));
    const words = e.textContent.trim().slice(0, 40);
    if (r < 4.5) pale.push(e.tagName + " " + words + " " + r.toFixed(2));
  }
  const root = getComputedStyle(document.documentElement);
  const hex = (n) => root.getPropertyValue("--" + n).trim()
    .match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16));
  for (const name of ["s1", "s2", "s3", "s4", "s5", "s6", "focus"])
    if (ratio(hex(name), hex("paper")) < 3) pale.push(name);
  return pale;
})()]]

-- Elements that stick out of the window and cannot be scrolled into sight.
browser.CUT_OFF = [[(() => {
  const inside = (e) => { for (let p = e.parentElement; p; p = p.parentElement)
    if (getComputedStyle(p).overflowX === "auto") return true; return false; };
  return [...document.querySelectorAll("main *")].filter((e) => e.checkVisibility()
    && e.getBoundingClientRect().right > innerWidth + 1 && !inside(e))
    .map((e) => e.tagName + " " + e.className + " " + e.textContent.trim().slice(0, 40));
})()]]

-- Pixels that a chart has drawn in its data's colours; 0 for an empty one.
browser.DRAWN = [[[...document.querySelectorAll(".plot")].map((plot) => {
  const canvas = plot.querySelector("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const rgb = data.slice(i, i + 3);
    if (data[i + 3] > 200 && Math.max(...rgb) - Math.min(...rgb) > 60) count++;
  }
  return count;
})]]

return browser
