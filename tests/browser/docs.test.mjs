// The documentation: every link leads somewhere, every method has its page, what is to be typed works, nothing is asked of
// anyone else, axe finds nothing, and demonstrations run.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { scratch } from "./lib/files.mjs";
import { pages } from "./lib/page.mjs";
import { dist, root } from "./lib/site.mjs";
import { write } from "./lib/safetensors.mjs";

const open = pages();
const cli = process.env.RANKWEAVE_CLI;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const docs = join(dist, "docs");
const playground = existsSync(join(dist, "playground/index.html"));
const built = existsSync(join(docs, "index.html"));
const sources = join(root, "www/docs/src");

/** Paths of all pages. */
const html = built ? readdirSync(docs, { recursive: true }).filter((name) => name.endsWith(".html")).map((name) => join(docs, name)) : [];

/** The hand-written pages, as they are written. */
const written = readdirSync(sources).filter((name) => name.endsWith(".md") && name !== "SUMMARY.md");

const unescaped = (text) => text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">");

/** Values of an attribute of a page's tags. */
const values = (text, name) => [...text.matchAll(new RegExp(`\\s${name}="([^"]*)"`, "g"))].map(([, value]) => unescaped(value));

/** A page without what is shown in it as code. */
const without = (text) => text.replace(/<(pre|code)[\s\S]*?<\/\1>/g, "");

/** Waits for a page of the documentation. */
const at = (path, options = {}) => open({ ...options, url: undefined, until: async (page) => {
  await page.goto(new URL(path, page.url()).href);
  await page.locator("main h1").first().waitFor();
} });

test("the documentation is there", () => assert.ok(html.length > 60, `${html.length} pages`));

