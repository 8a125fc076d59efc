"""Playbooks: starter packs of segments with goals and treatments, and a sample to try them on."""

from pipelines.playbooks.pack import Playbook, playbook, playbooks
from pipelines.playbooks.starting import FolderNotEmpty, Started, start

__all__ = ["FolderNotEmpty", "Playbook", "Started", "playbook", "playbooks", "start"]
