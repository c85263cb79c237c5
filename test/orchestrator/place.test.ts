import { describe, expect, it } from "vitest";
import { comparePlaces } from "../../src/orchestrator/place.ts";
import type { Place, SamePlace } from "../../src/orchestrator/place.ts";

type Known = Omit<Place, "namespace">;

describe("two places", () => {
  it.each<{ name: string; one: Known; other: Known & { namespace?: string }; want: SamePlace }>([
    { name: "one namespace", one: { namespaceUid: "n" }, other: { namespaceUid: "n" }, want: "same" },
    {
      name: "namespaces of two clusters",
      one: { namespaceUid: "n" },
      other: { namespaceUid: "m" },
      want: "other",
    },
    {
      name: "one namespace, whose cluster has a new CA",
      one: { namespaceUid: "n", ca: "old" },
      other: { namespaceUid: "n", ca: "new" },
      want: "same",
    },
    {
      name: "a namespace that was deleted and made again",
      one: { namespaceUid: "n", clusterUid: "c", ca: "a" },
      other: { namespaceUid: "m", clusterUid: "c", ca: "a" },
      want: "other",
    },
    {
      name: "two namespaces of one cluster",
      one: { clusterUid: "c" },
      other: { namespace: "etl", clusterUid: "c" },
      want: "other",
    },
    {
      name: "one cluster and name, of which one side knows no uid of the namespace",
      one: { namespaceUid: "n", clusterUid: "c" },
      other: { clusterUid: "c" },
      want: "same",
    },
    { name: "two clusters", one: { clusterUid: "c" }, other: { clusterUid: "d" }, want: "other" },
    {
      name: "two clusters, whatever the ServiceAccounts",
      one: { clusterUid: "c", accountUid: "a" },
      other: { clusterUid: "d", accountUid: "a" },
      want: "other",
    },
    {
      name: "one ServiceAccount",
      one: { accountUid: "a", ca: "x" },
      other: { accountUid: "a", ca: "y" },
      want: "same",
    },
    {
      name: "two ServiceAccounts behind one CA, which may be those of one namespace",
      one: { accountUid: "a", ca: "x" },
      other: { accountUid: "b", ca: "x" },
      want: "unsure",
    },
    {
      name: "two ServiceAccounts behind two CAs",
      one: { accountUid: "a", ca: "x" },
      other: { accountUid: "b", ca: "y" },
      want: "other",
    },
    { name: "one CA, which clusters may share", one: { ca: "x" }, other: { ca: "x" }, want: "unsure" },
    { name: "two CAs", one: { ca: "x" }, other: { ca: "y" }, want: "other" },
    { name: "nothing that both know", one: { namespaceUid: "n" }, other: { ca: "x" }, want: "unsure" },
    { name: "nothing at all", one: {}, other: {}, want: "unsure" },
    { name: "other names and nothing else", one: {}, other: { namespace: "etl" }, want: "other" },
  ])("$name: $want", ({ one, other, want }) => {
    const [left, right] = [
      { namespace: "flows", ...one },
      { namespace: "flows", ...other },
    ];
    expect([comparePlaces(left, right), comparePlaces(right, left)]).toEqual([want, want]);
  });
});
