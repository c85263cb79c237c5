// The list of what is in the executables, as CycloneDX 1.6 in JSON (https://cyclonedx.org/docs/1.6/json): Node, and the packages whose
// code is bundled. Without serial number and time, which are optional, so that equal sources give equal bytes.

import { objectIn, textIn } from "../../src/base/json.ts";
import type { BundledPackage } from "../binary/notices.ts";
import type { Project } from "../project.ts";

/** The document. `lock`: the parsed package-lock.json, which has the packages' checksums. */
export function formatSbom(project: Project, packages: readonly BundledPackage[], lock: unknown): string {
  const locked = objectIn(objectIn(lock)["packages"]);
  const libraries = new Map(
    packages.map((each) => {
      const component = library(each, textIn(objectIn(locked[each.folder])["integrity"]));
      return [component["bom-ref"], component];
    }),
  );
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": "kubectl-prefect",
        name: "kubectl-prefect",
        version: project.version,
        licenses: [{ expression: "Apache-2.0" }],
      },
    },
    components: [node(project.nodeVersion), ...libraries.values()],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function node(version: string): object {
  return {
    type: "platform",
    "bom-ref": `pkg:github/nodejs/node@v${version}`,
    name: "node",
    version,
    licenses: [{ license: { id: "MIT" } }],
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:github/nodejs/node@v${version}`,
  };
}

/** `integrity`: checksums as npm writes them, `sha512-BASE64`. */
function library({ name, version, license }: BundledPackage, integrity = "") {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const sha512 = /sha512-(\S+)/.exec(integrity)?.[1];
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    licenses: [{ expression: license }],
    ...(sha512 !== undefined && {
      hashes: [{ alg: "SHA-512", content: Buffer.from(sha512, "base64").toString("hex") }],
    }),
    purl,
  };
}
