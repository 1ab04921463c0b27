// Settings as the part of the address after #, for links and for frames in other pages.
//
// | name | value | where absent |
// |---|---|---|
// | `method` | id in the registry | `ties` |
// | `w` | one weight per adapter, by commas | all 1 |
// | `seed` | whole number | 0 |
// | `view` | `compact`: no head, no table of methods | the whole page |
// | `theme` | `light` or `dark` | as chosen in the page, or the system's |
// | any other | a parameter of the method | its default |

const OTHER = ["method", "w", "seed", "view", "theme"];

/** The range of weights and seeds, as recipes have it. */
export const WEIGHT = [-10, 10];
export const SEED = [0, 4294967295];

/** What all start from. */
export const fresh = (count) => ({ method: "ties", params: {}, weights: Array(count).fill(1), seed: 0 });

/** Settings, view, theme, and sentences about what is not understood. */
export function decode(hash, methods, count) {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const settings = fresh(count);
  const ignored = [];
  const wanted = query.get("method") ?? settings.method;
  const method = methods.find(({ id }) => id === wanted) ?? methods[0];
  if (method.id !== wanted) ignored.push(`No method for ${count} adapters is called “${wanted}”; ${method.title} is shown.`);
  settings.method = method.id;
  if (query.has("w")) {
    const weights = query.get("w").split(",").map(number);
    if (weights.length === count && weights.every((w) => within(w, WEIGHT))) settings.weights = weights;
    else ignored.push(`w: expected ${count} numbers from ${WEIGHT[0]} to ${WEIGHT[1]}; all weights are 1.`);
  }
  if (query.has("seed")) {
    const seed = number(query.get("seed"));
    if (Number.isInteger(seed) && within(seed, SEED)) settings.seed = seed;
    else ignored.push("seed: expected a whole number; it is 0.");
  }
  for (const [name, text] of query) {
    if (OTHER.includes(name)) continue;
    const param = [...method.own, ...method.output].find((one) => one.name === name);
    const value = param && valueOf(param, text);
    if (value === undefined) ignored.push(`${method.title} has no setting ${name} = ${text}; it is left out.`);
    else settings.params[name] = value;
  }
  return { settings, compact: query.get("view") === "compact", theme: query.get("theme"), ignored };
}

/** The address of settings: what is as it would be anyway is left out. */
export function encode({ method, params, weights, seed }, more = {}) {
  const parts = [["method", method], ...Object.entries(params)];
  if (weights.some((w) => w !== 1)) parts.push(["w", weights.join(",")]);
  if (seed !== 0) parts.push(["seed", seed]);
  parts.push(...Object.entries(more).filter(([, value]) => value));
  // Commas are for reading.
  return `#${new URLSearchParams(parts.map(([name, value]) => [name, String(value)]))}`.replaceAll("%2C", ",");
}

const number = (text) => (text.trim() === "" ? NaN : Number(text));
const within = (value, [low, high]) => value >= low && value <= high;

function valueOf(param, text) {
  if (param.type === "number") return within(number(text), [param.min, param.max]) ? Number(text) : undefined;
  if (param.type === "choice") return param.options.some(({ id }) => id === text) ? text : undefined;
  if (param.type === "flag") return { true: true, false: false }[text];
  return text;
}
