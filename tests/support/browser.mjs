// A page in a real browser: headless Chromium, asked through its remote-debugging pipe. Standard input is
// JSON { page: path, steps: [step…] }; a step is one of
//
//   { emulate: { width, height, dark, print } }   the window, the theme that the reader prefers, paper for a screen
//   { keys: ["Tab", "ArrowRight", …] }     pressed one after another
//   { hover: selector }                    the pointer over the middle of an element
//   { evaluate: expression }               its value (JSON)
//   { tree: true }                         the accessibility tree: [{ role, name, description }]
//   { screenshot: { path, y, height } }    the page as PNG, all of it or a part
//   { pdf: path }                          the page on paper (A4)
//
// Standard output is JSON { results: [one a step], requests: [url…], console: [text…], exceptions: [text…] }.
// Requests are those for anything but the page itself. What the browser says of broken pages (violations of the
// Content-Security-Policy among it) is in `console`.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const PROGRAM = process.env.WEIR_BROWSER || "chromium-headless-shell";
const CODES = { Tab: 9, Enter: 13, Escape: 27, PageUp: 33, PageDown: 34, End: 35, Home: 36,
  ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40 };

function start(profile) {
  const flags = ["--remote-debugging-pipe", "--user-data-dir=" + profile, "--no-first-run", "--disable-gpu",
    "--hide-scrollbars", "--force-color-profile=srgb", "--disable-dev-shm-usage"];
  if (process.getuid() === 0) flags.push("--no-sandbox");
  // It keeps things at home, too, and makes a home that does not exist.
  const env = { ...process.env, HOME: profile };
  return spawn(PROGRAM, flags, { env, stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] });
}

// The browser's protocol: NUL-separated JSON on descriptors 3 (to it) and 4 (from it).
class Browser {
  constructor(child) {
    this.child = child;
    this.waiting = new Map();
    this.listeners = [];
    this.last = 0;
    let held = Buffer.alloc(0);
    child.stdio[4].on("data", (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (let end; (end = held.indexOf(0)) >= 0; held = held.subarray(end + 1))
        this.receive(JSON.parse(held.subarray(0, end).toString()));
    });
    let complaints = "";
    child.stderr.on("data", (chunk) => { complaints += chunk; });
    child.on("error", (error) => this.fail(`${PROGRAM} does not start: ${error.message}`));
    child.on("exit", (code) => this.fail(`${PROGRAM} ended with ${code}: ${complaints}`));
  }

  fail(message) {
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }

  receive(message) {
    if (message.id === undefined) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    const { resolve, reject } = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) reject(new Error(JSON.stringify(message.error)));
    else resolve(message.result);
  }

  send(method, params = {}) {
    const id = ++this.last;
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.session }) + "\0");
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  once(method) {
    return new Promise((resolve) => this.listeners.push((message) => message.method === method && resolve(message.params)));
  }
}

async function open(browser, seen, url) {
  const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
  browser.session = (await browser.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  browser.listeners.push(({ method, params }) => {
    if (method === "Network.requestWillBeSent" && params.request.url !== url) seen.requests.push(params.request.url);
    if (method === "Runtime.exceptionThrown")
      seen.exceptions.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled") seen.console.push(params.args.map((a) => a.value).join(" "));
    if (method === "Log.entryAdded") seen.console.push(params.entry.text);
  });
  for (const domain of ["Page", "Network", "Runtime", "Log"]) await browser.send(domain + ".enable");
}

async function evaluate(browser, expression) {
  const answer = await browser.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
  if (answer.exceptionDetails) throw new Error(expression + ": " + answer.exceptionDetails.exception?.description);
  return answer.result.value ?? null;
}

// Two frames: what a change of theme or size brings has been drawn.
const settle = (browser) => evaluate(browser, "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))");

async function press(browser, key) {
  const code = CODES[key] ?? key.toUpperCase().charCodeAt(0);
  const params = { key, code: key, windowsVirtualKeyCode: code };
  if (key.length === 1) params.text = key;
  await browser.send("Input.dispatchKeyEvent", { type: key.length === 1 ? "keyDown" : "rawKeyDown", ...params });
  await browser.send("Input.dispatchKeyEvent", { type: "keyUp", key, windowsVirtualKeyCode: code });
}

const STEPS = {
  async emulate(browser, { width, height, dark, print }) {
    await browser.send("Emulation.setDeviceMetricsOverride",
      { width: width ?? 1280, height: height ?? 900, deviceScaleFactor: 1, mobile: false });
    await browser.send("Emulation.setEmulatedMedia",
      { media: print ? "print" : "", features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
    await settle(browser);
    return null;
  },
  async keys(browser, keys) {
    for (const key of keys) await press(browser, key);
    await settle(browser);
    return null;
  },
  async hover(browser, selector) {
    const at = await evaluate(browser, `(() => { const e = document.querySelector(${JSON.stringify(selector)});
      e.scrollIntoView({ block: "center" }); const b = e.getBoundingClientRect();
      return { x: b.x + b.width / 2, y: b.y + b.height / 2 }; })()`);
    await browser.send("Input.dispatchMouseEvent", { type: "mouseMoved", ...at });
    await settle(browser);
    return null;
  },
  evaluate: (browser, expression) => evaluate(browser, expression),
  async tree(browser) {
    const { nodes } = await browser.send("Accessibility.getFullAXTree");
    return nodes.filter((node) => !node.ignored).map((node) =>
      ({ role: node.role?.value, name: node.name?.value, description: node.description?.value }));
  },
  async screenshot(browser, { path, y, height }) {
    const [width, whole] = await evaluate(browser, "[innerWidth, document.documentElement.scrollHeight]");
    const clip = { x: 0, y: y ?? 0, width, height: height ?? whole, scale: 1 };
    const { data } = await browser.send("Page.captureScreenshot", { captureBeyondViewport: true, clip });
    writeFileSync(path, Buffer.from(data, "base64"));
    return null;
  },
  async pdf(browser, path) {
    const { data } = await browser.send("Page.printToPDF", { printBackground: true, preferCSSPageSize: true,
      paperWidth: 8.27, paperHeight: 11.69 });
    writeFileSync(path, Buffer.from(data, "base64"));
    await settle(browser);
    return null;
  },
};

async function visit(browser, { page, steps }) {
  const seen = { results: [], requests: [], console: [], exceptions: [] };
  const url = pathToFileURL(resolve(page)).href;
  await open(browser, seen, url);
  await STEPS.emulate(browser, {});
  const loaded = browser.once("Page.loadEventFired");
  await browser.send("Page.navigate", { url });
  await loaded;
  await settle(browser);
  for (const step of steps) {
    const [name, argument] = Object.entries(step)[0];
    seen.results.push(await STEPS[name](browser, argument));
  }
  return seen;
}

const profile = mkdtempSync(join(tmpdir(), "weir-browser-"));
const child = start(profile);
const browser = new Browser(child);
let status = 0;
try {
  const seen = await visit(browser, JSON.parse(readFileSync(0, "utf8")));
  writeFileSync(1, JSON.stringify(seen) + "\n");
  browser.send("Browser.close").catch(() => {});
} catch (error) {
  console.error(error.stack);
  status = 1;
  child.kill();
}
child.once("exit", () => {
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  process.exit(status);
});