test("every link and every anchor leads somewhere", () => {
  const ids = new Map(html.map((path) => [path, new Set(values(readFileSync(path, "utf8"), "id"))]));
  const wrong = [];
  let links = 0;
  for (const path of html) {
    const text = without(readFileSync(path, "utf8"));
    for (const link of [...values(text, "href"), ...values(text, "src").flatMap((value) => value.split(" "))]) {
      if (/^https?:/.test(link)) continue;
      links++;
      const [way, anchor] = link.split("#");
      if (!playground && way.includes("/playground/")) continue;
      let target = way === "" ? path : resolve(dirname(path), way);
      if (way.endsWith("/")) target = join(target, "index.html");
      const there = existsSync(target);
      // The playground reads its settings there, the page its recipe.
      const found = !anchor || target.includes("playground") || anchor.startsWith("r=1z") || ids.get(target)?.has(decodeURIComponent(anchor));
      if (!there || !found) wrong.push(`${relative(docs, path)}: ${link}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(links > 5000, `${links} links`);
});

test("no id stands twice in a page", () => {
  for (const path of html) {
    const ids = values(readFileSync(path, "utf8"), "id");
    assert.equal(new Set(ids).size, ids.length, relative(docs, path));
  }
});

test("no page names a script of its own, or a file of another site", () => {
  for (const path of html) {
    const text = readFileSync(path, "utf8");
    const scripts = [...text.matchAll(/<script([^>]*)>([^<]*)/g)];
    assert.ok(scripts.every(([, attributes, code]) => attributes.includes("src=") && code.trim() === ""), relative(docs, path));
    assert.ok(!/<[^>]+\s(on\w+|style)=/.test(without(text)), relative(docs, path));
    const loaded = [...values(without(text), "src"), ...[...text.matchAll(/<link[^>]*href="([^"]*)"/g)].map(([, href]) => href)];
    assert.ok(loaded.every((address) => !/^(https?:)?\/\//.test(address)), relative(docs, path));
    assert.match(text, /<meta charset="utf-8">\s*<meta http-equiv="Content-Security-Policy" content="default-src 'none'/);
  }
});

/** Lines that a mark stands before: `<!-- test -->` or `<!-- file: NAME -->`. */
function blocks(text, language) {
  const found = text.matchAll(new RegExp(`(?:<!-- (test|file: \\S+) -->\\n)?\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"));
  return [...found].map(([, mark, code]) => ({ mark, code }));
}

/** An adapter for Stable Diffusion 1.5, with a text encoder. */
function adapter(path, seed) {
  const modules = [
    ["lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, 768],
    ["lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_ff_net_2", 320, 1280],
    ["lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_v", 1280, 768],
    ["lora_te_text_model_encoder_layers_0_mlp_fc1", 3072, 768],
  ];
  const some = (length, seed) => Float32Array.from({ length }, (_, i) => Math.sin(seed + 0.7 * i + 0.001 * i * i) / 40);
  write(path, modules.flatMap(([base, out, inp], m) => [
    [`${base}.lora_down.weight`, [4, inp], some(4 * inp, 10 * seed + m)],
    [`${base}.lora_up.weight`, [out, 4], some(4 * out, 20 * seed - m)],
  ]));
}

/** A folder to type commands in, with `rankweave` on the path. */
function shell(name) {
  const [place, bin] = [scratch(name), scratch(`${name}-bin`)];
  mkdirSync(place);
  mkdirSync(bin);
  symlinkSync(resolve(cli), join(bin, "rankweave"));
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  return { place, run: (code) => execFileSync("bash", ["-euo", "pipefail", "-c", code], { cwd: place, env, stdio: ["ignore", "pipe", "pipe"] }) };
}

test("what is to be typed in a terminal works", (t) => {
  if (!cli || !existsSync(cli)) return t.diagnostic(`skipped: ${t.name}: no program at RANKWEAVE_CLI`);
  let count = 0;
  for (const name of written) {
    const text = readFileSync(join(sources, name), "utf8");
    const { place, run } = shell(`docs-${name}`);
    for (const [i, file] of ["ink", "portrait"].entries()) adapter(join(place, `${file}.safetensors`), i + 1);
    for (const { mark, code } of blocks(text, "json")) {
      if (mark?.startsWith("file: ")) writeFileSync(join(place, mark.slice(6)), code);
    }
    for (const { mark, code } of blocks(text, "sh")) {
      assert.equal(mark, "test", `${name}: a block of commands that is not tested:\n${code}`);
      run(code);
      count++;
    }
  }
  assert.ok(count >= 8, `${count} blocks`);
});

test("every method's own command works, and its recipe's part is JSON", (t) => {
  if (!cli || !existsSync(cli)) return t.diagnostic(`skipped: ${t.name}: no program at RANKWEAVE_CLI`);
  const methods = JSON.parse(execFileSync(cli, ["methods", "--json"]));
  const { place, run } = shell("docs-methods");
  for (const [i, file] of ["a", "b", "c"].entries()) adapter(join(place, `${file}.safetensors`), i + 1);
  for (const { id, title, formula } of methods) {
    const text = readFileSync(join(docs, "methods", `${id}.html`), "utf8");
    const plain = unescaped(text.replace(/<[^>]*>/g, ""));
    assert.ok(plain.includes(title) && plain.includes(formula.replaceAll("`", "")), id);
    const code = (language) => unescaped(text.match(new RegExp(`<code class="language-${language}">([\\s\\S]*?)</code>`))[1]);
    assert.equal(JSON.parse(code("json")).method.id, id);
    run(code("sh"));
  }
  assert.equal(html.filter((path) => dirname(path).endsWith("methods")).length, methods.length);
});

test("every command has its flags on the page of commands", (t) => {
  if (!cli || !existsSync(cli)) return t.diagnostic(`skipped: ${t.name}: no program at RANKWEAVE_CLI`);
  const help = (...words) => execFileSync(cli, [...words, "--help"], { encoding: "utf8" });
  const page = unescaped(readFileSync(join(docs, "commands.html"), "utf8").replace(/<[^>]*>/g, ""));
  const commands = [...help().split("Options:")[0].matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
  assert.ok(commands.length >= 6);
  for (const command of commands) {
    for (const [, flag] of help(command).matchAll(/^ {2,6}(?:-\w, )?(--[a-z-]+)/gm)) assert.ok(page.includes(flag), `${command} ${flag}`);
  }
});

test("every field of a recipe is in the table", () => {
  const schema = JSON.parse(readFileSync(join(root, "www/recipe.schema.json"), "utf8"));
  const page = readFileSync(join(docs, "recipe.html"), "utf8");
  for (const name of Object.keys(schema.properties)) assert.match(page, new RegExp(`<code>${name}(\\[\\])?</code>`), name);
  assert.match(page, /<code>mix\[\]\.rules\[\]\.match<\/code>/);
});

test("JSON and JavaScript in the text can be read", () => {
  let count = 0;
  for (const name of written) {
    const text = readFileSync(join(sources, name), "utf8");
    for (const { code } of blocks(text, "json")) JSON.parse(code);
    for (const { code } of blocks(text, "js")) {
      const path = scratch(`${name}-${count++}.mjs`);
      writeFileSync(path, code);
      execFileSync(process.execPath, ["--check", path]);
    }
  }
  assert.ok(count >= 4, `${count} blocks`);
});

for (const path of ["docs/index.html", "docs/methods.html", "docs/methods/ties.html", "docs/commands.html", "docs/questions.html", "docs/embed.html"]) {
  for (const theme of ["light", "dark"]) {
    for (const width of [1280, 375]) {
      test(`axe: ${path}, ${theme}, ${width} px`, async () => {
        const page = await at(path, { theme, width });
        await page.evaluate(axe);
        // What is in a frame is tested where it is made.
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], iframes: false }));
        const told = violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`);
        assert.deepEqual(told, []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} px wide`);
      });
    }
  }
}

test("no page scrolls sideways at 320 px, and none asks anyone else for anything", async () => {
  const page = await at("docs/index.html", { width: 320 });
  const origin = new URL(page.url()).origin;
  const foreign = [];
  const said = [];
  page.on("request", (request) => new URL(request.url()).origin !== origin && foreign.push(request.url()));
  page.on("console", (message) => message.type() === "error" && !message.text().includes("404") && said.push(message.text()));
  for (const path of html) {
    await page.goto(`${origin}/docs/${relative(docs, path)}`, { waitUntil: "load" });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 320, `${relative(docs, path)}: ${wide} px wide`);
  }
  assert.deepEqual(foreign, []);
  assert.deepEqual(said, []);
});

