// What the environment says about connections: proxies and certificate authorities.

import tls from "node:tls";
import type { SettingsDeps } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { filesAt } from "../base/read-file.ts";
import { redactUrl } from "../base/redact-url.ts";
import { proxyFor, type Proxy } from "./proxy.ts";

/** Files are needed when a variable names one. */
export type EnvironmentDeps = Pick<SettingsDeps, "env" | "secrets"> & Partial<SettingsDeps>;

/** The URL of an API. Throws SettingsError, naming the setting, for anything but an http(s) URL. */
export function apiUrl(text: string, setting: string, example: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new SettingsError(`cannot use ${setting} "${redactUrl(text)}": not an http(s) URL`, {
    hint: `write it like ${example}`,
  });
}

/** Proxy and authorities as Prefect's own clients, Python's requests and httpx, find them. Throws SettingsError. */
export function prefectConnection(
  url: URL,
  deps: EnvironmentDeps,
): { readonly proxy?: Proxy | undefined; readonly tls?: { readonly ca: readonly string[] } | undefined } {
  const proxy = proxyFor(url, deps.env, "requests");
  deps.secrets?.addUrl(proxy?.url.href);
  if (url.protocol !== "https:" && proxy?.url.protocol !== "https:") return { proxy };
  const ca = trustedAuthorities(["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"], deps);
  return { proxy, tls: { ca } };
}

/**
 * Node's authorities (with those of NODE_EXTRA_CA_CERTS), the system's, where a company's usually are, and those in the files
 * that the variables name. Throws SettingsError for a file without certificates.
 */
export function trustedAuthorities(variables: readonly string[], deps: EnvironmentDeps): readonly string[] {
  const named = variables.flatMap((variable) => certificatesIn(deps.env[variable] ?? "", variable, deps));
  // Not the process's default ones, which know a proxy's, too (agents.ts).
  const known = (["bundled", "extra", "system"] as const).flatMap((store) => tls.getCACertificates(store));
  return [...new Set([...known, ...named])];
}

/** The certificates in a file, or in those of a folder; none if the path is empty. `source` names the setting in errors. */
export function certificatesIn(path: string, source: string, deps: EnvironmentDeps): readonly string[] {
  if (path === "") return [];
  const texts = filesAt(path).flatMap((file) => deps.readFile?.(file, "latin1") ?? []);
  const text = texts.length === 0 ? undefined : texts.join("\n");
  const found = text?.match(/-----BEGIN (TRUSTED )?CERTIFICATE-----[^]*?-----END \1CERTIFICATE-----/g);
  if (found) return found;
  const cause = text === undefined ? "no such file" : "it has no certificate";
  throw new SettingsError(`cannot read ${source} "${path}": ${cause}`, {
    hint: "name a file with certificate authorities in PEM form",
  });
}
