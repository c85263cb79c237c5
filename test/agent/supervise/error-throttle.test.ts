import { describe, expect, it } from "vitest";
import { Outage } from "../../../src/agent/outage.ts";
import { ErrorThrottle } from "../../../src/agent/supervise/error-throttle.ts";
import { silentLog } from "../../../src/base/log.ts";
import { PrefectError } from "../../../src/orchestrator/errors.ts";

const UNREACHABLE = new PrefectError("write", "connection refused", { failure: "unreachable" });
const OVERLOADED = new PrefectError("write", "503", { failure: "overloaded" });

function throttle() {
  const warned: unknown[] = [];
  let ticks = 0;
  const clock = { ticks: () => ticks } as unknown as ConstructorParameters<typeof Outage>[1]["clock"];
  const log = { ...silentLog, warn: (_: string, fields = {}) => void warned.push(fields) };
  const outage = new Outage("Prefect API", { log: silentLog, clock });
  const errors = new ErrorThrottle({ clock, log, outage });
  return { errors, outage, warned, pass: (ms: number) => void (ticks += ms) };
}

describe("a flow run whose requests fail", () => {
  it("is named once for all that fail with it", () => {
    const { errors, warned } = throttle();
    errors.failed("a", OVERLOADED);
    errors.failed("b", OVERLOADED);
    errors.failed("a", OVERLOADED);
    expect(warned).toEqual([{ flowRun: "a", error: "cannot write: 503" }]);
  });

  it("is named once if Prefect rejects them, and again if it does so after a success", () => {
    const { errors, warned } = throttle();
    const rejected = new PrefectError("write", "no such run", { failure: "refused" });
    for (let times = 0; times < 2; times++) errors.failed("a", rejected);
    errors.succeeded("a");
    errors.failed("a", rejected);
    expect(warned).toEqual([1, 2].map(() => ({ flowRun: "a", error: "cannot write: no such run" })));
  });

  it("is not named while the polls tell that Prefect does not answer", () => {
    const { errors, outage, warned, pass } = throttle();
    errors.failed("a", UNREACHABLE);
    outage.record(UNREACHABLE);
    pass(600_000);
    errors.failed("a", UNREACHABLE);
    expect(warned).toEqual([]);
  });

  it("is named where only its own requests get no answer, whatever becomes of others", () => {
    const { errors, warned, pass } = throttle();
    errors.failed("a", UNREACHABLE);
    errors.succeeded("b");
    pass(16_000);
    errors.failed("a", UNREACHABLE);
    errors.failed("a", UNREACHABLE);
    expect(warned).toEqual([expect.objectContaining({ flowRun: "a" })]);
  });
});
