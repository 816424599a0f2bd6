// SPDX-License-Identifier: Apache-2.0
// Opens the live page in a real browser, looks at it as people do, and prints what it found as one JSON object.
//   node look.mjs PLAYWRIGHT BROWSER URL [DIRECTORY]   in all sizes and themes, screenshots in DIRECTORY; without it, in one
import { pathToFileURL } from "node:url";

const [, , playwright, executablePath, url, directory] = process.argv;
const { chromium } = await import(pathToFileURL(`${playwright}/index.mjs`).href);
const SIZES = [[1440, 900], [820, 1100], [390, 844]];
const TABS = ["tools", "executions"];

const origin = new URL(url).origin;
const found = { complaints: [], strangers: [], overflows: [], shots: [] };

function watch(page) {
  page.on("console", (message) => found.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => found.complaints.push(`${error}`));
  page.on("requestfailed", (request) => found.complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("request", (request) => new URL(request.url()).origin === origin || found.strangers.push(request.url()));
  page.on("response", (response) => response.status() < 400 || found.complaints.push(`${response.status()}: ${response.url()}`));
}

async function open(browser, [width, height], colorScheme, tab) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  watch(page);
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

async function read(page) {
  found.table = await page.evaluate(cells);
  found.tiles = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".tile")].map((tile) => [tile.querySelector(".name").textContent, tile.querySelector(".value").textContent])));
  found.charts = await page.evaluate(() => [...document.querySelectorAll("#tools .chart")].map((chart) => [chart.querySelector("h3").textContent, chart.querySelector(".plot, .heat").getAttribute("aria-label") ?? chart.innerText]));
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
for (const size of directory ? SIZES : []) for (const scheme of ["light", "dark"]) for (const tab of TABS) await shoot(browser, size, scheme, tab);
const page = await open(browser, SIZES[0], "light", "tools");
await read(page);
if (found.table.length) {
  await keys(page);
  await type(page);
  await theme(page);
}
await browser.close();
console.log(JSON.stringify(found));
