// The example of docs/gitops.md: what the real kustomize makes of the printed manifests.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../../../src/base/json.ts";
import { arrayIn, objectIn, textIn } from "../../../src/base/json.ts";
import { blocksOf, shellOf } from "./blocks.ts";
import { startShell } from "./shell.ts";

const PAGE = join(import.meta.dirname, "..", "..", "..", "docs", "gitops.md");
const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

it.skipIf(!hasKubectl)(
  "kustomize puts all objects into the namespace, and changes image and pods",
  async () => {
    const shell = startShell({});
    const commands = blocksOf(readFileSync(PAGE, "utf8")).map(shellOf).join("");
    // Without the last line, which applies the result.
    const offline = commands.replace(
      /^kubectl kustomize agent \|.*\n/m,
      "kubectl kustomize agent > all.yaml\n",
    );
    expect(await shell.run(offline)).toBe("");
    const text = readFileSync(join(shell.folder, "all.yaml"), "utf8");
    const objects = parseAllDocuments(text).map((document) => objectIn(document.toJS()));
    const kinds = objects.map(({ kind }) => textIn(kind) ?? "").toSorted();
    expect([...new Set(kinds)]).toEqual(["Deployment", "Role", "RoleBinding", "ServiceAccount"]);
    for (const { metadata } of objects) expect(objectIn(metadata)["namespace"]).toBe("flows");
    const [subject] = arrayIn(ofKind(objects, "RoleBinding")["subjects"]);
    expect(subject).toEqual({ kind: "ServiceAccount", name: "prefect-agent", namespace: "flows" });
    const pod = objectIn(objectIn(objectIn(ofKind(objects, "Deployment")["spec"])["template"])["spec"]);
    expect(pod["nodeSelector"]).toEqual({ "kubernetes.io/os": "linux" });
    expect(objectIn(arrayIn(pod["containers"])[0])["image"]).toMatch(
      /^registry\.example\.com\/prefect-agent:v\d/,
    );
    expect(text).not.toContain("kind: Secret");
  },
);

function ofKind(objects: readonly JsonObject[], wanted: string): JsonObject {
  return objects.find(({ kind }) => kind === wanted) ?? {};
}
