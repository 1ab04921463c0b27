// The playground in Chromium: opened, waited for, and its merged file.

import { readFileSync } from "node:fs";
import { scratch } from "./files.mjs";

/** Opens it in a new page of a browser, with the part of the address after #, or another `path`; `before(page)` comes before
 * that. */
export async function open(browser, site, { hash = "", path = `playground/${hash}`, width = 1280, theme = "light", ready = true, before } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.on("pageerror", (error) => console.log(`# page error: ${error}`));
  await before?.(page);
  await page.goto(`${site.url}${path}`);
  if (ready) await settled(page);
  return page;
}

/** Waits until what is shown is what was asked for. */
export const settled = (page) => page.waitForFunction(() => document.documentElement.dataset.state === "ready", { timeout: 60_000 });

/** Share of each row, in percent, by its name. */
export const shares = (page) =>
  page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".reading tbody tr, .reading tfoot tr")].map((row) => [(row.querySelector("th b") ?? row.querySelector("th")).textContent, parseFloat(row.querySelector(".now").textContent)])));

/** The path of the merged file that stands behind what is shown. */
export async function merged(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Save this merge" }).click()]);
  const path = scratch(`${Date.now()}-playground.safetensors`);
  await download.saveAs(path);
  return path;
}

/** The test's pictures and their digits, read by hand. */
export function pictures(path) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8"));
  return Object.fromEntries(Object.entries(header).map(([name, { data_offsets: [from, to] }]) => [name, bytes.subarray(8 + length + from, 8 + length + to)]));
}
