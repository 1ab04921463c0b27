// Photographs every state, both themes, both widths: node shots.mjs FOLDER [state…]

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./lib/page.mjs";
import { site } from "./lib/site.mjs";
import { states } from "./lib/states.mjs";

const [folder, ...wanted] = process.argv.slice(2);
if (!folder) throw new Error("usage: node shots.mjs FOLDER [state…]");
mkdirSync(folder, { recursive: true });
const [browser, place] = await Promise.all([launch(), site()]);
for (const state of wanted.length ? wanted : Object.keys(states)) {
  for (const theme of ["light", "dark"]) {
    for (const width of [1280, 375]) {
      const context = await browser.newContext({ viewport: { width, height: width > 500 ? 900 : 812 }, colorScheme: theme, reducedMotion: "reduce" });
      const page = await context.newPage();
      await page.goto(place.url);
      await page.locator("#adapter-files:enabled").waitFor();
      await page.locator(".sample").first().waitFor();
      await states[state](page);
      await page.screenshot({ path: join(folder, `${state}-${theme}-${width}.png`), fullPage: width > 500 });
      await context.close();
    }
  }
}
await browser.close();
place.close();
