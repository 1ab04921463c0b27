// For everyone: axe finds nothing in any state, in both themes and both widths; the keyboard is enough; nothing
// scrolls sideways on a small screen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./lib/axe.mjs";
import { made } from "./lib/files.mjs";
import { pages } from "./lib/page.mjs";
import { states } from "./lib/states.mjs";

const open = pages();

for (const state of Object.keys(states)) {
  for (const theme of ["light", "dark"]) {
    for (const width of [1280, 375]) {
      test(`axe: ${state}, ${theme}, ${width} px`, async () => {
        const page = await open({ theme, width });
        await states[state](page);
        await check(page, state);
        await page.context().close();
      });
    }
  }
  for (const width of [320, 375]) {
    test(`nothing scrolls sideways: ${state}, ${width} px`, async () => {
      const page = await open({ width, height: 640 });
      await states[state](page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px wide`);
      await page.context().close();
    });
  }
}

test("the keyboard is enough", async () => {
  const page = await open();
  // A listener from the start: only then is the chooser caught for sure, and not shown.
  page.on("filechooser", () => {});
  const focused = () => page.evaluate(() => {
    const e = document.activeElement;
    return e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent;
  });
  const tabTo = async (name) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      if ((await focused()) === name) return;
    }
    throw new Error(`${name} cannot be reached with Tab`);
  };
  await tabTo("Adapter files");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
  await chooser.setFiles([made("one.safetensors", { rank: 4, seed: 5 }), made("two.safetensors", { rank: 7, seed: 6 })]);
  await page.getByLabel("Weight of two.safetensors", { exact: true }).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await tabTo("Weight of one.safetensors");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("0.5");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.getByLabel("Weight of one.safetensors", { exact: true }).inputValue(), "0.55");
  await tabTo("Move two.safetensors up");
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".card .name").first().innerText(), /two/);
  await tabTo("Method");
  await page.locator(".merge-bar button.primary:enabled").waitFor();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("link", { name: "Save", exact: true }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "save");
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.match(download.suggestedFilename(), /\.safetensors$/);
});

test("every target is at least 24 px each way", async () => {
  const page = await open({ width: 375 });
  await states.done(page);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, select, summary, input:not([type=radio],[type=checkbox]), a.button")]
      .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
      .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24))
      .map(([html]) => html));
  assert.deepEqual(small, []);
});

test("the theme is remembered", async () => {
  const page = await open();
  const button = page.getByRole("button", { name: /Theme/ });
  await button.click();
  await button.click();
  assert.match(await button.innerText(), /dark/);
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.match(await page.getByRole("button", { name: /Theme/ }).innerText(), /dark/);
});
