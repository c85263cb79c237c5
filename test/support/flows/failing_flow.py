"""Fails: its one task raises, the task after it is never tried."""
from prefect import Flow, task


@task
def explode():
    raise ValueError("this task always raises")


@task
def never_reached(value):
    return value


with Flow("failing") as flow:
    never_reached(explode())
