import { describe, expect, it } from "vitest";
import type { ConnectionFlags, Target } from "../../../src/kube/auth/kubeconfig.ts";
import { chooseTarget } from "../../../src/kube/auth/kubeconfig.ts";

const ONE = `
current-context: one
contexts:
- {name: one, context: {cluster: c1, user: u1, namespace: flows}}
- {name: other, context: {cluster: c1, user: u2}}
- {name: unnamed, context: {cluster: c1, user: u2, namespace: ""}}
clusters:
- {name: c1, cluster: {server: "https://one:6443", certificate-authority: pki/ca.crt}}
users:
- {name: u1, user: {token: t1}}
- {name: u2, user: {client-certificate: cert.pem, client-key: /abs/key.pem}}
`;
const TWO = `
current-context: two
contexts:
- {name: two, context: {cluster: c2, user: u1}}
clusters:
- {name: c1, cluster: {server: "https://shadowed"}}
- {name: c2, cluster: {server: "two:443"}}
users:
- {name: u1, user: {token: shadowed}}
- {name: plugin, user: {exec: {command: ./bin/login}}}
`;
const FILES: Readonly<Record<string, string>> = {
  "/k/one": ONE,
  "/k/two": TWO,
  "/k/broken": "a: [",
  "/k/secret": '"open" hunter2-s3cret: x',
  "/k/list": "- 1",
  "/home/me/.kube/config": TWO,
};

function choose(flags: ConnectionFlags, kubeconfig?: string): Target | undefined {
  return chooseTarget(flags, {
    env: { KUBECONFIG: kubeconfig },
    home: "/home/me",
    readFile: (path) => FILES[path],
  });
}

