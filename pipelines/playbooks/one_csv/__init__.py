"""A project from one CSV of customers: what its columns are, what segments they allow, and the folder."""

from pipelines.playbooks.one_csv.columns import NotUsable
from pipelines.playbooks.one_csv.project import Begun, begin

__all__ = ["Begun", "NotUsable", "begin"]
