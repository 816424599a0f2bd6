// SPDX-License-Identifier: Apache-2.0
// Opens the live page in a real browser, looks at it as people do, and prints what it found as one JSON object.
//   node look.mjs PLAYWRIGHT BROWSER URL [DIRECTORY [TAB]…]   then in all sizes and themes, screenshots in DIRECTORY
import { pathToFileURL } from "node:url";

const [, , playwright, executablePath, url, directory, ...tabs] = process.argv;
const { chromium } = await import(pathToFileURL(`${playwright}/index.mjs`).href);
const SIZES = [[1440, 900], [820, 1100], [390, 844]];

const origin = new URL(url).origin;
const found = { complaints: [], strangers: [], overflows: [], shots: [] };

function watch(page) {
  page.on("console", (message) => found.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => found.complaints.push(`${error}`));
  page.on("requestfailed", (request) => found.complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("request", (request) => new URL(request.url()).origin === origin || found.strangers.push(request.url()));
  page.on("response", (response) => response.status() < 400 || found.complaints.push(`${response.status()}: ${response.url()}`));
}

async function open(browser, [width, height], colorScheme, tab, onResponse = () => {}) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  watch(page);
  page.on("response", onResponse);
  await page.goto(`${url}#${tab}`);
  await page.waitForSelector("#status.good");
  return page;
}

async function shoot(browser, size, scheme, tab) {
  const page = await open(browser, size, scheme, tab);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const path = `${directory}/page-${size[0]}-${scheme}-${tab}.png`;
  if (beyond > 0) found.overflows.push(`${path}: ${beyond} px`);
  await page.screenshot({ path, fullPage: true });
  found.shots.push(path);
  await page.close();
}

const cells = () => [...document.querySelectorAll("#table tbody tr")].map((row) => ({
  tool: row.querySelector("th").textContent,
  ...Object.fromEntries([...row.querySelectorAll("td")].map((cell) => [cell.dataset.key, Number(cell.dataset.value)])),
}));

const tiles = (places) => Object.fromEntries([...document.querySelectorAll(places)].flatMap((place) => [...place.querySelectorAll(".tile")]).map((tile) => [tile.querySelector(".name").textContent, [".value", ".more"].map((part) => tile.querySelector(part).textContent)]));

// What a tab's charts say in numbers: of a heat map what each row adds up to, of lines what is so now.
const charts = (tab) => Object.fromEntries([...document.querySelectorAll(`${tab} .chart`)].map((chart) => {
  const rows = [...chart.querySelectorAll(".heat canvas")].map((canvas) => [canvas.previousSibling.textContent, Number(canvas.nextSibling.dataset.value)]);
  const keys = [...chart.querySelectorAll(".keys li")].map((key) => [key.querySelector("b").textContent, Number(key.querySelector("span").dataset.value)]);
  return [chart.querySelector("h3").textContent, [...rows, ...keys]];
}));

async function readExecutions(page) {
  await page.click("#tab-executions");
  found.executionTiles = await page.evaluate(tiles, "#executions");
  found.executions = await page.evaluate(charts, "#executions");
  await page.click("#tab-tools");
}

// The timelines of all runs that are shown, opened.
async function readTimelines(page) {
  found.timelines = await page.evaluate(async () => {
    const runs = [...document.querySelectorAll("details.run")];
    for (const run of runs) run.open = true;
    while (runs.some((run) => !run.querySelector("dl"))) await new Promise(requestAnimationFrame);
    const told = runs.map((run) => [...run.querySelectorAll("dd[data-value]")].map((fact) => [fact.previousSibling.textContent, Number(fact.dataset.value)]));
    for (const run of runs) run.open = false;
    return told;
  });
}

// The traces that they opened with; none of them is still being asked for.
async function readTraces(page) {
  await page.waitForFunction(() => [...document.querySelectorAll("details.run")].every(({ ariaBusy }) => ariaBusy === "false"));
  found.traces = await page.evaluate(() => [...document.querySelectorAll("details.run")].map((run) => [...run.querySelectorAll(".trace li")].map((row) => ({ ...row.dataset }))));
}

