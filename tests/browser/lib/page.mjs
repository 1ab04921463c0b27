// The page in a browser: opened, filled, merged, saved. One browser for a test file, which is Chromium unless another is given.

import { chromium } from "playwright-core";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { after, afterEach, before } from "node:test";
import { scratch } from "./files.mjs";
import { site } from "./site.mjs";

const executablePath =
  process.env.RANKWEAVE_CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Starts Chromium without anything of its own on the network. */
export const launch = (more = []) =>
  chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...more],
  });

/** Has Chromium offer a GPU that a program plays. */
export const played = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** Chromium, started with `args`, and the site for all tests of a file: `const open = pages()`. */
export const pages = (args = []) => pagesOf(() => launch(args));

/** The same with the browser that `start` gives. */
export function pagesOf(start) {
  let browser;
  let place;
  before(async () => {
    [browser, place] = await Promise.all([start(), site()]);
  });
  // What stays open keeps its workers and its GPU.
  afterEach(() => Promise.all(browser?.contexts().map((context) => context.close()) ?? []));
  after(async () => {
    await browser?.close();
    place?.close();
  });
  return async (options = {}) => open(browser, options.url ?? place.url, options);
}

/** Waits until the page can take files. */
export async function ready(page) {
  await page.locator("#adapter-files:enabled").waitFor({ timeout: 60_000 });
  await page.locator(".sample").first().waitFor();
}

/**
 * A new page at the site, or at `url`, once it is `until`. `watch` gets it while it is still empty, `init` runs in it before
 * anything else does; what is left goes to the browser.
 */
async function open(browser, url, options) {
  const { width = 1280, height = 900, theme = "light", init, watch, until = ready, url: _, ...more } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce", ...more });
  const page = await context.newPage();
  if (init) await page.addInitScript(init);
  page.on("pageerror", (error) => console.log(`# page error: ${error}`));
  watch?.(page);
  await page.goto(url);
  await until(page);
  return page;
}

/** Drops files or folders onto the page as the operating system does. */
export async function drop(page, paths) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, x: 100, y: 400, data });
  }
  await session.detach();
}

/** Drops files by an event with a DataTransfer made in the page. */
export async function dropTransfer(page, files) {
  const contents = files.map(({ name, bytes }) => ({ name, text: Buffer.from(bytes).toString("base64") }));
  await page.evaluate(async (contents) => {
    const data = new DataTransfer();
    for (const { name, text } of contents) {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      data.items.add(new File([bytes], name));
    }
    for (const type of ["dragenter", "dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
  }, contents);
}

/** Waits until an adapter has its card. */
export const card = (page, name) => page.getByRole("listitem", { name, exact: false }).first().waitFor();

/** The weight field of a file. */
export const weight = (page, path) => page.getByRole("spinbutton", { name: `Weight of ${basename(path)}`, exact: true });

/** Adds files with the file input and waits for their cards. */
export async function add(page, paths) {
  await page.getByLabel("Adapter files", { exact: true }).setInputFiles(paths);
  for (const path of paths) await weight(page, path).waitFor();
}

/** The Merge button, once it can be pressed. */
export async function mergeButton(page) {
  const button = page.getByRole("button", { name: "Merge", exact: true });
  await page.locator(".merge-bar button.primary:enabled").waitFor();
  return button;
}

/** Merges and waits for Save. */
export async function merge(page, timeout = 60_000) {
  await (await mergeButton(page)).click();
  const save = page.getByRole("link", { name: "Save", exact: true });
  await save.waitFor({ timeout });
  return save;
}

/** Presses Save and gives the path of the file that arrives. */
export async function save(page, link) {
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const path = scratch(`${Date.now()}-${download.suggestedFilename()}`);
  await download.saveAs(path);
  return path;
}
