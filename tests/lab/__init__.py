"""The fault laboratory: real pushes through real connectors against the sandbox, under every fault that it knows."""
