"""Succeeds at the second attempt: the task raises once, and Prefect retries it two seconds later in the same process."""
from datetime import timedelta

import prefect
from prefect import Flow, task


@task(max_retries=2, retry_delay=timedelta(seconds=2))
def flaky():
    attempt = prefect.context.get("task_run_count", 1)
    prefect.context.get("logger").info("attempt %s", attempt)
    if attempt < 2:
        raise RuntimeError("the first attempt raises")
    return attempt


with Flow("retrying") as flow:
    flaky()
