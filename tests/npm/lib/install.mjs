// The package, packed by npm and installed into a new folder.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../browser/lib/site.mjs";

const npm = (folder, ...words) =>
  execFileSync("npm", [...words, "--loglevel=error"], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

/** Packs what `cargo xtask npm` has built and installs it into a new folder, without any network. */
export function install() {
  const built = process.env.RANKWEAVE_PACKAGE ?? join(root, "target/npm/rankweave");
  if (!existsSync(join(built, "package.json"))) throw new Error(`no package in ${built}: run cargo xtask npm`);
  const folder = mkdtempSync(join(tmpdir(), "rankweave-consumer-"));
  const packed = JSON.parse(npm(built, "pack", "--json", "--pack-destination", folder));
  const [{ filename, size, unpackedSize, entryCount }] = Array.isArray(packed) ? packed : Object.values(packed);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  npm(folder, "install", join(folder, filename), "--offline", "--no-audit", "--no-fund", "--ignore-scripts");
  console.log(`# packed: ${size} bytes; ${unpackedSize} bytes in ${entryCount} files`);
  return folder;
}
