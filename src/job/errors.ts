// Why a flow run cannot become a Job, in words for the flow's owner: the text is also its Failed message.

import { ExpectedError } from "../base/errors.ts";

/** The flow run, its run config, its storage or its template cannot make a Job. Trying again does not help. */
export class JobError extends ExpectedError {}
