// What `logs` does with the bytes of a log: as they come, in constant memory, and again from where it was when a stream breaks.

import { describe, expect, it } from "vitest";
import { LogStream } from "../../../../src/cli/commands/logs/log-stream.ts";
import type { StreamDeps, StreamOptions } from "../../../../src/cli/commands/logs/log-stream.ts";
import { noByte, TransportError } from "../../../../src/http/errors.ts";
import type { PodLogQuery } from "../../../../src/kube/client/api.ts";
import { clockOf } from "../../../support/clock.ts";
import type { Pod } from "../../../../src/kube/client/objects.ts";

const IDLE = noByte(60_000);
const CUT = new TransportError("connection closed by the other side", { code: "ECONNRESET" });
const at = (second: number): string => `2026-11-21T03:04:0${second}.5Z`;

/** One answer of the API: its chunks, then how it ends. */
type Answer = readonly (string | Buffer | Error)[] | Error | undefined;

/** Follows a log `times` times that is answered so, one answer after another; the last is followed by the log's end. */
async function followed(
  answers: readonly Answer[],
  range: Omit<StreamOptions, "prefix"> = { timestamps: false },
  times = 1,
) {
  const queries: PodLogQuery[] = [];
  const written: Buffer[] = [];
  let nowMs = 0;
  const deps: StreamDeps = {
    kube: {
      streamPodLog: (_, query) => {
        const answer = answers[queries.length];
        queries.push(query);
        nowMs += 10_000;
        if (answer instanceof Error) return Promise.reject(answer);
        return Promise.resolve(answer && streamOf(answer));
      },
    },
    clock: clockOf({ now: () => new Date(nowMs) }),
    write: (bytes) => void written.push(bytes),
  };
  const pod = { metadata: { name: "pod", namespace: "flows" } } as Pod;
  const target = { pod, container: "flow", startedAt: at(0), isRunning: true };
  const stream = new LogStream(deps, target, { ...range, prefix: "" });
  const { signal } = new AbortController();
  let outcome: unknown;
  for (let n = 0; n < times; n++) outcome = await stream.follow(signal).catch((error: unknown) => error);
  return { text: Buffer.concat(written).toString("latin1"), queries, outcome };
}

async function* streamOf(parts: readonly (string | Buffer | Error)[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield Promise.resolve(Buffer.from(part as string));
  }
}

describe("LogStream", () => {
  it("asks again with the last line's time when a connection is silent, and loses and repeats nothing", async () => {
    const { text, queries, outcome } = await followed([
      [`${at(1)} one\n${at(2)} two\n`, IDLE],
      [`${at(1)} one\n${at(2)} two\n${at(2)} two again\n${at(3)} three\n`, IDLE],
      [`${at(3)} three\n`],
    ]);
    expect(text).toBe("one\ntwo\ntwo again\nthree\n");
    expect(queries.map(({ sinceTime }) => sinceTime)).toEqual([undefined, at(2), at(3)]);
    expect(outcome).toBeUndefined();
  });

  it("is silent for as long as the flow is: that is no failure", async () => {
    const { text, outcome } = await followed([
      ...Array.from({ length: 20 }, () => [IDLE]),
      [`${at(1)} one\n`],
    ]);
    expect([text, outcome]).toEqual(["one\n", undefined]);
  });

  it("gives up after several broken connections in a row, but not if lines came between them", async () => {
    const often = await followed(Array.from({ length: 9 }, (_, n) => [`${at(n)} line\n`, CUT]));
    expect(often.text).toBe("line\n".repeat(9));
    const dead = await followed(Array.from({ length: 9 }, () => CUT));
    expect(dead.queries).toHaveLength(6);
    expect(dead.outcome).toMatchObject({
      message: 'cannot read the log of pod "pod": connection closed by the other side',
      exitCode: 4,
    });
  });

  it("drops half a line of a connection that broke, and prints it whole later", async () => {
    const { text } = await followed([[`${at(1)} one\n${at(2)} tw`, CUT], [`${at(1)} one\n${at(2)} two\n`]]);
    expect(text).toBe("one\ntwo\n");
  });

  it.each<{ name: string; range: Partial<StreamOptions>; first: Answer; want: Partial<PodLogQuery> }>([
    {
      name: "after --tail asks for what came since the log was opened",
      range: { tailLines: 0 },
      first: [IDLE],
      want: { sinceSeconds: 11 },
    },
    {
      name: "the same when the log has ended",
      range: { tailLines: 0 },
      first: [],
      want: { sinceSeconds: 11 },
    },
    {
      name: "after --since asks for what came since then",
      range: { sinceSeconds: 10 },
      first: [],
      want: { sinceSeconds: 21 },
    },
    { name: "asks for the whole log if it had", range: {}, first: [], want: {} },
    {
      name: "asks for the same lines if the log was not opened",
      range: { tailLines: 5, sinceSeconds: 10 },
      first: CUT,
      want: { tailLines: 5, sinceSeconds: 10 },
    },
  ])("if no line had come, $name", async ({ range, first, want }) => {
    const times = Array.isArray(first) && first.length === 0 ? 2 : 1;
    const answers = [first, [`${at(1)} one\n`]];
    const { text, queries } = await followed(answers, { timestamps: false, ...range }, times);
    const { tailLines, sinceSeconds, sinceTime } = queries[1] ?? {};
    expect({ tailLines, sinceSeconds, sinceTime }).toEqual({
      tailLines: undefined,
      sinceSeconds: undefined,
      sinceTime: undefined,
      ...want,
    });
    expect(text).toBe("one\n");
  });

  it.each([{ timestamps: false }, { timestamps: true }])(
    "prints a line of the kubelet, which has no time, once, and loses no line for it: $timestamps",
    async ({ timestamps }) => {
      const note = "failed to create fsnotify watcher: too many open files\n";
      const { text, queries } = await followed(
        [
          [`${at(1)} one\n`, note, IDLE],
          [`${at(1)} one\n${at(2)} two\n`, note, IDLE],
          [`${at(2)} two\n${at(3)}\n`],
        ],
        { timestamps },
      );
      expect(queries.map(({ sinceTime }) => sinceTime)).toEqual([undefined, at(1), at(2)]);
      const [one, two, three] = [1, 2, 3].map((n) => (timestamps ? `${at(n)} ` : ""));
      expect(text).toBe(`${one}one\n${note}${two}two\n${three?.trimEnd()}\n`);
    },
  );

  it("leaves bytes that are no UTF-8 as they are, and the times on request", async () => {
    const bytes = Buffer.concat([Buffer.from(`${at(1)} `), Buffer.from([0xff, 0xfe, 0x0a])]);
    expect((await followed([[bytes]])).text).toBe("\u00ff\u00fe\n");
    expect((await followed([[bytes]], { timestamps: true })).text).toBe(`${at(1)} \u00ff\u00fe\n`);
  });

  it("ends without an error when the pod is gone", async () => {
    expect(await followed([undefined])).toMatchObject({ text: "", outcome: undefined });
  });
});
