"""Connections that refuse a private network, whatever a public name resolves to.

A base URL is checked when it is read (`settings.checked_base_url`); a name can resolve to anything later, also to
another address between two look-ups. So the address of the connection itself is looked at, before a byte is sent.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection


class PrivateAddress(Exception):
    """The name leads to an address inside a private network, or to this machine."""


def refuse_private(connection: socket.socket) -> None:
    """Close a connection and raise PrivateAddress unless its other end is a public address."""
    address = ipaddress.ip_address(connection.getpeername()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_global:
        connection.close()
        raise PrivateAddress


class _PublicHttps(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        refuse_private(connection)
        return connection


class _PublicHttp(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        refuse_private(connection)
        return connection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _PublicHttps


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PublicHttp


class PublicOnlyAdapter(HTTPAdapter):
    """Speaks to public addresses only. Where the operator's own proxy is set, the proxy decides where it goes."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """The pools of direct connections; those of proxies are made elsewhere."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _HttpsPool, "http": _HttpPool}
