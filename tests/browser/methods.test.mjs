// Every method in the page gives what it gives in the terminal, survey rounds and chance included.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { made, scratch } from "./lib/files.mjs";
import { deltas, distance } from "./lib/naive.mjs";
import { drop, merge, pages, save, weight } from "./lib/page.mjs";

const open = pages();
const cli = process.env.RANKWEAVE_CLI;
const weights = [0.7, 0.4, 1.2];

test("every method, by as many adapters as it takes", async (t) => {
  if (!cli || !existsSync(cli)) return t.skip("no program at RANKWEAVE_CLI");
  const specs = JSON.parse(execFileSync(cli, ["methods", "--json"], { encoding: "utf8" }));
  const files = [11, 12, 13].map((seed) => made(`method-${seed}.safetensors`, { rank: 4, seed }));
  let compared = 0;
  for (const count of [1, 2, 3]) {
    const own = specs.filter(({ adapters: [least, most] }) => Math.max(least, Math.min(most, 3)) === count);
    if (own.length === 0) continue;
    const page = await open();
    const paths = files.slice(0, count);
    await drop(page, paths);
    for (const [i, path] of paths.entries()) await weight(page, path).fill(String(weights[i]));
    for (const { id } of own) {
      await page.locator("#method").selectOption(id);
      const merged = deltas(await save(page, await merge(page)));
      const out = scratch(`method-${id}.safetensors`);
      const given = `--weights=${weights.slice(0, count).join(",")}`;
      execFileSync(cli, ["merge", ...paths, "-o", out, given, "--method", id], { stdio: "ignore" });
      const apart = distance(merged, deltas(out));
      assert.ok(apart < 1e-5, `${id}: ${apart} apart`);
      compared += 1;
    }
  }
  assert.equal(compared, specs.length);
});