test("contents are marked, and the keyboard reaches the text first", async () => {
  const page = await at("docs/methods/ties.html");
  const here = page.locator("#contents [aria-current=page]");
  assert.equal(await here.innerText(), "TIES");
  const box = await here.boundingBox();
  assert.ok(box.y > 0 && box.y < 900, `the list shows another part: ${box.y}`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the text");
});

test("a method's demonstration runs in its frame", async (t) => {
  if (!playground) return t.diagnostic(`skipped: ${t.name}: the site has no playground`);
  const page = await at("docs/methods/tsv.html");
  await page.locator("iframe").scrollIntoViewIfNeeded();
  await page.frameLocator("iframe").locator("#summary").filter({ hasText: /^TSV-M/ }).waitFor({ timeout: 60_000 });
  const one = readFileSync(join(docs, "methods/resize.html"), "utf8");
  assert.ok(!one.includes("data-playground"), "resize takes one adapter, the playground has four");
});

test("the embedded merge of the guide has its adapters and merges", async () => {
  const page = await at("docs/embed.html", { theme: "dark" });
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.getByRole("button", { name: "Load this merge" }).click();
  const frame = page.frameLocator("iframe");
  await frame.getByLabel("Weight of turned-digits.safetensors", { exact: true }).waitFor({ timeout: 60_000 });
  await frame.getByRole("button", { name: "Merge", exact: true }).click();
  await frame.getByRole("link", { name: "Save", exact: true }).waitFor({ timeout: 60_000 });
  assert.equal(await frame.locator("#method").inputValue(), "tsv");
  assert.equal(await frame.getByLabel("Weight of turned-digits.safetensors", { exact: true }).inputValue(), "0.7");
  await frame.getByText(/holds what the recipe says should come out/).first().waitFor();
  assert.ok(asked.includes("/embed/"));
});
