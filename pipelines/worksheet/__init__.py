"""The worksheet of a new segment: asked what it is for before it exists, and written from the answers."""

from pipelines.worksheet.creating import Created, Refused, create
from pipelines.worksheet.questions import QUESTIONS, Question, checked, read_answers

__all__ = ["QUESTIONS", "Created", "Question", "Refused", "checked", "create", "read_answers"]
