import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import type { ConfigFlags, PrefectConfig } from "../../../src/prefect1/config/load.ts";

export const HOME = "/home/agent";
export const CONFIG = `${HOME}/.prefect/config.toml`;
export const BACKEND = `${HOME}/.prefect/backend.toml`;
export const AUTH = `${HOME}/.prefect/auth.toml`;

interface Sources {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly flags?: ConfigFlags;
}

export function load({ env = {}, files = {}, flags }: Sources = {}): PrefectConfig {
  return loadPrefectConfig({ env: { HOME, ...env }, readFile: (path) => files[path], flags });
}
