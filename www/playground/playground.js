// The playground: settings → merge → read → show, over and over. A merge that is under way when settings change is given
// up if it takes long; of several changes the last one counts.

import { decode, encode, fresh } from "./address.js";
import { board } from "./board.js";
import { controls, focus } from "./controls.js";
import { adapters, load } from "./data.js";
import { by, make } from "./dom.js";
import { draw, flips } from "./flips.js";
import { glance, reading, sentence } from "./reading.js";

/** Milliseconds: when a merge counts as long, how long one gesture lasts, when a result is read out. */
const [LONG, GESTURE, QUIET] = [400, 1500, 700];
/** Pictures shown of each sort, in the page and in the compact view. */
const TILES = [24, 7];

dress();
main().catch(async (error) => {
  by("loading").hidden = true;
  trouble(error, () => location.reload());
});

async function main() {
  // Imported here, so that a package that is not there is told like any other trouble.
  const { start: startEngine, why } = await import("./engine.js");
  const [engine, set] = await Promise.all([startEngine(adapters()), load()]);
  // The first merge does not wait for it.
  const reference = set.read();
  const all = { methods: engine.methods, experts: set.experts, title: set.title };
  let { settings, compact, theme, ignored } = decode(location.hash, engine.methods, set.experts.length);

  const show = reading(by("reading"), set);
  const form = by("controls");
  /** Results: the base's, the one on show, the one before the latest gesture. */
  let base = null;
  let now = null;
  let before = null;
  let saved = null;
  let gesture = { name: null, at: -Infinity };
  let wanted = null;
  let under = null;

  const run = async (order, signal) => {
    const { blob, notes } = await engine.merge(order, signal);
    return { ...(await set.read(blob)), blob, notes };
  };

  function changed(name) {
    const at = performance.now();
    if (name !== gesture.name || at - gesture.at > GESTURE) before = now ?? before;
    gesture = { name, at };
    ignored = [];
    history.replaceState(null, "", encode(settings, { view: compact && "compact", theme }));
    want();
  }

  function want() {
    wanted = structuredClone(settings);
    if (!under) work();
    else if (performance.now() - under.since > LONG) under.abort.abort();
  }

  async function work() {
    document.documentElement.dataset.state = "working";
    while (wanted) {
      const order = wanted;
      wanted = null;
      under = { abort: new AbortController(), since: performance.now() };
      try {
        now = { ...(await run(order, under.abort.signal)), order };
        base ??= await reference;
        before ??= base;
        by("trouble").hidden = true;
        paint();
      } catch (error) {
        if (!under.abort.signal.aborted) trouble(why(error));
      }
    }
    under = null;
    document.documentElement.dataset.state = "ready";
  }

  function paint() {
    const title = engine.methods.find(({ id }) => id === now.order.method).title;
    const words = sentence(title, now, set);
    const against = by("against").value === "base" ? base : before;
    const found = flips(set, against, now);
    show(now, against);
    by("against").options[0].textContent = before === base ? "the setting before: the base" : "the setting before";
    by("summary").textContent = words;
    glance(by("glance"), set, now);
    by("notes").replaceChildren(...[...ignored, ...now.notes].map((text) => make("p", { class: "note info small" }, text)));
    draw(by("flips"), set, found, TILES[compact ? 1 : 0]);
    if (saved) URL.revokeObjectURL(saved);
    by("save").href = saved = URL.createObjectURL(now.blob);
    by("larger").href = `./${encode(now.order)}`;
    clearTimeout(paint.later);
    const told = `${words} ${found.gained.length} pictures are now right, ${found.lost.length} now wrong.`;
    paint.later = setTimeout(() => (by("said").textContent = told), QUIET);
  }

  function start() {
    controls(form, all, settings, changed);
    want();
  }

  by("against").addEventListener("change", () => now && paint());
  by("reset").addEventListener("click", () => {
    settings = fresh(set.experts.length);
    controls(form, all, settings, changed);
    changed("reset");
  });
  addEventListener("hashchange", () => {
    before = now ?? before;
    ({ settings, compact, theme, ignored } = decode(location.hash, engine.methods, set.experts.length));
    dress();
    start();
  });
  board(by("board"), {
    methods: engine.methods,
    base: set.mean(set.right.base),
    say: (text) => (by("said").textContent = text),
    settings: () => settings,
    run,
    choose(method) {
      settings.method = method;
      settings.params = {};
      controls(form, all, settings, changed);
      changed("method");
      focus();
    },
  });
  // One line of numbers while the table is out of sight.
  new IntersectionObserver(([{ isIntersecting }]) => (by("glance").hidden = isIntersecting)).observe(by("reading"));
  by("loading").hidden = true;
  by("play").hidden = false;
  start();
}

/** View and theme, as the address has them. */
function dress() {
  const query = new URLSearchParams(location.hash.slice(1));
  const theme = query.get("theme");
  document.documentElement.classList.toggle("compact", query.get("view") === "compact");
  if (["light", "dark"].includes(theme)) document.documentElement.dataset.theme = theme;
}

/** Says what went wrong, and what to do. */
function trouble({ what, message, hint = "Load the page again; a current Chrome, Edge, Firefox or Safari is needed." }, again) {
  const still = by("play").hidden ? "" : " The numbers shown are those of the merge before.";
  const box = by("trouble");
  box.replaceChildren(
    make("p", { class: "what" }, what ?? message),
    again ? make("button", { class: "button", type: "button", click: again }, "Load again") : "",
    make("p", { class: "hint" }, hint + still),
  );
  box.hidden = false;
}

/** A frame's page may want to know how tall it is. */
if (parent !== window) {
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    parent.postMessage({ ns: "rankweave", v: 1, event: "resize", data: { height } }, "*");
  }).observe(document.body);
}
