// Errors as the engine tells them: who must act, what, where, expected, found, what to do.

const sentence = ({ what, expected, found }) => {
  if (expected && found) return `${what}: expected ${expected}, found ${found}`;
  return expected ? `${what}: expected ${expected}` : found ? `${what}: found ${found}` : what;
};

const place = ({ file, module, key, offset } = {}) =>
  [file, module && `module ${module}`, key && `key ${key}`, offset !== undefined && `byte ${offset}`].filter(Boolean).join(", ");

const lines = (reason) => [sentence(reason), place(reason.place), reason.hint].filter(Boolean).join("\n  ");

/** Why something did not happen. All reasons are in `reasons`; the other fields are the first one's. */
export class RankweaveError extends Error {
  constructor(reasons, options) {
    super(reasons.map(lines).join("\n"), options);
    const [first] = reasons;
    this.name = "RankweaveError";
    this.code = first.kind;
    this.what = first.what;
    this.where = first.place ?? {};
    this.expected = first.expected;
    this.found = first.found;
    this.hint = first.hint;
    this.reasons = reasons;
  }
}

const one = (kind, what, found, hint, options) => new RankweaveError([{ kind, what, place: {}, found, hint }], options);

/** A worker stopped through a fault of the engine, or for want of memory. */
export const crashed = (message) =>
  one("crashed", "The merging engine stopped", message, "The worker is replaced: try again. If it happens again, use fewer threads or a lower rank, and please report it.");

/** Something is used after its end. */
export const closed = (what) => one("closed", `${what} is closed`, undefined, "Open it again.");

/** Something outside the engine could not be read. */
export const unread = (what, cause) =>
  one("io", `${what} cannot be read`, cause?.message ?? String(cause), "See that it is still there and can be read, and try again.", { cause });

/** The package's parts do not fit together. */
export const unexpected = () =>
  one("crashed", "The package and its engine do not understand each other", undefined, "Install the package again: its files are of different versions.");

/** An adapter is not the one that a recipe was made with. */
export const other = (file, key, expected, found) =>
  new RankweaveError([
    {
      kind: "mismatch",
      what: "An adapter holds something else than the recipe was made with",
      place: { file, key },
      expected,
      found,
      hint: "Give the adapter that the recipe was made with, or merge with anyFiles.",
    },
  ]);
