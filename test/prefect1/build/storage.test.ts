import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { storageImage } from "../../../src/prefect1/build/storage.ts";
import { flowRun } from "./support.ts";

const image = (storage: JsonObject | null): string | undefined => storageImage(flowRun({}, { storage }));

describe("storageImage", () => {
  it.each([
    { registry: "r.io/x/", name: "n", tag: "t", want: "r.io/x/n:t" },
    { registry: null, name: "n", tag: "t", want: "n:t" },
    { registry: "", name: "n", tag: "t", want: "n:t" },
    { registry: "r.io//a/./b", name: "n", tag: "t", want: "r.io/a/b/n:t" },
    { registry: "r.io/a/..", name: "n", tag: "t", want: "r.io/a/../n:t" },
    { registry: "r", name: "/n", tag: "t", want: "/n:t" },
    { registry: "http://r.io/a", name: "n", tag: "", want: "http:/r.io/a/n:" },
    { registry: "//r.io", name: "n", tag: "t", want: "//r.io/n:t" },
    { registry: "///r.io", name: "n", tag: "t", want: "/r.io/n:t" },
  ])("is $want for registry $registry, name $name, tag $tag", ({ registry, name, tag, want }) => {
    expect(image({ type: "Docker", registry_url: registry, image_name: name, image_tag: tag })).toBe(want);
  });

  it.each([
    { type: "Azure", container: "c" },
    { type: "Bitbucket", project: "p", repo: "r" },
    { type: "CodeCommit", repo: "r" },
    { type: "GCS", bucket: "b" },
    { type: "Git", flow_path: "f.py", repo: "r" },
    { type: "Git", flow_path: "f.py", git_clone_url_secret_name: "s" },
    { type: "GitHub", repo: "r", path: "f.py" },
    { type: "GitLab", repo: "r" },
    { type: "Local" },
    { type: "Module", module: "m" },
    { type: "S3", bucket: "b" },
    { type: "Storage" },
    {
      type: "Webhook",
      build_request_kwargs: {},
      build_request_http_method: "POST",
      get_flow_request_kwargs: {},
      get_flow_request_http_method: "GET",
    },
  ])("is none for %j", (storage) => {
    expect(image(storage)).toBeUndefined();
  });

  it.each([
    { storage: null, want: "a flow without `storage`" },
    { storage: {}, want: "a `storage` without a `type`" },
    { storage: { type: "Bogus" }, want: "of the unknown type `Bogus`" },
    { storage: { type: "toString" }, want: "of the unknown type `toString`" },
    { storage: { type: "S3" }, want: "`S3` storage without `bucket`" },
    { storage: { type: "GCS", bucket: null }, want: "`GCS` storage without `bucket`" },
    { storage: { type: "GitHub", repo: "r" }, want: "`GitHub` storage without `path`" },
    { storage: { type: "Git", flow_path: "f" }, want: "without `repo` or `git_clone_url_secret_name`" },
    { storage: { type: "Docker" }, want: "missing required fields `image_name` and `image_tag`" },
    { storage: { type: "Docker", image_name: "n", image_tag: null }, want: "missing required fields" },
    { storage: { type: "Docker", image_name: 1, image_tag: "t" }, want: "is not a string" },
    {
      storage: { type: "Docker", image_name: "n", image_tag: "t", prefect_version: null },
      want: "`prefect_version` is null",
    },
  ])("refuses $storage", ({ storage, want }) => {
    expect(() => image(storage)).toThrow(want);
  });
});
