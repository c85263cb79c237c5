// What every operation of the fake works with: the database, the clock, the flavour, and who is calling.

import { newUuid } from "../chance.ts";
import type { Clock } from "../../../src/base/clock.ts";
import type { Database } from "./related.ts";
import type { Flavour } from "./sdl.ts";
import { timeOf } from "./time.ts";

/** One fake, without its HTTP side. */
export interface Service {
  readonly db: Database;
  readonly clock: Clock;
  readonly flavour: Flavour;
  /** Cloud: every flow group locks versions, not only those whose settings say so. */
  readonly versionLocking: boolean;
  /** Cloud: how many runs with a label may be Running at once. */
  readonly concurrencyLimits: Map<string, number>;
  /** When each flow run was set Submitted last, in epoch milliseconds; in memory only, as in Prefect Server. */
  readonly submittedAtMs: Map<string, number>;
}

/** Who sent the request, by its `x-prefect-…` headers. */
export interface Caller {
  readonly agentId?: string | undefined;
  readonly coreVersion?: string | undefined;
}

/** The columns that every new row begins with. */
export function newRow(service: Service): { id: string; created: string; updated: string } {
  const now = timeNow(service);
  return { id: newUuid(), created: now, updated: now };
}

/** The present in stored form. */
export function timeNow(service: Service): string {
  return timeOf(service.clock.now());
}
