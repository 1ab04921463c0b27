// What a merged network reads rightly, as a table with bars, and as a sentence.

import { make, percent, points } from "./dom.js";
import { picture } from "./picture.js";

/** The first 5 among the pictures is the example of each domain. */
const EXAMPLE = 5;

/** The table, and how to fill it: `show(now, before)`. */
export function reading(place, set) {
  const share = (count) => count / set.pictures;
  const example = set.labels.indexOf(EXAMPLE);
  const rows = set.experts.map((id, i) => row(id, `thread-${i}`, share(set.right.base[id]), share(set.right.experts[id][id])));
  const experts = set.experts.reduce((sum, id) => sum + share(set.right.experts[id][id]), 0) / set.experts.length;
  const mean = blank("Mean of the four", null, "", set.mean(set.right.base), experts);
  const plain = row("plain", "", share(set.right.base.plain), null);
  place.replaceChildren(
    make(
      "table",
      { class: "reading" },
      make("caption", { class: "unseen" }, `Share of ${set.pictures} pictures of each kind that are read rightly`),
      make("thead", {}, make("tr", {}, ...["Pictures", "Merged", "Base", "Expert"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows.map(({ element }) => element), plain.element),
      make("tfoot", {}, mean.element),
    ),
    make(
      "p",
      { class: "legend-line small muted", "aria-hidden": "true" },
      make("span", { class: "key key-merged" }), "merged ",
      make("span", { class: "key key-base" }), "base alone ",
      make("span", { class: "key key-expert" }), "the expert of this kind",
    ),
  );
  return (now, before) => {
    set.experts.forEach((id, i) => rows[i].put(share(now.counts[id]), before && share(before.counts[id])));
    plain.put(share(now.counts.plain), before && share(before.counts.plain));
    mean.put(now.mean, before?.mean);
  };

  function row(id, thread, base, expert) {
    const { title, how } = set.domains.find((domain) => domain.id === id);
    const name = make("span", { class: "kind" }, make("b", {}, title), make("span", { class: "small muted how" }, how));
    return blank(name, picture(set.picture(id, example)), thread, base, expert);
  }
}

/** A row without its numbers. */
function blank(title, image, thread, base, expert) {
  const number = make("b", { class: "now" });
  const change = make("span", { class: "change small" });
  const bar = make("div", { class: "bar", "aria-hidden": "true" }, make("span", { class: "fill" }), make("span", { class: "tick base" }), expert === null ? null : make("span", { class: "tick expert" }));
  bar.style.setProperty("--base", base);
  bar.style.setProperty("--expert", expert ?? 0);
  const element = make(
    "tr",
    { class: thread },
    make("th", { scope: "row" }, make("span", { class: "domain" }, image, title)),
    make("td", { class: "merged" }, make("span", { class: "figures" }, number, change), bar),
    make("td", {}, percent(base)),
    make("td", {}, expert === null ? "–" : percent(expert)),
  );
  const put = (share, before) => {
    number.textContent = percent(share);
    const same = before === undefined || before === null || points(share - before).startsWith("±");
    change.textContent = same ? "" : `${points(share - before)}`;
    change.className = `change small ${same ? "" : share > before ? "up" : "down"}`;
    bar.style.setProperty("--share", share);
  };
  return { element, put };
}

/** Two sentences about a result. */
export function sentence(title, now, set) {
  const base = set.mean(set.right.base);
  const plainMean = set.mean(set.right.mean);
  const against = (share, name) => {
    const text = points(now.mean - share);
    return text.startsWith("±") ? `as many as ${name}` : `${text.slice(1)} points ${now.mean > share ? "more" : "less"} than ${name} (${percent(share)})`;
  };
  return `${title} reads ${percent(now.mean)} of the changed pictures: ${against(base, "the base alone")}, ${against(plainMean, "the plain mean of the four")}.`;
}

/** The same in one line, for screens on which the table is not beside the sliders. */
export function glance(place, set, now) {
  const one = (id, i) => make("span", { class: `thread-${i}` }, `${set.title(id)} `, make("b", {}, Math.round((100 * now.counts[id]) / set.pictures)));
  place.replaceChildren(make("b", {}, percent(now.mean)), ...set.experts.map(one));
}
