import { describe, expect, it } from "vitest";
import { isOriginals, ownerOf, ownerText } from "../../src/job/owner.ts";

const OWNER = { id: "a-1", name: "gpu", labels: ["y", "x"], tenantId: "t", process: "p" };

function read(text: string | undefined): ReturnType<typeof ownerOf> {
  return ownerOf({ annotations: text === undefined ? {} : { "prefect.io/agent": text } });
}

describe("the owner in a Job's annotation", () => {
  it("is read as it was written, its labels sorted", () => {
    expect(read(ownerText(OWNER))).toEqual({ ...OWNER, labels: ["x", "y"] });
  });

  it("is the same text whatever the order of the labels", () => {
    expect(ownerText(OWNER)).toBe(ownerText({ ...OWNER, labels: ["x", "y"] }));
  });

  it.each([
    { name: "none, as on Jobs of Prefect's own agent", text: undefined },
    { name: "no JSON", text: "agent-1" },
    { name: "a JSON text", text: '"agent"' },
    { name: "null", text: "null" },
    { name: "without a name", text: '{"labels":["x"],"process":"p"}' },
    { name: "with a name that is no text", text: '{"name":7}' },
  ])("is unknown: $name", ({ text }) => {
    expect(read(text)).toBeUndefined();
  });

  it.each([
    { name: "a name alone", text: '{"name":"gpu"}', want: { name: "gpu", labels: [], process: "" } },
    {
      name: "fields that are no texts",
      text: '{"name":"gpu","labels":[1],"tenant":2,"process":3,"id":4}',
      want: { name: "gpu", labels: ["1"], process: "" },
    },
    {
      name: "labels that are no list",
      text: '{"name":"gpu","labels":"x"}',
      want: { name: "gpu", labels: [], process: "" },
    },
  ])("has what can be read of $name", ({ text, want }) => {
    expect(read(text)).toEqual({ id: undefined, tenantId: undefined, ...want });
  });

  it.each([
    { name: "without annotation", text: undefined, want: true },
    { name: "of ours", text: ownerText(OWNER), want: false },
    {
      name: "that ours took over from Prefect's own",
      text: ownerText({ ...OWNER, fromOriginal: true }),
      want: true,
    },
  ])("tells that Prefect's own agent made a Job $name: $want", ({ text, want }) => {
    const annotations = text === undefined ? {} : { "prefect.io/agent": text };
    expect(isOriginals({ labels: { "prefect.io/identifier": "1a2b3c4d" }, annotations })).toBe(want);
    expect(isOriginals({ annotations: {} })).toBe(false);
  });

  it("is read again after thousands of others", () => {
    const first = ownerText(OWNER);
    for (let at = 0; at < 2_500; at++) read(ownerText({ ...OWNER, process: `p-${at}` }));
    expect(read(first)?.process).toBe("p");
  });
});
