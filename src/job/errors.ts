// Why a flow run cannot become a Job. The text is for the flow's owner: it is also the message of the run's Failed state.

import { ExpectedError } from "../base/errors.ts";

/** No Job can be built from the flow run, its run config, its storage or its template. A retry does not help. */
export class JobError extends ExpectedError {}
