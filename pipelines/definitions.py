"""What Dagster loads: the environment is read here, once."""

from pipelines.assets.graph import build_definitions
from pipelines.settings import Settings

defs = build_definitions(Settings())
