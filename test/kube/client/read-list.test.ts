import { describe, expect, it } from "vitest";
import { readList } from "../../../src/kube/client/read-list.ts";

async function read(chunks: readonly Buffer[]): Promise<{ list: string; objects: string[] }> {
  const objects: string[] = [];
  const source = (async function* () {
    yield* chunks;
  })();
  return { list: await readList(source, (json) => void objects.push(json)), objects };
}

const ITEMS = [
  {
    metadata: { name: 'quo"ted \\', finalizers: ["a", "b"] },
    spec: { containers: [{ args: ["]}", "[{"] }] },
  },
  { metadata: { name: "Grüße 🚀" }, items: [{ items: [] }] },
  {},
];

describe("a list", () => {
  it.each([
    {
      name: "with its metadata first, as built-in resources have it",
      list: { kind: "JobList", metadata: { continue: "a[{", resourceVersion: "7" }, items: ITEMS },
    },
    {
      name: "with its metadata last, as custom resources have it",
      list: { apiVersion: "v1", items: ITEMS, kind: "DaskClusterList", metadata: { resourceVersion: "7" } },
    },
    { name: "without objects", list: { items: [], metadata: { remainingItemCount: 3 } } },
    { name: "with null for its objects", list: { items: null, metadata: {} } },
  ])("$name is read alike wherever its bytes are split", async ({ list }) => {
    for (const space of ["", "  "]) {
      const bytes = Buffer.from(JSON.stringify(list, undefined, space));
      for (let size = 1; size <= bytes.length; size++) {
        const count = Math.ceil(bytes.length / size);
        const chunks = Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
        const found = await read(chunks);
        expect(found.objects.map((json) => JSON.parse(json) as unknown)).toEqual(list.items ?? []);
        expect(JSON.parse(found.list)).toEqual({ ...list, items: list.items && [] });
      }
    }
  });

  it("has no managedFields, which nobody reads, unless a chunk ends within their name", async () => {
    const metadata = { name: "a", managedFields: [{ fieldsV1: { "f:x": [{}] } }], uid: "1" };
    const kept = { metadata: { ...metadata, managedFields: [] }, managedFields: [1] };
    const bytes = Buffer.from(
      JSON.stringify({
        items: [
          { ...kept, metadata },
          { ...kept, metadata },
        ],
      }),
    );
    for (let at = 1; at < bytes.length; at++) {
      const { objects } = await read([bytes.subarray(0, at), bytes.subarray(at)]);
      const found = objects.map((json) => JSON.parse(json) as unknown);
      expect([kept, { ...kept, metadata }]).toContainEqual(found[0]);
      expect(found).toContainEqual(kept);
    }
  });

  it.each(["", "no JSON", "<html>{}</html>", '{"items":[{"a":1},{"b"', '{"items":[{}]'])(
    "that is %j comes out as no JSON",
    async (text) => {
      const { list } = await read([Buffer.from(text)]);
      expect(() => JSON.parse(list) as unknown).toThrow(SyntaxError);
    },
  );

  it("with an object larger than any that an API stores is refused", async () => {
    const chunks = Array.from({ length: 17 }, () => Buffer.alloc(1024 * 1024, "x"));
    await expect(read([Buffer.from('{"items":[{"a":"'), ...chunks])).rejects.toThrow("larger than 16 MiB");
  });
});
