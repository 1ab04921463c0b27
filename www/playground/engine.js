// The one place that knows the engine's package: everything the playground asks of it.

import { init, recipe } from "../npm/index.js";

/** The engine with adapters open, `[{ label, file: Blob }]` once they are there: which methods take that many, and merges. */
export async function start(coming) {
  const [engine, files] = await Promise.all([init({ threads: 1 }), coming]);
  const [methods, ...adapters] = await Promise.all([engine.methods(), ...files.map(({ label, file }) => engine.open(file, { label }))]);
  return {
    /** In the registry's order, which keeps sections together. */
    methods: methods.filter(({ adapters: [least, most] }) => least <= files.length && files.length <= most).map(method),

    /** The merged file, all of its rank, in f32, and what there is to say about it. */
    async merge({ method, params, weights, seed }, signal) {
      const order = recipe(adapters, { method, params, weights, seed, rank: "exact", dtype: "f32" });
      const { blob, summary } = await engine.merge(order, adapters, { signal });
      const notes = [...summary.remarks, ...summary.warnings].map(({ message }) => message);
      return { blob, notes };
    },
  };
}

/** A method with flat parameters: `own` ones, and those of the `output`, which all methods have. */
const method = ({ id, title, summary, formula, when, section, experimental, reference, params, output }) => {
  return { id, title, summary, formula, when, section, experimental, reference, own: params.map(param), output: output.map(param) };
};

/** `{ name, title, help, type, default, … }`, type one of number, choice, flag, text. */
function param({ name, title, help, kind }) {
  if (typeof kind === "string") return { name, title, help, type: kind.toLowerCase(), default: "" };
  const [[type, more]] = Object.entries(kind);
  return { name, title, help, type: type.toLowerCase(), ...more };
}

/** Why a merge failed: what, with what was expected and found, and what to do. */
export const why = ({ message, hint }) => ({ what: message.split("\n")[0], hint });
