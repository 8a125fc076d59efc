"""Microsoft Advertising: customer lists."""

from connectors.microsoft.connector import MicrosoftConnector, MicrosoftOptions

__all__ = ["MicrosoftConnector", "MicrosoftOptions"]
