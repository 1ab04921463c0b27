// The tab Embed of the share dialog: what it gives to paste holds the link, means what it should and nothing else, and
// its poster is a picture that tells the merge.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { check } from "./lib/axe.mjs";
import { frame, host, html } from "./lib/embed.mjs";
import { made } from "./lib/files.mjs";
import { add, pages, save, weight } from "./lib/page.mjs";
import { states } from "./lib/states.mjs";

const open = pages();

const hostile = `"><script>alert(1)</script><iframe> ' {{#include x}} {boom()} ](javascript:z) *w* \`y\` & &lt;`;

const link = (page) => new URL(page.url()).hash.match(/[#&]r=(1z[^&]+)/)?.[1];
const text = (page) => page.getByRole("textbox", { name: "Embed", exact: true });
const places = ["HTML page, in a frame", "HTML page, as an element", "README or model card", "mdBook", "MDX: Docusaurus, Astro", "Sphinx"];

/** Opens the tab; the dialog's link is that of the address. */
async function embed(page) {
  await page.waitForURL(/#r=1z/);
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await page.getByRole("button", { name: "Embed", exact: true }).click();
  await text(page).waitFor();
}

/** Chooses a place, and gives its text. */
async function of(page, place) {
  await page.getByLabel("For", { exact: true }).selectOption(place);
  return text(page).inputValue();
}

/** Two adapters, one with a hostile name, in a recipe with a hostile title. */
async function titled(page) {
  const buffer = readFileSync(made("titled.safetensors", { seed: 71 }));
  const file = { name: `a<b>&"c' <script>.safetensors`, mimeType: "application/octet-stream", buffer };
  await page.getByLabel("Adapter files", { exact: true }).setInputFiles([file]);
  await page.locator(".card").waitFor();
  await add(page, [made("other.safetensors", { seed: 72 })]);
  await weight(page, "other.safetensors").fill("-0.35");
  await page.waitForFunction(() => document.querySelectorAll(".card").length === 2);
  const recipe = () => link(page) && JSON.parse(inflateRawSync(Buffer.from(link(page).slice(2), "base64url")));
  while (recipe()?.mix[1]?.weight !== -0.35) await page.waitForTimeout(50);
  const changed = recipe();
  changed.output.title = hostile;
  await page.getByRole("button", { name: "Open recipe" }).click();
  await page.getByRole("textbox", { name: /Paste/ }).fill(JSON.stringify(changed));
  await page.locator("dialog[open]").getByRole("button", { name: "Open", exact: true }).click();
  while (recipe()?.output.title !== hostile) await page.waitForTimeout(50);
}

/** What a browser makes of HTML: its elements in order, with their attributes, and its text. */
const parsed = (page, html) =>
  page.evaluate((html) => {
    const { head, body } = new DOMParser().parseFromString(html, "text/html");
    const all = [...head.querySelectorAll("*"), ...body.querySelectorAll("*")];
    return {
      elements: all.map((e) => [e.localName, Object.fromEntries([...e.attributes].map((a) => [a.name, a.value]))]),
      text: body.textContent.trim(),
    };
  }, html);

test("all places get the link, and the choices", async () => {
  const page = await open();
  await add(page, [made("one.safetensors", { seed: 5 }), made("two.safetensors", { seed: 6 })]);
  await embed(page);
  const options = await page.getByLabel("For", { exact: true }).locator("option").allInnerTexts();
  assert.deepEqual(options, places);
  const home = new URL(".", page.url()).href;
  for (const place of places) {
    const told = await of(page, place);
    assert.ok(told.includes(link(page)) && told.includes(home), `${place}: ${told}`);
    assert.ok(!/&amp;(view|controls)=|(view|controls)="/.test(told), told);
    await page.getByText(`${told.length} characters`).waitFor();
  }
  await page.getByLabel("Shows", { exact: true }).selectOption("explain");
  await page.getByLabel("Readers may change it").uncheck();
  for (const place of places.filter((place) => place !== "README or model card")) {
    const told = await of(page, place);
    assert.match(told, /&amp;view=explain&amp;controls=0"|view="explain" controls="0"/, place);
    assert.ok(!told.includes("poster"), told);
  }
  await of(page, "README or model card");
  assert.ok(await page.getByLabel("Shows", { exact: true }).isHidden());
  assert.ok(await page.getByLabel("With a poster").isHidden());
  await of(page, "mdBook");
  await page.getByLabel("With a poster").check();
  const chosen = await text(page).inputValue();
  assert.match(chosen, /poster="poster\.svg"/);
  // What was chosen outlives a look at another form.
  await page.getByRole("button", { name: "Link", exact: true }).click();
  await text(page).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Embed", exact: true }).click();
  assert.equal(await text(page).inputValue(), chosen);
  const shown = (label) => page.getByLabel(label, { exact: true }).locator("option:checked").innerText();
  assert.deepEqual([await shown("For"), await shown("Shows")], ["mdBook", "Adapters and what happens"]);
});

test("a hostile title stays a title", async () => {
  const page = await open();
  await titled(page);
  await embed(page);
  const home = new URL(".", page.url()).href;
  await page.getByLabel("Shows", { exact: true }).selectOption("all");
  const told = await of(page, "HTML page, in a frame");
  const frame = await parsed(page, told);
  assert.deepEqual(frame, {
    elements: [
      [
        "iframe",
        {
          src: `${home}embed/#r=${link(page)}&view=all`,
          title: hostile,
          loading: "lazy",
          width: "100%",
          height: "640",
          sandbox: "allow-scripts allow-same-origin allow-downloads allow-popups allow-popups-to-escape-sandbox",
          allow: "clipboard-write",
          referrerpolicy: "no-referrer",
        },
      ],
    ],
    text: "",
  });
  const element = await parsed(page, await of(page, "HTML page, as an element"));
  assert.deepEqual(element.elements, [
    ["script", { type: "module", src: `${home}embed.js` }],
    ["rank-weave", { recipe: link(page), view: "all", label: hostile }],
    ["a", { href: `${home}#r=${link(page)}` }],
  ]);
  assert.equal(element.text, `Open in Rankweave: ${hostile}`);
  const badge = await of(page, "README or model card");
  assert.match(badge, /^\[!\[Open in Rankweave: [^\[\]<>`*\\]+\]\(poster\.svg\)\]\([^()<>\s]+\)\n$/);
});

test("the poster is a picture that tells the merge, and can be saved", async () => {
  const page = await open();
  await titled(page);
  await embed(page);
  await of(page, "README or model card");
  const picture = page.getByRole("img", { name: /^Poster/ });
  await picture.evaluate((image) => image.decode());
  assert.equal(await picture.evaluate((image) => image.naturalWidth), 640);
  assert.ok((await picture.getAttribute("alt")).includes("-0.35"));
  const link = page.getByRole("link", { name: "Save poster (SVG)" });
  const read = async () => {
    const path = await save(page, link);
    assert.match(basename(path), /poster\.svg$/);
    return page.evaluate((svg) => {
      const { documentElement: root } = new DOMParser().parseFromString(svg, "image/svg+xml");
      const all = [...root.querySelectorAll("*")];
      return {
        root: root.localName,
        names: [...new Set(all.map((e) => e.localName))].sort(),
        title: root.querySelector("title")?.textContent,
        texts: [...root.querySelectorAll("text")].map((e) => e.textContent),
      };
    }, readFileSync(path, "utf8"));
  };
  const told = await read();
  assert.deepEqual(told.names, ["desc", "g", "path", "rect", "style", "text", "title"]);
  assert.equal(told.root, "svg");
  assert.equal(told.title, hostile);
  const method = await page.locator("#method option:checked").innerText();
  assert.ok(told.texts.some((text) => text.startsWith(method)), told.texts.join("\n"));
  for (const text of [`a<b>&"c' <script>`, "1", "other", "-0.35"]) assert.ok(told.texts.includes(text), `${text}: ${told.texts.join("\n")}`);
  // Without names there are none in it, and the picture before is forgotten.
  const before = await picture.getAttribute("src");
  await page.getByLabel("Tell the names of the files").uncheck();
  await page.waitForFunction((before) => document.querySelector("img.poster").getAttribute("src") !== before, before);
  const gone = (address) =>
    page.evaluate((address) => {
      const image = new Image();
      image.src = address;
      return image.decode().then(() => false, () => true);
    }, address);
  assert.ok(await gone(before));
  const unnamed = (await read()).texts;
  assert.ok(unnamed.includes("Adapter 1") && unnamed.includes("Adapter 2") && !unnamed.includes("other"), unnamed.join("\n"));
  const last = await picture.getAttribute("src");
  await page.getByRole("button", { name: "Link", exact: true }).click();
  await picture.waitFor({ state: "detached" });
  assert.ok(await gone(last));
});

test("what is pasted works in a page of another site", async () => {
  const page = await open();
  await add(page, [made("one.safetensors", { seed: 5 }), made("two.safetensors", { seed: 6 })]);
  await embed(page);
  await page.getByLabel("Shows", { exact: true }).selectOption("explain");
  const inFrame = await of(page, "HTML page, in a frame");
  await of(page, "HTML page, as an element");
  await page.getByLabel("With a poster").check();
  const asElement = await text(page).inputValue();
  const svg = readFileSync(await save(page, page.getByRole("link", { name: "Save poster (SVG)" })));
  const site = page.url();
  const other = await host(site, { "/": html(inFrame), "/element": html(asElement), "/poster.svg": svg });
  try {
    const guest = await page.context().newPage();
    await guest.goto(other.url);
    const shown = await frame(guest);
    await shown.getByText("one.safetensors").first().waitFor();
    await guest.goto(`${other.url}element`);
    await guest.locator("rank-weave img").evaluate((image) => image.decode());
    assert.equal(await guest.locator("rank-weave img").evaluate((image) => image.naturalWidth), 640);
    assert.equal(await guest.locator("iframe").count(), 0);
    await guest.locator("rank-weave button").click();
    await (await frame(guest)).getByText("two.safetensors").first().waitFor();
    assert.equal(await guest.locator("iframe").getAttribute("title"), "2 adapters, one merge");
  } finally {
    other.close();
  }
});

test("the keyboard is enough", async () => {
  const page = await open();
  await add(page, [made("one.safetensors", { seed: 5 })]);
  await page.waitForURL(/#r=1z/);
  const to = async (name) => {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press("Tab");
      const own = await page.evaluate(() => {
        const e = document.activeElement;
        return (e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent).trim();
      });
      if (own === name) return;
    }
    assert.fail(`${name} cannot be reached with Tab`);
  };
  await to("Share");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Embed", exact: true }).waitFor();
  await to("Embed");
  await page.keyboard.press("Enter");
  await to("For");
  await page.keyboard.type("mdB");
  await to("Shows");
  await page.keyboard.type("Ev");
  await to("Readers may change it");
  await page.keyboard.press("Space");
  await to("With a poster");
  await page.keyboard.press("Space");
  const [, element] = (await text(page).inputValue()).split("\n");
  assert.equal(element, `<rank-weave recipe="${link(page)}" view="all" controls="0" poster="poster.svg" label="One adapter">`);
  await to("Copy Embed");
  await to("Save poster (SVG)");
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.equal(download.suggestedFilename(), "poster.svg");
});

for (const theme of ["light", "dark"]) {
  test(`axe finds nothing: ${theme}`, async () => {
    const page = await open({ theme });
    await states.embed(page);
    await check(page, "embed");
    await of(page, "HTML page, in a frame");
    await check(page, "frame");
  });
}
