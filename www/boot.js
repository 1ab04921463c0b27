// Starts the page. A file of its own, since the content security policy allows no inline script.
// The names of the built files stand in the data attributes of the tag that loads this file.

// A page around this one knows by this that the site answers, long before the programs are there.
if (parent !== window) parent.postMessage({ ns: "rankweave", v: 1, type: "loading" }, "*");

const names = document.querySelector("script[data-js]").dataset;

try {
  const page = await import(new URL(names.js, document.baseURI));
  await page.default({ module_or_path: new URL(names.wasm, document.baseURI) });
} catch (error) {
  const notice = document.createElement("p");
  notice.setAttribute("role", "alert");
  notice.textContent = `Rankweave could not start: ${error}. A current Chrome, Edge, Firefox or Safari is needed.`;
  document.body.append(notice);
  throw error;
}
