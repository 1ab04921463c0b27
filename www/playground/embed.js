// Puts the playground into another page of this site. Each link
//
//   <a data-playground href="../playground/#method=ties&density=0.2">Try it in the playground</a>
//
// becomes a frame that is as tall as what is in it, in the page's theme; without scripts the link stays. The frame loads
// when the reader comes near.

/** Themes of mdBook that are dark; other pages say `data-theme`, or follow the system. */
const DARK = ["coal", "navy", "ayu"];
const LIGHT = ["light", "rust"];

const root = document.documentElement;
const has = (names) => names.some((name) => root.classList.contains(name));
const theme = () => root.dataset.theme ?? (has(DARK) ? "dark" : has(LIGHT) ? "light" : null);

for (const link of document.querySelectorAll("a[data-playground]")) {
  const address = new URL(link.href);
  const wanted = theme() ? `&theme=${theme()}` : "";
  address.hash = `${address.hash || "#method=ties"}&view=compact${wanted}`;
  const frame = document.createElement("iframe");
  frame.title = "Playground: four LoRAs merged, and what the merged network reads";
  frame.loading = "lazy";
  frame.height = "900";
  frame.style.width = "100%";
  frame.style.border = "0";
  frame.src = address;
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== address.origin || data?.ns !== "rankweave" || data.event !== "resize") return;
    const { height } = data.data;
    if (height > 0 && height < 20_000) frame.height = String(Math.ceil(height));
  });
  link.replaceWith(frame);
}
