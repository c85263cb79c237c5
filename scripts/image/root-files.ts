// The image's files besides the executable: libraries, certificates, a user, and /tmp.

import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import type { TarEntry } from "../archive/tar.ts";

/** The image's user and group: the same id as `nonroot` in other minimal images. */
export const userId = 65_532;

const certificates = "/etc/ssl/certs/ca-certificates.crt";

const texts: Readonly<Record<string, string>> = {
  "/etc/passwd": `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${userId}:${userId}:nonroot:/home/nonroot:/sbin/nologin\n`,
  "/etc/group": `root:x:0:\nnonroot:x:${userId}:\n`,
  // Without this file, glibc asks DNS before a pod's /etc/hosts.
  "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
};

/** Debian packages of the libraries, whose copyright files must be distributed. */
const documented = ["ca-certificates", "libatomic1", "libc6", "libgcc-s1", "libstdc++6"];

/** The base layer, sorted by path, with all folders. */
export async function rootFiles(libraries: readonly string[]): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = Object.entries(texts).map(([path, text]) => file(path, Buffer.from(text)));
  entries.push(file(certificates, await readFile(certificates)));
  for (const path of libraries) entries.push({ ...file(path, await readFile(path)), mode: 0o755 });
  for (const name of documented) {
    const path = `/usr/share/doc/${name}/copyright`;
    const content = await readFile(path).catch(() => undefined);
    if (content !== undefined) entries.push(file(path, content));
  }
  entries.push({ path: "tmp", mode: 0o1777 });
  entries.push({ path: "home/nonroot", mode: 0o700, ownerId: userId });
  return withFolders(entries);
}

/** The entries and their folders, each once, sorted by path. */
export function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    for (let folder = posix.dirname(entry.path); folder !== "."; folder = posix.dirname(folder)) {
      if (!all.has(folder)) all.set(folder, { path: folder, mode: 0o755 });
    }
  }
  for (const entry of entries) all.set(entry.path, entry);
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function file(path: string, content: Uint8Array): TarEntry {
  return { path: path.replace(/^\/+/u, ""), mode: 0o644, content };
}
