// Which proxy a request takes. The table of NO_PROXY holds what kubectl (Go's httpproxy) does with the same variables.

import { describe, expect, it } from "vitest";
import { parseProxy, proxyFor } from "../../src/http/proxy.ts";
import type { ProxyRules } from "../../src/http/proxy.ts";

const PROXY = "http://proxy.corp:3128";

function wayTo(url: string, env: Readonly<Record<string, string>>, rules: ProxyRules = "kubectl"): string {
  return proxyFor(new URL(url), env, rules)?.url.host ?? "direct";
}

describe("proxyFor", () => {
  it.each([
    { server: "https://10.0.5.6:6443", noProxy: "10.0.0.0/8", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.96.0.0/12,10.0.0.0/16", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.96.0.0/12, 10.0.0.0/16 , .corp", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.96.0.0/12", way: "proxy.corp:3128" },
    { server: "https://10.0.5.6:6443", noProxy: "10.0.5.1/16", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.0.0.0/33", way: "proxy.corp:3128" },
    { server: "https://10.0.5.6:6443", noProxy: "0.0.0.0/0", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "*", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.0.5.6", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.0.5.6:6443", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.0.5.6:443", way: "proxy.corp:3128" },
    { server: "https://10.0.5.6", noProxy: "10.0.5.6:443", way: "direct" },
    { server: "https://10.0.5.6:6443", noProxy: "10.0.5", way: "proxy.corp:3128" },
    { server: "https://[fd00::6]:6443", noProxy: "fd00::/8", way: "direct" },
    { server: "https://[fd00::6]:6443", noProxy: "fd00:0::0006", way: "direct" },
    { server: "https://[fd00::6]:6443", noProxy: "[fd00::6]:6443", way: "direct" },
    { server: "https://[fd00::6]:6443", noProxy: "0.0.0.0/0", way: "proxy.corp:3128" },
    { server: "https://api.corp", noProxy: "corp", way: "direct" },
    { server: "https://api.corp", noProxy: ".corp", way: "direct" },
    { server: "https://API.Corp", noProxy: "*.CORP", way: "direct" },
    { server: "https://api.corp", noProxy: "api.corp:443", way: "direct" },
    { server: "https://api.corp", noProxy: "api.corp:6443", way: "proxy.corp:3128" },
    { server: "https://corp", noProxy: ".corp", way: "proxy.corp:3128" },
    { server: "https://megacorp", noProxy: "corp", way: "proxy.corp:3128" },
    { server: "https://api.corp", noProxy: "10.0.0.0/8,,:80, ", way: "proxy.corp:3128" },
    { server: "https://127.0.0.1:6443", noProxy: "", way: "direct" },
    { server: "https://127.8.0.1:6443", noProxy: "", way: "direct" },
    { server: "https://localhost:6443", noProxy: "", way: "direct" },
    { server: "https://[::1]:6443", noProxy: "", way: "direct" },
    { server: "https://[::ffff:127.0.0.1]:6443", noProxy: "", way: "direct" },
  ])("goes to $server with NO_PROXY=$noProxy: $way", ({ server, noProxy, way }) => {
    expect(wayTo(server, { HTTPS_PROXY: PROXY, NO_PROXY: noProxy })).toBe(way);
    expect(wayTo(server, { https_proxy: PROXY, no_proxy: noProxy })).toBe(way);
  });

  it("takes the variable of the URL's protocol, in upper case first", () => {
    const env = { HTTP_PROXY: "http://one:1", HTTPS_PROXY: "http://two:2", https_proxy: "http://three:3" };
    expect(wayTo("http://api.corp", env)).toBe("one:1");
    expect(wayTo("https://api.corp", env)).toBe("two:2");
    expect(wayTo("https://api.corp", { HTTP_PROXY: PROXY, HTTPS_PROXY: " " })).toBe("direct");
    // Python's requests takes lower case first, also of NO_PROXY.
    expect(wayTo("https://api.corp", env, "requests")).toBe("three:3");
    const both = { ...env, NO_PROXY: "api.corp", no_proxy: "other.corp" };
    expect(wayTo("https://api.corp", both)).toBe("direct");
    expect(wayTo("https://api.corp", both, "requests")).toBe("three:3");
  });

  it("takes a domain with a dot for the domain itself, too, as Python's requests does", () => {
    const env = { HTTPS_PROXY: PROXY, NO_PROXY: ".corp" };
    expect(wayTo("https://corp", env, "requests")).toBe("direct");
    expect(wayTo("https://api.corp", env, "requests")).toBe("direct");
    expect(wayTo("https://megacorp", env, "requests")).toBe("proxy.corp:3128");
  });

  it("reads ALL_PROXY as Python's requests does, and kubectl does not", () => {
    const env = { ALL_PROXY: PROXY, HTTP_PROXY: "http://one:1" };
    expect(wayTo("https://api.corp", env, "requests")).toBe("proxy.corp:3128");
    expect(wayTo("http://api.corp", env, "requests")).toBe("one:1");
    expect(wayTo("https://api.corp", env)).toBe("direct");
  });

  it("takes a proxy to the loopback address as Python's requests does, unless NO_PROXY exempts it", () => {
    const env = { HTTP_PROXY: PROXY };
    expect(wayTo("http://127.0.0.1:4200", env, "requests")).toBe("proxy.corp:3128");
    expect(wayTo("http://127.0.0.1:4200", { ...env, NO_PROXY: "127.0.0.0/8" }, "requests")).toBe("direct");
  });

  it.each(["http://kim:hunter2@[x", "http://kim:hunter2%zz@proxy", "http://kim:hunter2@", "http://a b"])(
    "names the variable whose value is %s, and does not repeat it; where it does not count, it may be anything",
    (value) => {
      expect(wayTo("https://127.0.0.1", { HTTPS_PROXY: value })).toBe("direct");
      expect(wayTo("https://api.corp", { HTTPS_PROXY: value, NO_PROXY: "*" })).toBe("direct");
      const refused = (): string => wayTo("https://api.corp", { HTTPS_PROXY: value });
      expect(refused).toThrow("cannot use HTTPS_PROXY: it is not the URL of a proxy");
      expect(refused).not.toThrow(/hunter2/);
    },
  );
});

describe("parseProxy", () => {
  it.each([
    ["proxy:3128", "http://proxy:3128"],
    [" http://kim:secret@proxy:3128/ ", "http://proxy:3128"],
    ["socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080"],
    ["SOCKS5H://[::1]", "socks5h://[::1]"],
  ])("reads %j, and names it without its password", (text, name) => {
    expect(parseProxy(text, "proxy-url").name).toBe(`${name} (proxy-url)`);
  });

  it("refuses another kind of proxy", () => {
    expect(() => parseProxy("ftp://kim:hunter2@proxy", "HTTPS_PROXY")).toThrow(
      "cannot use proxy ftp://proxy (HTTPS_PROXY): only http, https and socks5 proxies are supported",
    );
  });
});
