// What is to be downloaded, as the part of the address after #.
//
// | name | value |
// |---|---|
// | `at` | the place: `hf:owner/repository@revision/path` |
// | `data` | `sha256:` and 64 digits, of the bytes after the header, if the file has to be a certain one |
// | `name` | what the file is called; else the last part of its path |
// | `size` | its bytes, if they are known |

const HUB = "https://huggingface.co";
const PLACE = /^hf:([\w.-]{1,96})\/([\w.-]{1,96})@([\w.-]{1,96})\/(.{1,400})$/;

/** `{ place, url, name, data, size, host }`, or `{ wrong }`: a sentence about what is not understood. */
export function read(hash) {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const place = query.get("at") ?? "";
  const found = PLACE.exec(place);
  const parts = found?.[4].split("/") ?? [];
  const bad = (part) => part === "" || part === "." || part === ".." || /[\0-\x1f\\?#]/.test(part);
  if (!found || [...found.slice(1, 4), ...parts].some(bad)) {
    return { wrong: "The address names no file: expected #at=hf:owner/repository@revision/path." };
  }
  const data = query.get("data");
  if (data !== null && !/^sha256:[0-9a-f]{64}$/.test(data)) return { wrong: "The hash in the address is none: expected data=sha256: and 64 digits." };
  const size = Number(query.get("size") ?? NaN);
  const [, owner, repository, revision] = found;
  return {
    place,
    host: new URL(HUB).host,
    url: [HUB, owner, repository, "resolve", revision, ...parts].map((part, i) => (i ? encodeURIComponent(part) : part)).join("/"),
    name: (query.get("name") || parts.at(-1)).replace(/[/\\\0-\x1f]/g, "_").slice(0, 200),
    data: data?.slice(7) ?? null,
    size: Number.isSafeInteger(size) && size > 0 ? size : null,
  };
}
