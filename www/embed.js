// <rank-weave>: a merge in another page. What can be set, called and heard is told in embed.d.ts.
//
// Until it is wanted there is only what stands in the element (a link to the merge), the poster, and a button: nothing is
// asked of the site. Then a frame of the site takes their place, and the two talk over a port that is given to that frame
// alone. Only messages from the frame, and from the site's origin, count.

const NS = "rankweave";
const VERSION = 1;
/** How long the site may take to answer, in milliseconds. */
const PATIENCE = 20_000;
/** Heights that are believed, in CSS pixels. */
const TALLEST = 20_000;
const SANDBOX = "allow-scripts allow-same-origin allow-downloads allow-popups allow-popups-to-escape-sandbox";

// A sheet of its own, which a page's content security policy does not forbid as it does a style attribute.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: block; position: relative }
  :host([hidden]) { display: none }
  iframe { display: block; width: 100%; border: 0; color-scheme: normal }
  .card { display: grid; justify-items: start; gap: .75rem; padding: 1rem; border: 1px solid #8b8678; border-radius: .75rem }
  img { max-width: 100% }
  button { min-height: 2.5rem; padding: 0 1rem; border: 0; border-radius: .5rem; background: #2d47b9; color: #fff; font: inherit; cursor: pointer }
  button:focus-visible { outline: 3px solid; outline-offset: 2px }
  button:disabled { opacity: .6; cursor: default }`);

const error = (code, message, more) => Object.assign(new Error(message), { name: "RankweaveError", code, ...more });
const make = (name, properties) => Object.assign(document.createElement(name), properties);

class RankWeave extends HTMLElement {
  static observedAttributes = ["recipe", "theme"];
  #root = this.attachShadow({ mode: "open" });
  #loading;
  #port;
  #spoke;
  #last = 0;
  #calls = new Map();
  #end = new AbortController();

  connectedCallback() {
    this.#root.adoptedStyleSheets = [sheet];
    this.#end = new AbortController();
    this.#wait();
    const when = this.getAttribute("load");
    if (when === "eager") this.#begin();
    else if (when === "visible") {
      const watch = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && (watch.disconnect(), this.#begin()), { rootMargin: "200px" });
      watch.observe(this);
      this.#end.signal.addEventListener("abort", () => watch.disconnect());
    }
  }

  disconnectedCallback() {
    this.#stop("closed", "The element was taken out of the page");
    this.#root.replaceChildren();
  }

  attributeChangedCallback(name, before, value) {
    if (!this.#port || before === value || value === null) return;
    const call = name === "recipe" ? this.#call("setRecipe", { recipe: value }) : this.#call("setTheme", { theme: this.#theme() });
    call.catch((cause) => this.#wrong(cause));
  }

  /** Loads it, unless it is there. */
  load() {
    return (this.#loading ??= this.#open().catch((cause) => {
      if (this.isConnected) {
        this.#stop(cause.code, cause.message);
        this.#wait(cause.message);
        this.#wrong(cause);
      }
      throw cause;
    }));
  }

  setRecipe(recipe, options) { return this.#call("setRecipe", { recipe }, options); }
  setWeight(adapter, weight, options) { return this.#call("setWeight", { adapter, weight }, options); }
  addFiles(files, options) { return this.#call("addFiles", { files: [...files] }, options); }
  analyze(options) { return this.#call("analyze", {}, options); }
  merge(options) { return this.#call("merge", {}, options); }
  cancel(options) { return this.#call("cancel", {}, options); }
  getRecipe(options) { return this.#call("getRecipe", {}, options); }
  download(options) { return this.#call("download", {}, options); }

  /** What is shown before, and after a failure. */
  #wait(trouble) {
    const poster = this.getAttribute("poster");
    const button = make("button", { type: "button", textContent: trouble ? "Try again" : "Load this merge", onclick: () => this.#begin() });
    button.part = "button";
    const card = make("div", { className: "card" });
    card.append(make("slot"), button);
    if (poster) card.prepend(make("img", { src: poster, alt: "" }));
    if (trouble) card.append(make("p", { role: "alert", textContent: trouble }));
    this.#root.replaceChildren(card);
  }

  /** Loads, where failures are shown and heard of, and nobody waits. */
  #begin() {
    this.load().catch(() => {});
  }

  async #open() {
    const { signal } = (this.#end = new AbortController());
    const site = new URL(this.getAttribute("origin") ?? ".", this.hasAttribute("origin") ? document.baseURI : import.meta.url);
    const address = new URL("embed/", site);
    const words = { r: this.getAttribute("recipe"), view: this.getAttribute("view"), controls: this.getAttribute("controls"), theme: this.#theme() };
    address.hash = Object.entries(words).filter(([, word]) => word).map(([name, word]) => `${name}=${encodeURIComponent(word)}`).join("&");
    const fixed = Number(this.getAttribute("height")) || 0;
    // A page without an origin of its own gives its frames none.
    const own = self.origin === "null" ? "null" : address.origin;
    const frame = make("iframe", {
      title: this.getAttribute("label") ?? "A merge of adapters, in Rankweave",
      allow: "clipboard-write",
      referrerPolicy: "no-referrer",
      height: fixed || 480,
      src: address,
    });
    frame.setAttribute("sandbox", SANDBOX);
    const button = this.#root.querySelector("button");
    const focused = this.#root.activeElement === button;
    const ready = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(error("io", `${site.host || site} does not answer`)), PATIENCE);
      signal.addEventListener("abort", () => (clearTimeout(late), reject(signal.reason)));
      addEventListener("message", ({ source, origin, data }) => {
        if (source !== frame.contentWindow || origin !== own || data?.ns !== NS) return;
        clearTimeout(late);
        if (data.event === "resize") {
          const { height } = data.data ?? {};
          if (!fixed && height > 0 && height < TALLEST) frame.height = Math.ceil(height);
          this.#tell("resize", data.data);
        }
        if (data.type !== "hello" || data.v !== VERSION || data.frame === this.#spoke) return;
        // A frame that was loaded anew has forgotten its port.
        this.#drop("closed", "The frame was loaded anew");
        this.#spoke = data.frame;
        const { port1, port2 } = new MessageChannel();
        this.#port = port1;
        // The keyboard goes on where it was.
        if (this.#root.activeElement === frame) frame.contentWindow.focus();
        port1.onmessage = async ({ data }) => {
          this.#hear(data);
          if (data.event !== "ready") return;
          await this.#fill().catch((cause) => this.#wrong(cause));
          resolve();
        };
        frame.contentWindow.postMessage({ ns: NS, v: VERSION, type: "connect" }, own === "null" ? "*" : own, [port2]);
      }, { signal });
    });
    this.#root.replaceChildren(frame);
    if (focused) frame.focus();
    return ready;
  }

  /** Gives the frame what the page names: a recipe's file, adapters. The page fetches them, by its own rules. */
  async #fill() {
    const get = async (address) => {
      const answer = await fetch(new URL(address, document.baseURI));
      if (!answer.ok) throw error("io", `${address} cannot be fetched: ${answer.status}`);
      return answer;
    };
    const recipe = this.getAttribute("recipe-url");
    if (recipe) await this.#send("setRecipe", { recipe: await (await get(recipe)).text() });
    const names = (this.getAttribute("src") ?? "").split(/\s+/).filter(Boolean);
    if (!names.length) return;
    const one = async (address) => new File([await (await get(address)).blob()], decodeURIComponent(new URL(address, document.baseURI).pathname.split("/").pop()));
    await this.#send("addFiles", { files: await Promise.all(names.map(one)) });
  }

  /** The theme that is asked for; where none is, the one that the page gives the element's surroundings. */
  #theme() {
    const wanted = this.getAttribute("theme") ?? "auto";
    const around = getComputedStyle(this).colorScheme;
    return wanted === "auto" ? (/^(light|dark)$/.test(around) ? around : "") : wanted;
  }

  async #call(method, params, { signal } = {}) {
    signal?.throwIfAborted();
    await this.load();
    return this.#send(method, params, signal);
  }

  #send(method, params, signal) {
    signal?.throwIfAborted();
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      signal?.addEventListener("abort", () => this.#port?.postMessage({ method: "$cancel", params: { id } }));
      this.#port.postMessage({ id, method, params });
    });
  }

  #hear({ id, ok, result, error: wrong, event, data }) {
    if (event) return this.#tell(event, data);
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (ok) call?.resolve(result);
    else call?.reject(error(wrong.code, wrong.message, wrong));
  }

  #wrong({ code = "io", message }) {
    this.#tell("error", { errors: [{ kind: code, what: message }] });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #drop(code, message) {
    this.#port?.close();
    this.#port = undefined;
    for (const { reject } of this.#calls.values()) reject(error(code, message));
    this.#calls.clear();
  }

  #stop(code, message) {
    this.#drop(code, message);
    this.#end.abort(error(code, message));
    this.#loading = undefined;
  }
}

if (!customElements.get("rank-weave")) customElements.define("rank-weave", RankWeave);
