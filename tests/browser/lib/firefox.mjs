// Firefox as it is installed on the machine, led by WebDriver BiDi. It has no driver to start and no build of its own.

import { firefox } from "playwright-core";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { scratch } from "./files.mjs";
import { pagesOf } from "./page.mjs";

const places = ["/usr/bin/firefox-esr", "/usr/bin/firefox"];
const executablePath = process.env.RANKWEAVE_FIREFOX ?? (process.env.RANKWEAVE_NO_FIREFOX ? undefined : places.find(existsSync));

/** Why there is no Firefox; false where there is one. For the option `skip` of a test. */
export const missing = executablePath ? false : process.env.RANKWEAVE_NO_FIREFOX ?? "no Firefox at RANKWEAVE_FIREFOX";

/** A GPU also where the machine has none: Vulkan may play one (lavapipe). On Linux Firefox offers that only when told to. */
const prefs = {
  "dom.webgpu.enabled": true,
  "gfx.webgpu.ignore-blocklist": true,
  "ui.prefersReducedMotion": 1,
};

/** Has Vulkan use lavapipe and nothing else, where it is there. */
function lavapipe() {
  const folder = "/usr/share/vulkan/icd.d";
  const name = existsSync(folder) && readdirSync(folder).find((name) => name.startsWith("lvp_icd"));
  return name ? { VK_ICD_FILENAMES: join(folder, name), VK_DRIVER_FILES: join(folder, name) } : {};
}

/** Starts Firefox with more preferences. */
export async function launch(more = {}) {
  const browser = await firefox.launch({
    channel: "moz-firefox",
    executablePath,
    firefoxUserPrefs: { ...prefs, ...more },
    env: { ...process.env, ...lavapipe() },
  });
  // Playwright sets what a page is told of screen and colours with commands that only later versions of Firefox know. The
  // tests can do without.
  const session = browser._connection.toImpl(browser)._browserSession;
  const send = session.send.bind(session);
  session.send = (method, words) =>
    send(method, words).catch((error) => {
      if (method.startsWith("emulation.") && error.message.includes("unknown command")) return {};
      throw error;
    });
  return browser;
}

/** Why there is no GPU for a page that is open; nothing where there is one. */
export async function withoutGpu(page) {
  const why = await page.evaluate(async () => {
    if (!navigator.gpu) return "navigator.gpu is not there";
    return (await navigator.gpu.requestAdapter()) ? "" : "requestAdapter finds none";
  });
  return why && `Firefox ${page.context().browser().version()} offers no GPU: ${why}`;
}

/** Fills in a field: Firefox keeps what stands in one for numbers unless it is emptied first. */
export async function fill(field, text) {
  await field.clear();
  await field.fill(text);
}

/** Presses a link that saves, and gives the path of the file that arrives. Playwright hears of no download from a blob. */
export async function save(page, link) {
  const session = page.context().browser()._connection.toImpl(page).delegate._session;
  const [[{ filepath, status }]] = await Promise.all([
    once(session, "browsingContext.downloadEnd", { signal: AbortSignal.timeout(60_000) }),
    link.click(),
  ]);
  if (status !== "complete") throw new Error(`the download is ${status}`);
  const path = scratch(`${Date.now()}-${basename(filepath)}`);
  await copyFile(filepath, path);
  return path;
}

/** As `pages` of page.mjs, in Firefox; without one it starts nothing, and the tests are to be skipped: see `missing`. */
export const firefoxPages = (more) => pagesOf(async () => (missing ? undefined : launch(more)));
