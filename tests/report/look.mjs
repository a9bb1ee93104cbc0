// Opens reports in a browser and looks at them: node look.mjs [--shots FOLDER] REPORT.html...
// Each must draw its charts, ask nothing of the network, break no rule of its own Content-Security-Policy, and show what a log says as text only; in
// light, dark, narrow, on paper, by keyboard, and without JavaScript. Exit code 1 and a line on stderr for everything that is not so.
import { execFileSync } from "node:child_process";
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const args = process.argv.slice(2);
const shots = args[0] === "--shots" ? args.splice(0, 2)[1] : null;
if (shots) mkdirSync(shots, { recursive: true });

const WIDE = { width: 1100, height: 900 };
const NARROW = { width: 360, height: 740 };
let faults = 0;
function expect(is, what) {
  if (!is) {
    faults += 1;
    console.error(`FAILED ${what}`);
  }
}

function browserPath() {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // the next one
    }
  }
  throw new Error("no chromium and no google-chrome on the path: install one (apt-get install chromium)");
}

// A page that tells everything it should not do.
async function open(browser, file, options) {
  const context = await browser.newContext({ viewport: WIDE, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const url = pathToFileURL(path.resolve(file)).href;
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`script: ${error}`));
  page.on("request", (request) => request.url() !== url && wrong.push(`request: ${request.url().slice(0, 200)}`));
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
  });
  await page.goto(url);
  return { page, context, wrong };
}

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
const visible = (page, selector) => page.evaluate((selector) => [...document.querySelectorAll(selector)].filter((e) => e.getClientRects().length > 0).length, selector);

// How many of a chart's pixels are anything but background, for every canvas.
const inked = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("figure canvas")].map((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let ink = 0;
      for (let i = 3; i < data.length; i += 4) ink += data[i] > 0 ? 1 : 0;
      return ink;
    }),
  );

