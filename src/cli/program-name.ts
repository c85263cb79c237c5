// What this program is called where people read its name.

/** How the program is called, as kubectl's plugin. */
export const PROGRAM = "kubectl prefect";
