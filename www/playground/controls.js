// The form, drawn from the registry: a new method needs no change here.

import { SEED, WEIGHT } from "./address.js";
import { by, make } from "./dom.js";
import { slider } from "./slider.js";

/** How far sliders reach, where limits are wider than what happens here: 32 is the rank of all four together. */
function span(param) {
  if (param.name === "lambda") return [0, 2];
  return [param.min, param.step === 1 && param.max > 64 ? Math.max(32, 2 * param.default) : param.max];
}

/** Draws the form. `changed(name)` is told which control has changed `settings`. */
export function controls(form, { methods, experts, title }, settings, changed) {
  const select = make(
    "select",
    { id: "method", change: () => { settings.method = select.value; settings.params = {}; fields(); changed("method"); } },
    ...sections(methods).map((list) => make("optgroup", { label: list[0].section }, ...list.map(option))),
  );
  select.value = settings.method;
  const about = make("div", { class: "about" });
  const params = make("div", { class: "params" });
  const weights = make(
    "fieldset",
    { class: "weights" },
    make("legend", { class: "legend" }, "Weights"),
    ...experts.map((id, i) => weight(id, i)),
  );
  form.replaceChildren(make("div", { class: "field" }, make("label", { for: "method" }, "Method"), select, about), params, weights);
  form.addEventListener("submit", (event) => event.preventDefault());
  fields();

  /** What belongs to the method. */
  function fields() {
    const method = methods.find(({ id }) => id === settings.method);
    about.replaceChildren(
      make("p", {}, method.summary),
      make("p", { class: "formula" }, method.formula.replaceAll("`", "")),
      make("p", { class: "help" }, method.when, " ", reference(method)),
    );
    const open = method.output.some(({ name }) => name in settings.params) || settings.seed !== 0;
    params.replaceChildren(
      ...method.own.map(field),
      make("details", { class: "told", open }, make("summary", {}, "Size of the result, seed"), ...method.output.map(field), seed()),
    );
  }

  function field(param) {
    const id = `param-${param.name}`;
    const help = `${id}-help`;
    const put = (value) => {
      if (value === param.default) delete settings.params[param.name];
      else settings.params[param.name] = value;
      changed(id);
    };
    const value = settings.params[param.name] ?? param.default;
    return make(
      "div",
      { class: "field" },
      make("label", { for: id }, param.title),
      control(param, { id, help, value, put }),
      make("p", { class: "help", id: help }, param.help),
    );
  }

  function weight(id, i) {
    const name = `weight-${id}`;
    const set = (value) => { settings.weights[i] = value; changed(name); };
    return make(
      "div",
      { class: `field thread-${i}` },
      make("label", { for: name }, title(id)),
      slider({ id: name, title: `Weight of ${id}`, span: [-1, 2], limits: WEIGHT, step: 0.05, value: settings.weights[i], set }),
    );
  }

  function seed() {
    const input = make("input", {
      type: "number", id: "seed", min: SEED[0], max: SEED[1], step: 1, value: settings.seed, "aria-describedby": "seed-help",
      input: () => { if (input.value !== "" && input.checkValidity()) { settings.seed = input.valueAsNumber; changed("seed"); } },
      change: () => (input.value = settings.seed),
    });
    return make("div", { class: "field" }, make("label", { for: "seed" }, "Seed"), input, make("p", { class: "help", id: "seed-help" }, "For methods that use chance: the same seed gives the same bytes."));
  }
}

/** Puts the focus where the method is chosen. */
export const focus = () => by("method").focus();

function control(param, { id, help, value, put }) {
  if (param.type === "number") {
    const { min, max, step } = param;
    return slider({ id, title: param.title, span: span(param), limits: [min, max], step, whole: step === 1, value, describedby: help, set: put });
  }
  if (param.type === "choice") {
    const options = param.options.map((one) => make("option", { value: one.id }, one.title));
    const select = make("select", { id, "aria-describedby": help, change: () => put(select.value) }, ...options);
    select.value = value;
    return select;
  }
  if (param.type === "flag") {
    const box = make("input", { type: "checkbox", id, "aria-describedby": help, change: () => put(box.checked) });
    box.checked = value;
    return box;
  }
  return make("textarea", { id, rows: 3, spellcheck: "false", "aria-describedby": help, change: (event) => put(event.target.value) }, value);
}

/** Methods of a section follow each other. */
const sections = (methods) =>
  methods.reduce((lists, method) => {
    if (lists.at(-1)?.[0].section === method.section) lists.at(-1).push(method);
    else lists.push([method]);
    return lists;
  }, []);

const option = (method) => make("option", { value: method.id }, method.title + (method.experimental ? ", experimental" : ""));

const reference = ({ reference: { title, url } }) => (url ? make("a", { href: url, target: "_blank", rel: "noopener" }, title) : title);
