import { describe, expect, it } from "vitest";
import { referencesOf } from "../../../src/doctor/checks/pod-references.ts";

describe("what a pod cannot start without", () => {
  it.each([
    { what: "nothing", spec: {}, want: [] },
    {
      what: "a variable's Secret and its key",
      spec: { containers: [{ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] }] },
      want: [{ resource: "secrets", name: "s", key: "k" }],
    },
    {
      what: "a variable's ConfigMap, in an init container",
      spec: {
        initContainers: [{ env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "c", key: "k" } } }] }],
      },
      want: [{ resource: "configmaps", name: "c", key: "k" }],
    },
    {
      what: "what all variables are taken from, once",
      spec: {
        containers: [
          { envFrom: [{ secretRef: { name: "s" } }] },
          { envFrom: [{ secretRef: { name: "s" } }, { configMapRef: { name: "c" } }] },
        ],
      },
      want: [
        { resource: "secrets", name: "s" },
        { resource: "configmaps", name: "c" },
      ],
    },
    {
      what: "volumes",
      spec: {
        volumes: [
          { name: "a", secret: { secretName: "s" } },
          { name: "b", configMap: { name: "c", items: [{ key: "k", path: "p" }] } },
          { name: "c", persistentVolumeClaim: { claimName: "p" } },
          { name: "d", projected: { sources: [{ secret: { name: "t" } }, { downwardAPI: {} }] } },
          { name: "e", emptyDir: {} },
        ],
      },
      want: [
        { resource: "secrets", name: "s" },
        { resource: "configmaps", name: "c", key: "k" },
        { resource: "persistentvolumeclaims", name: "p" },
        { resource: "secrets", name: "t" },
      ],
    },
    {
      what: "nothing that is optional",
      spec: {
        containers: [
          {
            env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: true } } }],
            envFrom: [{ configMapRef: { name: "c", optional: true } }],
          },
        ],
        volumes: [{ name: "a", secret: { secretName: "s", optional: true } }],
      },
      want: [],
    },
    {
      what: "nothing of what is no pod",
      spec: { containers: "x", volumes: [1, null], initContainers: [{ env: [{ valueFrom: 3 }] }] },
      want: [],
    },
  ])("is $what", ({ spec, want }) => {
    expect(referencesOf(spec)).toEqual(want);
  });
});
