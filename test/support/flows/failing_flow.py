"""Fails: its first task raises, the second one never runs."""
from prefect import Flow, task


@task
def explode():
    raise ValueError("this task always raises")


@task
def never_reached(value):
    return value


with Flow("failing") as flow:
    never_reached(explode())
