// What a page does with the package in these tests. Runs in the browser.

const names = ["turned-digits", "inverted-digits", "noisy-digits"];

/** Merges that every way of loading the package has to do alike, with the settings of each. */
export const merges = [
  { weights: [0.7, -0.3, 1] },
  { weights: [0.7, -0.3, 1], method: "ties", params: { density: 0.4 }, rank: 8, dtype: "f32" },
  { method: "dare", params: { drop: 0.5 }, seed: 7, rank: "dense" },
];

export const sha256 = async (blob) =>
  Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer())), (b) => b.toString(16).padStart(2, "0")).join("");

/** The hashes of all merges. `address` makes the place of a sample. */
export async function run({ init, recipe }, options, address = (name) => `/${name}.safetensors`) {
  const engine = await init({ threads: 2, ...options });
  const adapters = await Promise.all(names.map((name) => engine.open(address(name))));
  const hashes = [];
  for (const settings of merges) {
    const { blob } = await engine.merge(recipe(adapters, settings), adapters);
    hashes.push(await sha256(blob));
  }
  engine.dispose();
  return hashes;
}

/** Runs it in a page; the test waits for `done`. */
export function start(rankweave, options) {
  globalThis.rankweave = rankweave;
  globalThis.done = run(rankweave, options).catch((error) => `${error.stack}`);
}
