// What a request returned, or its expected error: for what goes on when one request fails.

import { ExpectedError } from "./errors.ts";

/** The value of one that failed, and the error of one that did not, are undefined. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly error?: undefined }
  | { readonly ok: false; readonly value?: undefined; readonly error: ExpectedError };

/** Sends a request; an ExpectedError becomes an answer, everything else (bugs, Ctrl-C) is thrown. */
export async function attempt<T>(request: () => Promise<T> | T): Promise<Answer<T>> {
  try {
    return { ok: true, value: await request() };
  } catch (error) {
    if (error instanceof ExpectedError) return { ok: false, error };
    throw error;
  }
}
