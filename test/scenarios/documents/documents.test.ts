// Every command block of README.md and docs/ is run, in its order, as a reader would; blocks of settings are read.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { freePort } from "../../../scripts/free-port.ts";
import { blocksOf, fileNamedBy, shellOf } from "./blocks.ts";
import type { Block } from "./blocks.ts";
import { startDocumentedCluster } from "./cluster.ts";
import { NOT_RUN, startShell } from "./shell.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const DOCUMENTS = ["README.md", ...pagesIn("docs")];
const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
/** Files that commands in the documents take from the reader. */
const FILES = ["run.json", "job.yaml", "config.toml"];

/** The program's sources are compiled once for all commands. */
let compiled = "";
beforeAll(() => (compiled = mkdtempSync(join(tmpdir(), "documents-compiled-"))));
afterAll(() => rmSync(compiled, { recursive: true }));

function pagesIn(folder: string): readonly string[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".md"));
  return names.map((name) => `${folder}/${name}`);
}

function read(path: string): readonly Block[] {
  return blocksOf(readFileSync(join(ROOT, path), "utf8"));
}

/** What is wrong with a block of settings, or "". */
function faultIn({ language, text }: Block): string {
  try {
    if (language === "json") JSON.parse(text);
    if (language === "toml") parseToml(text);
    if (language === "yaml") for (const { errors } of parseAllDocuments(text)) if (errors[0]) throw errors[0];
    return "";
  } catch (error) {
    return String(error);
  }
}

/** Runs the document's blocks; returns what failed, with the line of its block, and which programs were not run. */
async function follow(path: string) {
  const { kube, addresses } = await startDocumentedCluster();
  const port = await freePort();
  const places = [...addresses, ["http://:8080", `http://127.0.0.1:${port}`]] as const;
  const here = (text: string): string => places.reduce((all, [from, to]) => all.replaceAll(from, to), text);
  const shell = startShell({ KUBECONFIG: "kubeconfig", NODE_COMPILE_CACHE: compiled });
  const config = here('backend = "server"\n[cloud]\napi = "http://apollo:4200"\n');
  const files = new Map(
    FILES.map((name) => [name, readFileSync(join(import.meta.dirname, "files", name), "utf8")]),
  );
  const put = (file: string, text: string): void => {
    const target = file.startsWith("~") ? join(shell.home, file.slice(2)) : join(shell.folder, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, here(text));
  };
  // The README installs into "flows" and makes it the namespace of the context; the other documents go on from there.
  put("kubeconfig", kube.kubeconfig({ namespace: path === "README.md" ? "default" : "flows" }));
  put("~/.prefect/config.toml", config);
  for (const [name, text] of files) put(name, text);
  const failures: string[] = [];
  for (const block of read(path)) {
    const commands = shellOf(block);
    const file = fileNamedBy(block);
    if (file !== undefined) put(file, block.text);
    const failure = commands === "" ? faultIn(block) : await shell.run(here(commands));
    if (failure !== "") failures.push(`${path}:${block.line}: ${failure}`);
  }
  return { failures, notRun: shell.notRun() };
}

describe.skipIf(!hasKubectl)("the commands in", () => {
  const notRun = new Set<string>();

  it.each(DOCUMENTS)("%s work", { timeout: 300_000 }, async (path) => {
    const { failures, notRun: programs } = await follow(path);
    expect(failures).toEqual([]);
    for (const program of programs) notRun.add(program);
  });

  it("all documents together use every program that is not run", () => {
    expect(Object.keys(NOT_RUN).filter((name) => !notRun.has(name))).toEqual([]);
  });
});

describe("a block with a mistake", () => {
  it.skipIf(!hasKubectl).each([
    { name: "an unknown option", commands: "kubectl prefect jobs --wide\n", fault: /unknown flag "--wide"/ },
    {
      name: "an unknown command in a pipe",
      commands: "kubectl prefect job | cat\n",
      fault: /unknown command/,
    },
    {
      name: "an unknown option of kubectl",
      commands: "kubectl get jobs --al\n",
      fault: /unknown flag: --al/,
    },
    { name: "an unknown program", commands: "kubectx flows\n", fault: /kubectx: command not found/ },
    { name: "no manifest", commands: "echo a: 1 | kubectl apply -f -\n", fault: /Object 'Kind' is missing/ },
  ])("$name fails", async ({ commands, fault }) => {
    const { kube } = await startDocumentedCluster();
    const shell = startShell({ KUBECONFIG: "kubeconfig" });
    writeFileSync(join(shell.folder, "kubeconfig"), kube.kubeconfig());
    expect(await shell.run(`${commands}true\n`)).toMatch(fault);
  });
});
