// Pure parts: states as the server keeps them, times, jsonb.

import { describe, expect, it } from "vitest";
import { jsonContains } from "../jsonb.ts";
import { storedState } from "../state-form.ts";
import { shownTime, storedTime } from "../time.ts";

const now = new Date("2022-03-04T05:06:07.089Z");
const NOTHING = { type: "NoResultType", __version__: "1.4.1" };
const BASE = { __version__: "1.4.1", message: null, context: {}, cached_inputs: {}, _result: NOTHING };

describe("storedState", () => {
  it.each([
    { given: { type: "Running" }, kept: { ...BASE, type: "Running" } },
    {
      given: { type: "Failed", message: "m", context: { a: [1] }, junk: 1, __version__: "0.9" },
      kept: { ...BASE, type: "Failed", message: "m", context: { a: [1] } },
    },
    { given: { type: "Success", context: null, cached_inputs: null }, kept: { ...BASE, type: "Success" } },
    {
      given: { type: "Scheduled" },
      kept: { ...BASE, type: "Scheduled", start_time: "2022-03-04T05:06:07.089000+00:00" },
    },
    { given: { type: "Paused" }, kept: { ...BASE, type: "Paused", start_time: null } },
    {
      given: { type: "Retrying", start_time: "2022-03-04T07:06:07.500+02:00", run_count: 3 },
      kept: { ...BASE, type: "Retrying", start_time: "2022-03-04T07:06:07.500000+02:00", run_count: 3 },
    },
    {
      given: { type: "Resume", start_time: "2022-03-04T05:06:07.000Z" },
      kept: { ...BASE, type: "Resume", start_time: "2022-03-04T05:06:07+00:00" },
    },
    {
      given: { type: "Submitted", state: { type: "Pending", junk: 1 } },
      kept: { ...BASE, type: "Submitted", state: { ...BASE, type: "Pending" } },
    },
    {
      given: { type: "Success", _result: { type: "S3Result", bucket: "b", location: "l", value: 1 } },
      kept: {
        ...BASE,
        type: "Success",
        _result: { type: "S3Result", __version__: "1.4.1", bucket: "b", location: "l" },
      },
    },
    {
      given: { type: "Success", _result: { type: "my.Result", location: "l", extra: 1 } },
      kept: { ...BASE, type: "Success", _result: { type: "Result", __version__: "1.4.1", location: "l" } },
    },
  ])("keeps $given.type in Core's form", ({ given, kept }) => {
    expect(storedState(given, now)).toEqual(kept);
  });

  it("gives Mapped no result", () => {
    const { _result, ...rest } = BASE;
    expect(storedState({ type: "Mapped", n_map_states: 2, _result }, now)).toEqual({
      ...rest,
      type: "Mapped",
      n_map_states: 2,
    });
  });
});

describe("times", () => {
  it.each([
    ["2022-03-04T05:06:07Z", "2022-03-04T05:06:07+00:00"],
    ["2022-03-04T05:06:07", "2022-03-04T05:06:07+00:00"],
    ["2022-03-04T05:06:07.120+00:00", "2022-03-04T05:06:07.12+00:00"],
    ["2022-03-04T05:06:07.1234567Z", "2022-03-04T05:06:07.123456+00:00"],
    ["2022-03-04 07:06:07+02", "2022-03-04T05:06:07+00:00"],
    ["2022-03-04T00:06:07-05:30", "2022-03-04T05:36:07+00:00"],
    ["2022-03-04", "2022-03-04T00:00:00+00:00"],
  ])("reads %s as %s", (text, shown) => {
    expect(shownTime(storedTime(text) ?? "")).toBe(shown);
  });

  it.each(["", "now", "2022-13-04T05:06:07Z", "5"])("refuses %j", (text) => {
    expect(storedTime(text)).toBeUndefined();
  });
});

describe("jsonContains", () => {
  it.each([
    [{ a: 1, b: { c: [1, 2] } }, { b: { c: [2] } }, true],
    [{ a: 1 }, { a: 2 }, false],
    [{ a: 1 }, { b: null }, false],
    [[1, [2, 3]], [[3]], true],
    [[1, [2, 3]], [3], false],
    [["a"], "a", true],
    [[["a"]], ["a"], false],
    [[{ k: 1, l: 2 }], [{ k: 1 }], true],
    [{ a: ["x"] }, { a: "x" }, false],
    [{}, [], false],
    [[], [], true],
    [[1], [1, 1], true],
    [{ a: 1 }, { a: {} }, false],
    [["a"], [{}], false],
  ])("%j @> %j is %s", (whole, part, holds) => {
    expect(jsonContains(whole, part)).toBe(holds);
  });
});
