// The default of `cleanup --older-than`, which `doctor`, `inspect` and `jobs --stale` go by.

/** In milliseconds. */
export const OLDER_THAN_MS = 600_000;
