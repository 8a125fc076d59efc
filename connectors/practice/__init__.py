"""The sandbox's practice platform: every way of delivering, answering and signing in, before a real platform has it."""

from connectors.practice.connector import PracticeConnector

__all__ = ["PracticeConnector"]