async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  for (const { id, help, nodes } of violations) {
    expect(false, `${name}: axe ${id}: ${help}: ${nodes.slice(0, 2).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
}

// What a log says is text, and nothing that acts on the reader's screen.
async function inert(page, name) {
  const seen = await page.evaluate(() => ({
    pwned: window.pwned,
    scripts: document.scripts.length,
    strangers: document.querySelectorAll("img, iframe, object, embed, link, base, form, style ~ style, [onerror], [onload], [onclick], [style]:not(.uplot *, .uplot)").length,
    acts: /[\u0000-\u0008\u000b-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.outerHTML),
    links: [...document.links].filter((link) => !link.getAttribute("href").startsWith("#")).length,
  }));
  expect(seen.pwned === undefined, `${name}: a script from the log ran`);
  expect(seen.scripts === 2, `${name}: ${seen.scripts} scripts instead of the data and ours`);
  expect(seen.strangers === 0, `${name}: ${seen.strangers} elements that a report has not`);
  expect(!seen.acts, `${name}: a character that acts on the screen`);
  expect(seen.links === 0, `${name}: links that lead away`);
}

// And were it markup, the page's own rules would stop it.
async function guarded(browser, file, name) {
  const { page, context } = await open(browser, file);
  await page.evaluate(() => {
    document.body.insertAdjacentHTML("beforeend", "<img src=http://127.0.0.1:9/x onerror=window.pwned=1><p onclick=window.pwned=2 style=color:red>x</p>");
    const script = document.createElement("script");
    script.textContent = "window.pwned = 3";
    document.body.append(script);
    document.body.lastElementChild.previousElementSibling.click();
  });
  await page.waitForFunction(() => window.violations.length >= 4, null, { timeout: 5000 }).catch(() => {});
  const { pwned, violations } = await page.evaluate(() => ({ pwned: window.pwned, violations: window.violations }));
  expect(pwned === undefined, `${name}: the policy lets a script run`);
  for (const rule of ["img-src", "script-src-attr", "script-src-elem", "style-src-attr"]) {
    expect(violations.includes(rule), `${name}: the policy does not guard ${rule}: ${violations}`);
  }
  await context.close();
}

async function charts(page, name) {
  const ink = await inked(page);
  expect(ink.length >= 3, `${name}: only ${ink.length} charts`);
  expect(ink.every((pixels) => pixels > 500), `${name}: a chart is blank: ${ink}`);
  expect((await visible(page, ".plot > svg")) === 0, `${name}: both drawings of a chart are shown`);
}

async function zoomAndHover(page, name) {
  const reset = page.getByRole("button", { name: "Show the whole time" });
  const over = page.locator(".u-over").first();
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.4, y);
  const times = await page.locator(".u-legend tr:first-child .u-value").allTextContents();
  expect(new Set(times).size === 1 && /^\d{4}-/.test(times[0]), `${name}: the cursor is not shared: ${times}`);
  expect(await reset.isDisabled(), `${name}: nothing is zoomed yet`);
  const last = () => page.evaluate(() => [...document.querySelectorAll("figure canvas")].at(-1).toDataURL());
  const before = await last();
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, y, { steps: 4 });
  await page.mouse.up();
  expect(await reset.isEnabled(), `${name}: dragging does not zoom`);
  expect(before !== (await last()), `${name}: the last chart is not zoomed with the first`);
  await reset.click({ timeout: 2000 }).catch((error) => expect(false, `${name}: ${error}`));
  expect(await reset.isDisabled(), `${name}: the whole time is not shown again`);
}

// From the top of the page by Tab alone: past the link that skips, to the table behind the first chart, and into it.
async function keyboard(page, name) {
  const focused = () => page.evaluate(() => ({ text: document.activeElement.textContent, values: document.activeElement.parentElement?.className === "values" }));
  await page.keyboard.press("Tab");
  expect((await focused()).text === "Skip to the report", `${name}: the first Tab does not offer to skip`);
  let found = false;
  for (let i = 0; i < 60 && !found; i += 1) {
    await page.keyboard.press("Tab");
    found = (await focused()).values;
  }
  expect(found, `${name}: Tab does not reach the tables of the charts`);
  await page.keyboard.press("Enter");
  expect((await visible(page, ".values[open] tbody td")) > 0, `${name}: Enter does not open the table`);
}

async function look(browser, file) {
  const name = path.basename(file, ".html");
  const shot = (page, view) => shots && page.screenshot({ path: path.join(shots, `${name}-${view}.png`), fullPage: true });
  const close = async ({ page, context, wrong }, view) => {
    wrong.push(...(await page.evaluate(() => window.violations ?? [])).map((rule) => `policy: ${rule}`));
    for (const what of wrong) expect(false, `${name}, ${view}: ${what}`);
    await context.close();
  };

  const wide = await open(browser, file);
  await charts(wide.page, `${name}, light`);
  await inert(wide.page, name);
  expect((await overflow(wide.page)) <= 0, `${name}: wider than the window`);
  await shot(wide.page, "light");
  await zoomAndHover(wide.page, name);
  const light = await wide.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await wide.page.emulateMedia({ colorScheme: "dark" });
  await wide.page.waitForTimeout(100);
  await charts(wide.page, `${name}, dark`);
  expect((await wide.page.evaluate(() => getComputedStyle(document.body).backgroundColor)) !== light, `${name}: dark is light`);
  await shot(wide.page, "dark");
  await wide.page.emulateMedia({ colorScheme: "dark", media: "print" });
  expect((await visible(wide.page, "canvas")) === 0 && (await visible(wide.page, ".plot > svg")) >= 3, `${name}: charts are not drawn for paper`);
  expect((await wide.page.evaluate(() => getComputedStyle(document.body).backgroundColor)) === light, `${name}: paper is dark`);
  if (shots) await wide.page.pdf({ path: path.join(shots, `${name}.pdf`), format: "A4" });
  await close(wide, "wide");

  for (const colorScheme of ["light", "dark"]) {
    const checked = await open(browser, file, { colorScheme });
    await accessible(checked.page, `${name}, ${colorScheme}`);
    if (colorScheme === "light") await keyboard(checked.page, name);
    await close(checked, `axe, ${colorScheme}`);
  }

  await guarded(browser, file, name);

  const narrow = await open(browser, file, { viewport: NARROW });
  await charts(narrow.page, `${name}, narrow`);
  expect((await overflow(narrow.page)) <= 0, `${name}: ${await overflow(narrow.page)} pixels wider than a telephone`);
  await shot(narrow.page, "narrow");
  await close(narrow, "narrow");

  const plain = await open(browser, file, { javaScriptEnabled: false });
  const lines = plain.page.locator(".plot svg .line");
  expect((await lines.count()) >= 3 && (await plain.page.locator(".plot > svg").first().isVisible()), `${name}: no charts without JavaScript`);
  await plain.page.locator(".values > summary").first().click();
  expect(await plain.page.locator(".values tbody td").first().isVisible(), `${name}: no table without JavaScript`);
  await shot(plain.page, "plain");
  await plain.context.close();
}

const browser = await chromium.launch({
  executablePath: browserPath(),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
for (const file of args) await look(browser, file);
await browser.close();
console.log(`looked at ${args.length} reports: ${faults} faults`);
process.exitCode = faults > 0 || args.length === 0 ? 1 : 0;
