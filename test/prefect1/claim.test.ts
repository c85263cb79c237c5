// Claims in batches on a server that forgets answers: what each call says must be what stands.

import type { PrefectFailure } from "../../src/orchestrator/errors.ts";
import { PrefectError } from "../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { CLAIM_KEY, claimAll, claimIn } from "../../src/prefect1/claim.ts";
import type { StateClaim } from "../../src/prefect1/claim.ts";
import type { State } from "../../src/prefect1/states.ts";

interface Row {
  version: number;
  state: State;
}

/** A server with rows; `fail` says what comes of a request after it had its effect, or before. */
class Server {
  readonly rows = new Map<string, Row>();
  /** Runs whose Submitted lock refuses everybody. */
  readonly locked = new Set<string>();
  readonly requests: string[] = [];
  fail: (request: string) => { readonly failure: PrefectFailure; readonly effect: boolean } | undefined =
    () => undefined;

  constructor(...ids: readonly string[]) {
    for (const id of ids) this.rows.set(id, { version: 1, state: { type: "Scheduled" } });
  }

  readonly set = async (claims: readonly StateClaim[]): Promise<void> => {
    const request = `set ${claims.map(({ id }) => id).join()}`;
    this.requests.push(request);
    const fate = this.fail(request);
    const refused = claims.filter(({ id }) => this.locked.has(id));
    if (fate?.effect !== false) {
      for (const { id, state } of claims) {
        const row = this.rows.get(id);
        if (row !== undefined && !this.locked.has(id)) this.rows.set(id, { version: row.version + 1, state });
      }
    }
    if (fate !== undefined) throw new PrefectError("claim", "no", fate);
    if (refused.length > 0) throw new PrefectError("claim", "State update failed", { failure: "locked" });
  };

  readonly look = async (ids: readonly string[]): Promise<Map<string, Row>> => {
    const request = `look ${ids.join()}`;
    this.requests.push(request);
    const fate = this.fail(request);
    if (fate !== undefined) throw new PrefectError("look", "no", fate);
    return new Map(ids.flatMap((id) => (this.rows.has(id) ? [[id, this.rows.get(id) as Row]] : [])));
  };
}

function claim(id: string, more: Partial<StateClaim> = {}): StateClaim {
  const mark = { id: `mark-${id}`, scope: "here", identifier: "1a2b3c4d", by: "host:1" };
  return { id, version: 1, state: { type: "Submitted", context: { [CLAIM_KEY]: mark } }, ...more };
}

describe("claimAll", () => {
  it("claims all in one request", async () => {
    const server = new Server("a", "b");
    expect(await claimAll([claim("a"), claim("b")], server)).toEqual(["claimed", "claimed"]);
    expect(server.requests).toEqual(["set a,b"]);
  });

  it("asks nothing for nothing", async () => {
    const server = new Server();
    expect(await claimAll([], server)).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  it("tells its own claims from others' when some of a batch were refused", async () => {
    const server = new Server("a", "b", "c");
    server.locked.add("b");
    server.rows.set("b", { version: 2, state: { type: "Submitted" } });
    expect(await claimAll([claim("a"), claim("b"), claim("c")], server)).toEqual([
      "claimed",
      "taken",
      "claimed",
    ]);
  });

  it("leaves a run that is locked though nothing else has changed", async () => {
    const server = new Server("a", "b");
    server.locked.add("b");
    expect(await claimAll([claim("a"), claim("b")], server)).toEqual(["claimed", "taken"]);
    expect(server.requests).toEqual(["set a,b", "look a,b", "set b", "look b"]);
  });

  it("leaves a run that is no more", async () => {
    const server = new Server("a");
    server.fail = (request) => (request === "set gone" ? { failure: "refused", effect: false } : undefined);
    expect(await claimAll([claim("gone")], server)).toEqual(["taken"]);
  });

  it.each(["unreachable", "overloaded", "unreadable"] as const)(
    "finds its own claim when the answer was lost: %s",
    async (failure) => {
      const server = new Server("a");
      server.fail = (request) => (request.startsWith("set") ? { failure, effect: true } : undefined);
      expect(await claimAll([claim("a")], server)).toEqual(["claimed"]);
    },
  );

  it("throws what passes, in one go, when a batch had no effect: its wait is the caller's", async () => {
    const server = new Server("a", "b");
    server.fail = (request) =>
      request.startsWith("set") ? { failure: "overloaded", effect: false } : undefined;
    await expect(claimAll([claim("a"), claim("b")], server)).rejects.toMatchObject({ failure: "overloaded" });
    expect(server.requests).toEqual(["set a,b", "look a,b"]);
  });

  it("throws a refusal of its key without looking", async () => {
    const server = new Server("a");
    server.fail = () => ({ failure: "unauthorized", effect: false });
    await expect(claimAll([claim("a")], server)).rejects.toMatchObject({ failure: "unauthorized" });
    expect(server.requests).toEqual(["set a"]);
  });

  it("tries the claims of a refused batch one by one, and throws only what is refused alone", async () => {
    const server = new Server("a", "b");
    server.fail = (request) => (/^set .*b/.test(request) ? { failure: "refused", effect: false } : undefined);
    await expect(claimAll([claim("a"), claim("b")], server)).rejects.toMatchObject({ failure: "refused" });
    expect(server.rows.get("a")?.version).toBe(2);
  });
});

describe("a claim that is asked for again", () => {
  it("is not made over what happened meanwhile, though the server would take it", async () => {
    const server = new Server("a");
    server.rows.set("a", { version: 4, state: { type: "Success" } });
    expect(await claimAll([claim("a", { again: true })], server)).toEqual(["taken"]);
    expect(server.rows.get("a")?.state.type).toBe("Success");
  });

  it("is known when it had its effect the first time, and made when it had none", async () => {
    const server = new Server("a", "b");
    await server.set([claim("a")]);
    const again = [claim("a", { again: true }), claim("b", { again: true })];
    expect(await claimAll(again, server)).toEqual(["claimed", "claimed"]);
    expect(server.rows.get("a")?.version).toBe(2);
    expect(server.requests).toEqual(["set a", "look a,b", "set b"]);
  });
});

describe("claimIn", () => {
  it("reads its own marks, also older ones without a maker", () => {
    const mark = { id: "1", scope: "here", identifier: "1a2b3c4d" };
    expect(claimIn({ type: "Submitted", context: { [CLAIM_KEY]: mark } })).toEqual(mark);
    expect(claimIn(claim("a").state)).toMatchObject({ by: "host:1" });
  });

  it.each([{}, { [CLAIM_KEY]: "x" }, { [CLAIM_KEY]: { id: "1", scope: "here" } }])(
    "takes %o for no mark",
    (context) => {
      expect(claimIn({ type: "Submitted", context })).toBeUndefined();
    },
  );
});
