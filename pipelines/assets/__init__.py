"""The Dagster room, the only one that imports Dagster: what the rest of Turnout can do, as assets, jobs and pages."""
