// A runner for cargo: runs wasm tests in Firefox, with a GPU that a program plays, and prints what they print.
//
//   CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER="node tests/browser/kernels.mjs" cargo test --target wasm32-unknown-unknown …
//
// wasm-bindgen's own runner (RANKWEAVE_RUNNER) makes a page of the tests and serves it; Firefox is led there without a driver.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { launch, missing, withoutGpu } from "./lib/firefox.mjs";

/** How long all tests may take, in milliseconds. */
const patience = 300_000;

/** A port that is free. */
async function free() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Has the tests served; gives how to end that. */
async function serve(address) {
  const runner = process.env.RANKWEAVE_RUNNER ?? "wasm-bindgen-test-runner";
  const env = { ...process.env, NO_HEADLESS: "1", WASM_BINDGEN_TEST_ADDRESS: address };
  const child = spawn(runner, process.argv.slice(2), { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  await new Promise((done, fail) => {
    child.on("error", fail);
    child.on("exit", (code) => fail(new Error(`${runner} ended with ${code}: ${said}`)));
    child.stdout.on("data", (text) => (said += text).includes("available at") && done());
  });
  child.removeAllListeners("exit");
  return () => child.kill();
}

/** What a harness prints where its tests cannot run. */
const skipped = (why) => `skipped: the GPU's kernels in Firefox: ${why}\ntest result: ok. 0 passed; 0 failed; 0 ignored`;

/** What the tests print, once they are through. */
async function run(address) {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`http://${address}/`);
    const why = await withoutGpu(page);
    if (why) return skipped(why);
    const output = page.locator("#output");
    await output.filter({ hasText: /test result: / }).waitFor({ state: "attached", timeout: patience }).catch(() => {});
    return (await output.textContent()) ?? "";
  } finally {
    await browser.close();
  }
}

if (missing) {
  console.log(skipped(missing));
} else {
  const address = `127.0.0.1:${await free()}`;
  const end = await serve(address);
  try {
    const output = await run(address);
    console.log(output);
    process.exitCode = /test result: ok/.test(output) ? 0 : 1;
  } finally {
    end();
  }
}
