// Pictures that are read otherwise than before: now right, now wrong.

import { make } from "./dom.js";
import { picture } from "./picture.js";

/** `{ gained, lost }`: lists of `{ domain, n, was, is }`. */
export function flips(set, before, now) {
  const found = { gained: [], lost: [] };
  for (const { id } of set.domains) {
    set.labels.forEach((digit, n) => {
      const [was, is] = [before.found[id][n], now.found[id][n]];
      if (was !== is && is === digit) found.gained.push({ domain: id, n, was, is });
      if (was !== is && was === digit) found.lost.push({ domain: id, n, was, is });
    });
  }
  return found;
}

/** Draws at most `most` of each list. */
export function draw(place, set, { gained, lost }, most) {
  place.replaceChildren(
    group(`Now right: ${gained.length}`, "gained", gained, ({ was, is }) => `read as ${is}, which is right; before as ${was}`),
    group(`Now wrong: ${lost.length}`, "lost", lost, ({ was, is }) => `read as ${is}, which is wrong; before as ${was}, right`),
  );

  function group(title, sort, list, words) {
    const shown = spread(list, most);
    const tiles = shown.map((flip) =>
      make(
        "li",
        { class: `tile ${sort}` },
        picture(set.picture(flip.domain, flip.n), `${set.title(flip.domain)} ${set.labels[flip.n]}: ${words(flip)}`),
        make("span", { "aria-hidden": "true" }, `${flip.was} → ${flip.is}`),
      ),
    );
    const rest = list.length - shown.length;
    return make(
      "div",
      { class: "group" },
      make("h3", { class: sort }, title),
      list.length === 0 ? make("p", { class: "small muted" }, "None.") : make("ul", { class: "tiles" }, ...tiles),
      rest > 0 ? make("p", { class: "small muted" }, `and ${rest} more`) : null,
    );
  }
}

/** Some of a list, from all domains alike. */
function spread(list, most) {
  const queues = [...new Set(list.map(({ domain }) => domain))].map((id) => list.filter(({ domain }) => domain === id));
  const shown = [];
  for (let turn = 0; shown.length < Math.min(most, list.length); turn++) {
    for (const queue of queues) if (turn < queue.length && shown.length < most) shown.push(queue[turn]);
  }
  return shown.sort((a, b) => list.indexOf(a) - list.indexOf(b));
}
