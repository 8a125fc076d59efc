"""The embedded warehouse: one DuckDB file behind the engine interface of ``pipelines.engine``."""

from pipelines.warehouse.duckdb_engine import DuckDBEngine

__all__ = ["DuckDBEngine"]
