// Recipes from a few settings.

/** Up to 26 sources are a, b, …; those after them are s26, s27, … */
const id = (i) => (i < 26 ? String.fromCharCode(97 + i) : `s${i}`);

/** `"exact"`, `"dense"` or a number, or already as in a recipe. */
const rankOf = (rank) => (typeof rank === "number" ? { mode: "fixed", value: rank } : typeof rank === "string" ? { mode: rank } : rank);

/** What is there of an object. */
const given = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** A recipe for these adapters; what is not said is as on the command line: weight 1, an exact sum, the first one's type. */
export function recipe(adapters, settings = {}) {
  const { weights = [], te = [], method = "sum", params, rank = "exact", dtype, keys, seed, metadata, title, name } = settings;
  for (const [list, what] of [[weights, "weights"], [te, "te"]]) {
    if (list.length !== 0 && list.length !== adapters.length) {
      throw new TypeError(`${what}: expected ${adapters.length} numbers, one per adapter, found ${list.length}`);
    }
  }
  return given({
    recipe: 1,
    name,
    sources: adapters.map((_, i) => ({ id: id(i) })),
    mix: adapters.map((_, i) => given({ src: id(i), weight: weights[i] ?? 1, te: te[i] })),
    method: given({ id: method, params }),
    seed,
    output: given({ rank: rankOf(rank), dtype: dtype ?? adapters[0]?.info.dtype ?? "f32", keys, metadata, title }),
  });
}
