// The states of the page, each reached as a user would: what axe looks at and what is photographed.

import { openBlocks, unets } from "./blocks.mjs";
import { broken, heavy, made, sample } from "./files.mjs";
import { add, drop, merge, mergeButton, weight } from "./page.mjs";

const samples = ["turned-digits", "inverted-digits", "noisy-digits"].map(sample);

const tags = ["ink", "paper", "brush", "mountain", "mist", "river"];

/** A picture of one pixel. */
const swatch =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function loaded(page) {
  await add(page, samples.slice(0, 2));
  await weight(page, samples[0]).fill("0.7");
  await weight(page, samples[1]).fill("-0.3");
  await mergeButton(page);
}

/** Name → what to do with a fresh page. */
export const states = {
  async empty() {},
  async privacy(page) {
    await page.locator(".privacy summary").click();
  },
  loaded,
  async share(page) {
    await loaded(page);
    await page.waitForURL(/#r=1z/);
    await page.getByRole("button", { name: "Share", exact: true }).click();
    await page.getByRole("button", { name: "JSON", exact: true }).click();
    await page.getByRole("textbox", { name: "JSON" }).waitFor();
  },
  async embed(page) {
    const paths = unets();
    await add(page, [paths[0], samples[0]]);
    await weight(page, paths[0]).fill("0.8");
    await weight(page, samples[0]).fill("-0.3");
    await (await openBlocks(page, paths[0])).getByLabel("Preset").selectOption("OUTALL");
    await page.waitForURL(/#r=1z/);
    await page.getByRole("button", { name: "Share", exact: true }).click();
    await page.getByRole("button", { name: "Embed", exact: true }).click();
    await page.getByLabel("For", { exact: true }).selectOption("mdBook");
    await page.getByLabel("With a poster").check();
    await page.getByRole("img", { name: /^Poster/ }).evaluate((image) => image.decode());
  },
  async missing(page) {
    await loaded(page);
    await page.waitForURL(/#r=1z/);
    const url = page.url();
    await page.goto("about:blank");
    await page.goto(url);
    await page.getByRole("region", { name: "Missing adapters" }).waitFor();
  },
  async recipe(page) {
    await page.getByRole("button", { name: "Open recipe" }).click();
    await page.getByRole("textbox", { name: /Paste/ }).fill('{"recipe":1}');
    await page.locator("dialog[open]").getByRole("button", { name: "Open", exact: true }).click();
    await page.getByText(/missing field/).first().waitFor();
  },
  async blocks(page) {
    const paths = unets();
    await add(page, [paths[0], samples[0]]);
    await weight(page, paths[0]).fill("0.8");
    const part = await openBlocks(page, paths[0]);
    await part.getByLabel("Preset").selectOption("OUTALL");
    await part.getByRole("spinbutton", { name: /^IN01 of/ }).fill("-0.5");
    await part.getByRole("spinbutton", { name: /^OUT03 of/ }).fill("1.5");
    await part.getByLabel("Paste a list").fill("1,2,3");
    await part.getByRole("button", { name: "Apply" }).click();
    await part.getByText(/wrong length/).waitFor();
  },
  async merging(page) {
    await add(page, heavy());
    await page.getByLabel("Highest rank").fill("64");
    await (await mergeButton(page)).click();
    await page.waitForFunction(() => document.querySelector(".merge-bar progress")?.value > 0.02);
  },
  async done(page) {
    await loaded(page);
    await merge(page);
    await page.waitForFunction(() => !document.querySelector(".done").textContent.includes("…"));
    await page.getByRole("button", { name: /^Show/ }).click();
    await page.locator("table.rows").waitFor();
  },
  async about(page) {
    const metadata = {
      "modelspec.title": "Ink wash",
      "modelspec.license": "CC-BY-NC-4.0",
      "modelspec.trigger_phrase": "inkwash, brush",
      "modelspec.thumbnail": swatch,
      ss_tag_frequency: JSON.stringify({ "10_ink": Object.fromEntries(tags.map((tag, i) => [tag, 20 - i])) }),
      ss_num_train_images: "20",
      ss_learning_rate: "0.0001",
      ss_sd_model_name: "base.safetensors",
      sshs_model_hash: "12".repeat(32),
    };
    await add(page, [made("ink_wash.safetensors", { metadata }), made("sdxl_lightning_4step.safetensors", { rank: 7, seed: 2, width: 32 })]);
    await page.getByText("About this file").first().click();
    await page.getByRole("button", { name: /^Check hashes/ }).first().click();
    await page.locator(".hashes").waitFor();
    await page.locator(".fit .note").filter({ hasText: "sshs_model_hash" }).waitFor();
    await page.locator(".sizes summary").click();
  },
  async conflicts(page) {
    await add(page, samples);
    await page.getByRole("button", { name: "Measure conflicts" }).click();
    await page.locator(".conflicts table").waitFor();
    await page.locator(".conflicts").scrollIntoViewIfNeeded();
  },
  async gpu(page) {
    await loaded(page);
    await page.locator("#method").selectOption("ties");
    await page.getByText(/The CPU does everything/).waitFor();
    await mergeButton(page);
  },
  async error(page) {
    await loaded(page);
    await drop(page, [broken()]);
    await page.locator(".trouble").waitFor();
  },
};
