// A slider with a number field beside it; both show one value. What is typed counts once it is a number in range.

import { make } from "./dom.js";

const show = (value) => String(Number(value.toFixed(6)));

/** `span` is the slider's range, `limits` the field's; `set(value)` hears of every change. */
export function slider({ id, title, span, limits, step, whole, value, describedby, set }) {
  const [low, high] = span;
  const range = make("input", { type: "range", min: low, max: high, step, "aria-label": `${title}, slider`, "aria-describedby": describedby, input: () => take(range.valueAsNumber, field) });
  const field = make("input", {
    type: "number", id, step: "any", inputmode: "decimal", min: limits[0], max: limits[1], "aria-describedby": describedby,
    input: () => fits(field.valueAsNumber) ? take(field.valueAsNumber, range) : mark(true),
    change: () => (field.value = show(value), mark(false)),
    keydown: stepped,
  });
  const wrong = make("p", { class: "range small", role: "alert", hidden: true });
  const rail = make("div", { class: "rail" }, range);
  put(range);
  put(field);
  return make("div", { class: "slider" }, rail, field, wrong);

  function fits(n) {
    return Number.isFinite(n) && n >= limits[0] && n <= limits[1] && (!whole || Number.isInteger(n));
  }
  function take(n, other) {
    value = n;
    put(other);
    mark(false);
    set(n);
  }
  function put(input) {
    input.value = show(value);
    const place = (n) => String(Math.min(1, Math.max(0, (n - low) / (high - low))));
    rail.style.setProperty("--from", place(0));
    rail.style.setProperty("--to", place(value));
  }
  function mark(bad) {
    field.toggleAttribute("aria-invalid", bad);
    if (bad) field.setAttribute("aria-invalid", "true");
    wrong.hidden = !bad;
    wrong.textContent = bad ? `${whole ? "A whole number from" : "From"} ${show(limits[0])} to ${show(limits[1])}` : "";
  }
  function stepped(event) {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = (Math.round(value / step) + by) * step;
    take(Math.min(limits[1], Math.max(limits[0], Number(next.toFixed(9)))), range);
    field.value = show(value);
  }
}
