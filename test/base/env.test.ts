import { expect, it } from "vitest";
import { homeFolder } from "../../src/base/env.ts";

it("knows no home folder where the system knows none", () => {
  const none = (): never => {
    throw new Error("uv_os_homedir returned ENOENT");
  };
  expect(homeFolder(none)).toBeUndefined();
  expect(homeFolder(() => "/home/me")).toBe("/home/me");
});
