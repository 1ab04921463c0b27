// All methods at their defaults, with the weights as they stand: a list, best first, to choose from.

import { make, percent } from "./dom.js";

/** Draws the panel. `base` is the base's share, `run(settings, signal)` merges and reads, `choose(method)` is told what was
 * picked, and `say(text)` tells those who do not see it. */
export function board(place, { methods, base, settings, run, choose, say }) {
  let stop = null;
  const list = make("ol", { class: "board" });
  const told = make("p", { class: "small muted" }, `Merges and reads with each of the ${methods.length} methods at its defaults, with the weights above.`);
  const button = make("button", { class: "button", type: "button", click: () => (stop ? stop.abort() : all()) }, "Try every method");
  place.replaceChildren(
    make("div", { class: "panel-head" }, make("h2", { id: "board-title" }, "Every method"), button),
    told,
    list,
  );

  async function all() {
    stop = new AbortController();
    const { signal } = stop;
    const { weights, seed } = structuredClone(settings());
    const found = [];
    const failed = [];
    button.textContent = "Stop";
    list.replaceChildren();
    for (const method of methods) {
      if (signal.aborted) break;
      told.textContent = `${found.length + 1} of ${methods.length}: ${method.title} …`;
      try {
        const { mean, counts } = await run({ method: method.id, params: {}, weights, seed }, signal);
        const rank = found.findIndex((one) => one.mean < mean);
        const at = rank < 0 ? found.length : rank;
        found.splice(at, 0, { mean });
        list.insertBefore(entry(method, mean, counts), list.children[at] ?? null);
      } catch (error) {
        if (signal.aborted) break;
        failed.push(`${method.title}: ${error.message}`);
      }
    }
    told.textContent = `${found.length} methods at their defaults, weights ${weights.join(", ")}.${failed.length ? ` Not possible: ${failed.join("; ")}` : ""}`;
    button.textContent = "Try every method";
    stop = null;
    say(told.textContent);
  }

  function entry(method, mean, counts) {
    const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span", { class: "fill" }), make("span", { class: "tick base" }));
    bar.style.setProperty("--base", base);
    bar.style.setProperty("--share", mean);
    return make(
      "li",
      { "data-mean": mean, "data-counts": JSON.stringify(counts) },
      make("button", { class: "button plain", type: "button", click: () => choose(method.id) }, method.title),
      bar,
      make("span", {}, percent(mean)),
    );
  }
}
