import { describe, expect, it } from "vitest";
import { formatSbom } from "../../../scripts/release/sbom.ts";

const project = { version: "1.2.3", nodeVersion: "26.1.0" };
const client = {
  folder: "node_modules/@kubernetes/client-node",
  name: "@kubernetes/client-node",
  version: "2.0.1",
  license: "Apache-2.0",
  text: "",
};
const lock = { packages: { [client.folder]: { integrity: "sha512-/w==" } } };

describe("formatSbom", () => {
  const [node, ...libraries] = JSON.parse(formatSbom(project, [client, client], lock)).components;

  it("lists Node", () => {
    expect(node).toMatchObject({ name: "node", version: "26.1.0", purl: "pkg:github/nodejs/node@v26.1.0" });
  });

  it("lists each bundled package once, with its licence and the checksum of package-lock.json", () => {
    const purl = "pkg:npm/%40kubernetes/client-node@2.0.1";
    expect(libraries).toEqual([
      {
        type: "library",
        "bom-ref": purl,
        name: "@kubernetes/client-node",
        version: "2.0.1",
        licenses: [{ expression: "Apache-2.0" }],
        hashes: [{ alg: "SHA-512", content: "ff" }],
        purl,
      },
    ]);
  });

  it("leaves out a checksum that is not in package-lock.json", () => {
    expect(formatSbom(project, [client], {})).not.toContain("hashes");
  });
});
