// The image's files besides the executable: libraries and certificates from Debian's packages, a user, and /tmp.

import { posix } from "node:path";
import type { TarEntry } from "../archive/tar.ts";

const library = /^usr\/lib(?:64|\/[^/]+-linux-gnu)?\/[^/]+\.so[^/]*$/;
const copyright = /^usr\/share\/doc\/[^/]+(?:\/copyright)?$/;
const certificate = /^usr\/share\/ca-certificates\/.+\.crt$/;

/** The base layer, sorted by path, with all folders. `userId` is also the group. */
export function rootFiles(unpacked: readonly TarEntry[], userId: number): readonly TarEntry[] {
  const files = unpacked
    .map((entry) => ({ ...entry, path: posix.normalize(entry.path) }))
    .filter(({ content, linkTo }) => content !== undefined || linkTo !== undefined);
  const certificates = files.flatMap(({ path, content = "" }) =>
    certificate.test(path) ? [Buffer.from(content)] : [],
  );
  return withFolders([
    ...files.filter(({ path }) => library.test(path) || copyright.test(path)),
    { path: "lib", mode: 0o777, linkTo: "usr/lib" },
    { path: "lib64", mode: 0o777, linkTo: "usr/lib64" },
    text("etc/ssl/certs/ca-certificates.crt", Buffer.concat(certificates)),
    text("etc/passwd", passwd(userId)),
    text("etc/group", `root:x:0:\nnonroot:x:${userId}:\n`),
    // Without this file, glibc asks DNS before a pod's /etc/hosts.
    text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    { path: "tmp", mode: 0o1777 },
    // Readable by any user: OpenShift runs containers as one of its own choice.
    { path: "home/nonroot", mode: 0o755, ownerId: userId },
  ]);
}

function passwd(userId: number): string {
  const nonroot = `nonroot:x:${userId}:${userId}:nonroot:/home/nonroot:/sbin/nologin`;
  return `root:x:0:0:root:/:/sbin/nologin\n${nonroot}\n`;
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

function text(path: string, content: string | Buffer): TarEntry {
  return { path, mode: 0o644, content: Buffer.from(content) };
}
