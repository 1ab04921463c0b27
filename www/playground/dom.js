// Elements, made in one line.

/** An element with attributes and children. `false` and `undefined` leave an attribute out; functions listen. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with an id. */
export const by = (id) => document.getElementById(id);

/** A share, 0 to 1, as percent with one digit. */
export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** The difference of two shares in points, with its sign. */
export function points(share) {
  const text = Math.abs(100 * share).toFixed(1);
  return text === "0.0" ? "±0.0" : `${share > 0 ? "+" : "−"}${text}`;
}
