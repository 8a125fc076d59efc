"""For authors of connectors: the promises every connector keeps, as tests to inherit. Needs pytest."""

from connectors.testing.contract import ConnectorContract
from connectors.testing.rig import Rig, Trouble
from connectors.testing.time import FastTime

__all__ = ["ConnectorContract", "FastTime", "Rig", "Trouble"]