async function read(page) {
  found.table = await page.evaluate(cells);
  found.tiles = await page.evaluate(tiles, "#tools, [aria-labelledby=agent-title]");
  found.charts = await page.evaluate(charts, "#tools");
  found.answers = await Promise.all(answers);
  found.runs = await page.evaluate(() => [...document.querySelectorAll("details.run summary")].map((run) => [...run.querySelectorAll("span:not(.track)")].map((cell) => cell.textContent)));
  found.hidden = await page.evaluate(() => Object.fromEntries(["tools-empty", "tools-live", "executions-empty", "executions-live"].map((id) => [id, document.getElementById(id).hidden])));
  found.empty = await page.evaluate(() => document.getElementById("executions-empty").textContent);
}

// With the keyboard alone: to the other tab and back, sort by a column, open a run.
async function keys(page) {
  await page.focus("#tab-tools");
  await page.keyboard.press("ArrowRight");
  found.tabByKey = await page.evaluate(() => [document.activeElement.id, document.getElementById("executions").hidden]);
  await page.keyboard.press("ArrowLeft");
  await page.focus("#table th:nth-child(7) button");
  await page.keyboard.press("Enter");
  found.sorted = await page.evaluate(() => [document.activeElement.textContent, document.querySelector("#table th[aria-sort]").textContent, document.querySelector("#table th[aria-sort]").getAttribute("aria-sort")]);
  found.byP95 = (await page.evaluate(cells)).map(({ p95 }) => p95);
  await page.focus("details.run summary");
  await page.keyboard.press("Enter");
  await page.waitForSelector("details.run[open] dl");
  found.opened = await page.evaluate(() => document.querySelector("details.run[open] dl").innerText);
}

// What has the focus keeps it when all is drawn anew, which happens every few seconds.
async function focusStays(page) {
  const stays = (selector) => page.evaluate(async (wanted) => {
    const element = document.querySelector(wanted);
    const rows = document.querySelector("#table tbody");
    element?.focus();
    const before = document.activeElement.textContent;
    document.dispatchEvent(new Event("visibilitychange")); // the page asks at once
    while (document.querySelector("#table tbody") === rows) await new Promise(requestAnimationFrame);
    return [before, document.activeElement.textContent];
  }, selector);
  const next = "#pager button:nth-of-type(2)";
  found.focused = [];
  for (const selector of ["#table th:nth-child(7) button", next, "details.run summary", "#runs > button"])
    if (await page.isVisible(selector)) found.focused.push(await stays(selector));
  if (await page.isVisible(next)) await lastPage(page, next);
}

// Page by page with the keyboard, and once more at the end; then all of the last runs.
async function lastPage(page, next) {
  await page.focus(next);
  for (let left = 100; left && (await page.getAttribute(next, "aria-disabled")) === "false"; left--) await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  found.lastPage = await page.evaluate(() => [document.activeElement.textContent, document.querySelector("#pager .note").textContent, document.querySelectorAll("#table tbody tr").length]);
  const shown = await page.locator("details.run").count();
  await page.focus("#runs > button");
  await page.keyboard.press("Enter");
  found.allRuns = await page.evaluate(() => [[...document.querySelectorAll("details.run summary")].indexOf(document.activeElement), document.querySelectorAll("details.run").length]);
  found.allRuns.unshift(shown);
}

async function type(page) {
  const word = found.table[0].tool;
  found.typedMs = await page.evaluate((text) => {
    const filter = document.getElementById("filter");
    const begin = performance.now();
    filter.value = text;
    filter.dispatchEvent(new Event("input"));
    return performance.now() - begin;
  }, word);
  found.filtered = (await page.evaluate(cells)).map(({ tool }) => tool);
  found.wanted = word;
}

async function theme(page) {
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const before = await back();
  await page.click("#theme");
  const after = await back();
  await page.reload();
  await page.waitForSelector("#status.good");
  found.themes = [before, after, await back()];
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const answers = [];
const page = await open(browser, SIZES[0], "light", "tools", (response) => response.url().includes("/api/live") && answers.push(response.json().catch(() => null)));
await read(page);
await readExecutions(page);
await readTimelines(page);
await readTraces(page);
if (found.table.length) {
  await keys(page);
  await focusStays(page);
  await type(page);
  await theme(page);
}
await page.close();
for (const size of SIZES) for (const scheme of ["light", "dark"]) for (const tab of tabs) await shoot(browser, size, scheme, tab);
await browser.close();
console.log(JSON.stringify(found));
