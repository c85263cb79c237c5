// The default of `cleanup --older-than`, which `doctor` and `inspect` go by.

/** In milliseconds. */
export const OLDER_THAN_MS = 600_000;
