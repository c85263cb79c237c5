// Files as editors on Windows write them: with a byte order mark, in UTF-16, with CRLF.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesAt, readFromDisk } from "../../src/base/read-file.ts";
import { readToml } from "../../src/base/toml.ts";
import { chooseTarget } from "../../src/kube/auth/kubeconfig.ts";
import { agentTemplate, readTemplate } from "../../src/prefect1/build/template-sources.ts";
import type { ReadTemplate } from "../../src/prefect1/build/template.ts";
import { runCli } from "../support/run-cli.ts";

const ENCODINGS: readonly (readonly [string, (text: string) => Buffer])[] = [
  ["UTF-8", (text) => Buffer.from(text)],
  ["UTF-8 with a mark", (text) => Buffer.from(`\uFEFF${text}`)],
  ["UTF-16LE with a mark", (text) => Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["UTF-16BE with a mark", (text) => Buffer.from(`\uFEFF${text}`, "utf16le").swap16()],
  ["UTF-8 with CRLF", (text) => Buffer.from(text.replaceAll("\n", "\r\n"))],
  ["UTF-16LE with CRLF", (text) => Buffer.from(`\uFEFF${text.replaceAll("\n", "\r\n")}`, "utf16le")],
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "files-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function written(bytes: Buffer): string {
  const path = join(folder, "file");
  writeFileSync(path, bytes);
  return path;
}

const read: ReadTemplate = (source) => readTemplate(source, { env: {} });

const TEMPLATE = `kind: Job
metadata:
  annotations: {team: "Zürich ☃"}
spec:
  template:
    spec:
      containers:
        - name: flow
          env:
            - name: A
              value: |-
                one
                two
`;

describe.each(ENCODINGS)("a file in %s", (_, encode) => {
  it("is read as a job template", async () => {
    const { body } = await agentTemplate(written(encode(TEMPLATE)), read);
    expect(body).toEqual({
      kind: "Job",
      metadata: { annotations: { team: "Zürich ☃" } },
      spec: {
        template: { spec: { containers: [{ name: "flow", env: [{ name: "A", value: "one\ntwo" }] }] } },
      },
    });
  });

  it("is read as a kubeconfig", () => {
    const text =
      "current-context: ü\ncontexts:\n- name: ü\n  context: {cluster: c}\nclusters:\n- name: c\n  cluster:\n    server: https://x\n";
    const target = chooseTarget(
      { kubeconfig: written(encode(text)) },
      { env: {}, home: undefined, readFile: readFromDisk },
    );
    expect(target).toMatchObject({ contextName: "ü", server: "https://x" });
  });

  it("is read as TOML", () => {
    const path = written(encode('[cloud]\napi = "http://ü"\n'));
    expect(readToml(path, readFromDisk)).toEqual({ cloud: { api: "http://ü" } });
  });

  it("is read as a flow run on standard input", async () => {
    const id = "11111111-2222-4333-8444-555555555555";
    const run = {
      id,
      flow: { id, core_version: "1.4.1", storage: { type: "Local" } },
      run_config: { type: "UniversalRun" },
    };
    const stdin = encode(JSON.stringify(run, null, 1));
    const { stdout, exitCode } = await runCli(["render", "-f", "-"], {
      stdin,
      env: { PREFECT__BACKEND: "server" },
    });
    expect(stdout).toContain(`prefect.io/flow_run_id: ${id}`);
    expect(exitCode).toBe(0);
  });
});

describe("a file that cannot be read", () => {
  it("is undefined when it does not exist, and an error when it is a folder", () => {
    expect(readFromDisk(join(folder, "absent"))).toBeUndefined();
    expect(() => readFromDisk(folder)).toThrow(`cannot read "${folder}": it is a directory`);
  });
});

describe("a file in another encoding", () => {
  const latin = (text: string): string => written(Buffer.from(text, "latin1"));

  it("is no job template", async () => {
    const path = latin(TEMPLATE.replace(" ☃", ""));
    await expect(agentTemplate(path, read)).rejects.toThrow(/it is not UTF-8$/);
  });

  it("may be of certificates, of which only ASCII counts", () => {
    expect(readFromDisk(latin("# Zürich\n"), "latin1")).toBe("# Zürich\n");
  });

  it("is no TOML", () => {
    expect(() => readToml(latin('[cloud]\napi = "http://ü"\n'), readFromDisk)).toThrow(/it is not UTF-8$/);
  });
});

describe("filesAt", () => {
  it("is the path of a file, and the files of a folder, as a mounted ConfigMap has them", () => {
    const mounted = join(folder, "mounted");
    mkdirSync(join(mounted, "..2026"), { recursive: true });
    writeFileSync(join(mounted, "..2026", "ca.crt"), "");
    symlinkSync("..2026", join(mounted, "..data"));
    symlinkSync(join("..data", "ca.crt"), join(mounted, "ca.crt"));
    expect(filesAt(mounted)).toEqual([join(mounted, "ca.crt")]);
    expect(filesAt("/absent/ca.crt")).toEqual(["/absent/ca.crt"]);
  });
});
