// Which proxy a request takes, by the variables as Go's httpproxy reads them: kubectl and this program go the same way.

import { BlockList, isIP } from "node:net";
import type { Env } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { redactUrl } from "../base/redact-url.ts";

export interface Proxy {
  readonly url: URL;
  /** For messages: `http://proxy:3128 (HTTPS_PROXY)`. */
  readonly name: string;
}

/**
 * kubectl never takes a proxy to the loopback address; Python's requests does, reads ALL_PROXY too, and prefers names in lower
 * case.
 */
export type ProxyRules = "kubectl" | "requests";

const PROTOCOLS = new Set(["http:", "https:", "socks:", "socks5:", "socks5h:"]);
const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/** The proxy for a URL by the variables; undefined: none. Throws SettingsError that names a malformed variable which counts. */
export function proxyFor(url: URL, env: Env, rules: ProxyRules): Proxy | undefined {
  const scheme = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const names = rules === "requests" ? [scheme, "ALL_PROXY"] : [scheme];
  const variable = names.flatMap((name) => spellings(name, rules)).find((name) => isSet(env[name]));
  if (variable === undefined || isExempt(url, env, rules)) return undefined;
  return parseProxy(env[variable] ?? "", variable);
}

function spellings(name: string, rules: ProxyRules): readonly string[] {
  const both = [name, name.toLowerCase()];
  return rules === "kubectl" ? both : both.reverse();
}

/** The proxy at this address, with or without `http://`. Throws SettingsError that names its source. */
export function parseProxy(text: string, source: string): Proxy {
  const address = text.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`);
  // A malformed address can hide a password anywhere, so it is not repeated.
  if (url === null || url.hostname === "" || !hasReadablePassword(url)) {
    throw new SettingsError(`cannot use ${source}: it is not the URL of a proxy`, {
      hint: "write it like http://proxy:3128; special characters of a user or password as %XX",
    });
  }
  const name = `${redactUrl(url.href).replace(/\/$/, "")} (${source})`;
  if (PROTOCOLS.has(url.protocol)) return { url, name };
  throw new SettingsError(`cannot use proxy ${name}: only http, https and socks5 proxies are supported`);
}

function hasReadablePassword({ username, password }: URL): boolean {
  try {
    return decodeURIComponent(username + password) !== undefined;
  } catch {
    return false;
  }
}

function isExempt({ hostname, port, protocol }: URL, env: Env, rules: ProxyRules): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  const isLocal = host === "localhost" || LOOPBACK.some((range) => isInRange(host, range));
  if (rules === "kubectl" && isLocal) return true;
  const place = { host, port: port || (protocol === "https:" ? "443" : "80") };
  const list = spellings("NO_PROXY", rules)
    .map((name) => env[name])
    .find(isSet);
  return (list ?? "").split(",").some((entry) => matches(entry.trim().toLowerCase(), place, rules));
}

/**
 * An entry is `*`, a range, an address or a domain; the last two can end with a port. Only Python takes `.example.com` for the
 * domain itself, too.
 */
function matches(
  entry: string,
  place: { readonly host: string; readonly port: string },
  rules: ProxyRules,
): boolean {
  if (entry === "*") return true;
  if (isInRange(place.host, entry)) return true;
  const [, bracketed, plain = entry, port = ""] = /^(?:\[(.*)\]|([^:]*)):(\d*)$/.exec(entry) ?? [];
  const name = (bracketed ?? plain).replace(/^\*\./, ".");
  if (name === "" || (port !== "" && port !== place.port)) return false;
  const family = isIP(name);
  if (family !== 0) return isInRange(place.host, `${name}/${family === 4 ? 32 : 128}`);
  const isOfSubdomains = name.startsWith(".") && rules === "kubectl";
  return isOfSubdomains
    ? place.host.endsWith(name)
    : `.${place.host}`.endsWith(`.${name.replace(/^\./, "")}`);
}

/** Whether the host is an address in the range, such as 10.0.0.0/8; false if either is something else. */
function isInRange(host: string, range: string): boolean {
  const [, network = "", bits = ""] = /^(.+)\/(\d+)$/.exec(range) ?? [];
  const [family, hostFamily] = [isIP(network), isIP(host)];
  if (family === 0 || hostFamily === 0 || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return list.check(host, hostFamily === 4 ? "ipv4" : "ipv6");
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== "";
}