describe("chooseTarget", () => {
  it("uses the current context, its namespace, and paths relative to the file", () => {
    const target = choose({}, "/k/one");
    expect(target).toMatchObject({
      server: "https://one:6443",
      namespace: "flows",
      contextName: "one",
      user: { token: "t1" },
    });
    expect(target?.cluster["certificate-authority"]).toBe("/k/pki/ca.crt");
    expect(choose({ context: "other" }, "/k/one")?.user).toEqual({
      "client-certificate": "/k/cert.pem",
      "client-key": "/abs/key.pem",
    });
  });

  it("takes an empty namespace of the context for none, as kubectl does", () => {
    expect(choose({ context: "unnamed" }, "/k/one")).toMatchObject({ namespace: undefined });
  });

  it("merges files: the first definition wins, missing files are skipped", () => {
    const target = choose({}, "/k/absent:/k/one:/k/two");
    expect(target?.contextName).toBe("one");
    expect(choose({ context: "two" }, "/k/one:/k/two")).toMatchObject({
      server: "http://two:443",
      user: { token: "t1" },
    });
    expect(choose({ cluster: "c1" }, "/k/one:/k/two")?.server).toBe("https://one:6443");
  });

  it("reads ~/.kube/config by default, and returns undefined without any file", () => {
    expect(choose({})?.contextName).toBe("two");
    expect(choose({}, "/k/absent")).toBeUndefined();
  });

  it("leaves a pod to its own cluster where no file names one", () => {
    const inPod = (text: string): Target | undefined =>
      chooseTarget({}, { env: { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, home: "/", readFile: () => text });
    expect(inPod("")).toBeUndefined();
    expect(inPod("current-context: a\ncontexts: [{name: a, context: {namespace: flows}}]")).toBeUndefined();
    expect(inPod(TWO)?.contextName).toBe("two");
  });

  it.each([
    ["a", "no current context in"],
    ["current-context: gone", 'no context "gone", which is the current one, in'],
    ["current-context: a\ncontexts: [{name: a, context: {}}]", 'no cluster for context "a" in'],
  ])("says what is missing in %j", (text, problem) => {
    const deps = { env: {}, home: "/", readFile: () => (text === "a" ? "clusters: []" : text) };
    expect(() => chooseTarget({}, deps)).toThrow(problem);
  });

  it("reads YAML as kubectl does: merged, the last of equal keys, the first of several documents", () => {
    const text = `
x: &token {token: t}
current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://one", server: "https://two", insecure-skip-tls-verify: yes}}]
users: [{name: u, user: {<<: *token}}]
---
clusters: []
`;
    expect(chooseTarget({}, { env: {}, home: "/", readFile: () => text })).toMatchObject({
      server: "https://two",
      cluster: { "insecure-skip-tls-verify": true },
      user: { token: "t" },
    });
  });

  it.each(["2026-11-21", "12:30:45", "1:30.5"])("takes %s for a text, as kubectl does", (name) => {
    const text = `
current-context: ${name}
contexts: [{name: ${name}, context: {cluster: ${name}, namespace: ${name}}}]
clusters: [{name: ${name}, cluster: {server: "https://one"}}]
`;
    const target = chooseTarget({}, { env: {}, home: "/", readFile: () => text });
    expect(target).toMatchObject({ server: "https://one", contextName: name, namespace: name });
  });

  it.each(["namespace: no", "user: 123", "cluster: on"])("refuses a context whose %s is no text", (field) => {
    const text = `current-context: a\ncontexts: [{name: a, context: {cluster: c, ${field}}}]`.replace(
      /cluster: c, (?=cluster)/,
      "",
    );
    expect(() => chooseTarget({}, { env: {}, home: "/", readFile: () => text })).toThrow(
      `cannot use context "a": its ${field.split(":")[0]} is not a text`,
    );
  });

  it.each([
    [{}, "http"],
    [{ certificateAuthority: "/ca" }, "https"],
    [{ insecureSkipTlsVerify: true }, "https"],
  ])("takes a server without a scheme with %j for %s", (flags, scheme) => {
    expect(choose({ ...flags, server: "api:8001" }, "/k/two")?.server).toBe(`${scheme}://api:8001`);
  });

  it("prefers flags to the context", () => {
    const flags = {
      server: "https://elsewhere/",
      tlsServerName: "name",
      insecureSkipTlsVerify: true,
      as: "jane",
      asGroups: ["a", "b"],
      asUid: "7",
    };
    expect(choose(flags, "/k/one")).toMatchObject({
      server: "https://elsewhere",
      cluster: { "tls-server-name": "name", "insecure-skip-tls-verify": true },
      user: { as: "jane", "as-groups": ["a", "b"], "as-uid": "7" },
    });
  });

  it("lets --server and the flags of TLS unset what belongs to another server, as kubectl does", () => {
    const config = `
current-context: one
contexts: [{name: one, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://one", tls-server-name: one, insecure-skip-tls-verify: true}}]
users: [{name: u, user: {}}]
`;
    const chosen = (flags: ConnectionFlags): Target["cluster"] | undefined =>
      chooseTarget(flags, {
        env: { KUBECONFIG: "/k" },
        home: undefined,
        readFile: () => config,
      })?.cluster;
    expect(chosen({ server: "https://two" })?.["tls-server-name"]).toBeUndefined();
    expect(chosen({ certificateAuthority: "/ca.crt" })).toMatchObject({
      "insecure-skip-tls-verify": false,
      "certificate-authority": "/ca.crt",
    });
    expect(() => chosen({ certificateAuthority: "/ca.crt", insecureSkipTlsVerify: true })).toThrow(
      "cannot use --certificate-authority with --insecure-skip-tls-verify",
    );
  });

  it("resolves an exec plugin path with a slash relative to its kubeconfig", () => {
    expect(choose({ user: "plugin" }, "/k/two")?.user["exec"]).toEqual({ command: "/k/bin/login" });
  });

  it.each([
    {
      title: "a missing --kubeconfig file",
      flags: { kubeconfig: "/k/absent" },
      message: 'cannot read kubeconfig "/k/absent": no such file',
    },
    {
      title: "invalid YAML",
      flags: { kubeconfig: "/k/broken" },
      message: 'cannot read kubeconfig "/k/broken": ',
    },
    {
      title: "invalid YAML, without quoting it",
      flags: { kubeconfig: "/k/secret" },
      message: 'cannot read kubeconfig "/k/secret": Unexpected scalar token at line 1, column 8',
    },
    {
      title: "a file that is not a kubeconfig",
      flags: { kubeconfig: "/k/list" },
      message: "not a kubeconfig",
    },
    {
      title: "an unknown context",
      flags: { kubeconfig: "/k/one", context: "nope" },
      message: 'cannot find context "nope"',
    },
    {
      title: "an unknown cluster",
      flags: { kubeconfig: "/k/one", cluster: "nope" },
      message: 'cannot find cluster "nope"',
    },
    {
      title: "an unknown user",
      flags: { kubeconfig: "/k/one", user: "nope" },
      message: 'cannot find user "nope"',
    },
    {
      title: "an invalid server URL",
      flags: { kubeconfig: "/k/one", server: "http://a b" },
      message: "not a URL",
    },
    {
      title: "a server of another protocol",
      flags: { kubeconfig: "/k/one", server: "ftp://a" },
      message: "not an http or https URL",
    },
  ])("refuses $title", ({ flags, message }) => {
    expect(() => choose(flags)).toThrow(message);
  });
});
