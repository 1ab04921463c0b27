// Puts the playground into another page of this site. Each link
//
//   <a data-playground href="../playground/#method=ties&density=0.2">Try it in the playground</a>
//
// becomes a frame that is as tall as what is in it, in the page's theme; without scripts the link stays. The frame loads
// when the reader comes near.

const { theme } = document.documentElement.dataset;

for (const link of document.querySelectorAll("a[data-playground]")) {
  const address = new URL(link.href);
  address.hash = `${address.hash || "#method=ties"}&view=compact${theme ? `&theme=${theme}` : ""}`;
  const frame = document.createElement("iframe");
  frame.title = link.textContent.trim();
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
