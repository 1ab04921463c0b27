// The page that fetches: shows what, waits for a click, downloads, checks, and hands the file to the page that opened it.

import { read } from "./address.js";
import { Download } from "./download.js";

const by = (id) => document.getElementById(id);
const wish = read(location.hash);
const download = wish.wrong ? null : new Download(wish.url);
let stop = null;

show();
addEventListener("hashchange", () => location.reload());
by("start").addEventListener("click", start);
by("pause").addEventListener("click", () => stop?.abort());

function show() {
  if (wish.wrong) {
    by("trouble").textContent = wish.wrong;
    return;
  }
  const facts = [["File", wish.name], ["Place", wish.place], ["Host", wish.host], ["Size", wish.size ? words(wish.size) : "told once it begins"]];
  if (wish.data) facts.push(["Must hold", `SHA-256 ${wish.data.slice(0, 12)}… after the header`]);
  by("facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
  by("start").disabled = false;
}

async function start() {
  stop = new AbortController();
  by("trouble").textContent = "";
  working(true);
  try {
    await download.run(stop.signal, progress);
    working(false);
    by("start").hidden = true;
    finish();
  } catch (error) {
    working(false);
    by("start").textContent = "Go on";
    if (stop.signal.aborted) by("said").textContent = `Paused at ${words(download.done)}.`;
    else by("trouble").textContent = `${error.message} What has come is kept: you can try to go on.`;
  }
}

function working(on) {
  by("start").disabled = on;
  by("pause").hidden = !on;
  by("bar").hidden = !on && download.done === 0;
}

function progress(error) {
  const total = download.total ?? wish.size;
  if (total) by("bar").value = download.done / total;
  else by("bar").removeAttribute("value");
  const how = total ? `${words(download.done)} of ${words(total)}` : words(download.done);
  by("said").textContent = error ? `${how}. The line broke (${error.message}); trying again.` : `${how}.`;
}

function finish() {
  const found = download.digest();
  if (wish.data && found !== wish.data) {
    by("said").textContent = "";
    by("trouble").textContent = `This is another file than the one that is wanted: its SHA-256 after the header is ${found}. It is not handed over.`;
    return;
  }
  const file = download.file(wish.name);
  const link = by("save");
  link.href = URL.createObjectURL(file);
  link.download = wish.name;
  link.hidden = false;
  const checked = wish.data ? " It is the one that is wanted." : "";
  if (opener) {
    opener.postMessage({ rankweave: "fetched", place: wish.place, file }, location.origin);
    by("said").textContent = `${words(file.size)} downloaded.${checked} The page that asked for it has it: you can close this one.`;
  } else {
    by("said").textContent = `${words(file.size)} downloaded.${checked} Save it, and drop it on the page.`;
  }
}

function make(tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}

/** A size in words. */
function words(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  let step = 0;
  for (; bytes >= 1000 && step < 3; step++) bytes /= 1000;
  return `${step ? bytes.toFixed(1) : bytes} ${units[step]}`;
}
