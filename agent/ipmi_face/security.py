# SPDX-License-Identifier: Apache-2.0
"""The security settings of the IPMI servers, from the site file."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from agent.profile.problem import SettingError
from agent.service.credentials import secret_file
from agent.store.private import read_private
from ipmi.config import ServerConfig

if TYPE_CHECKING:
    from pathlib import Path

    from agent.profile.site import Site


def server_config(site: Site) -> ServerConfig:
    """Raises SettingError that names the setting and the cure."""
    try:
        allow = tuple(ip_network(text) for text in site.network.allow)
    except ValueError as error:
        raise SettingError(f"network.allow: {error}: write prefixes such as 192.0.2.0/24 or 2001:db8::/32") from error
    try:
        kg = _kg(secret_file("ipmi.kg_file", site.ipmi.kg_file)) if site.ipmi.kg_file else None
        return ServerConfig(suites=site.ipmi.cipher_suites, kg=kg, allow=allow)
    except ValueError as error:
        raise SettingError(f"ipmi: {error}") from error


def _kg(file: Path) -> bytes:
    try:
        text = read_private(file).strip()
    except OSError as error:
        why = str(error) if isinstance(error, PermissionError) and error.errno is None else error.strerror
        raise SettingError(f"ipmi.kg_file {file}: {why}") from error
    if not text.startswith(b"0x"):
        return text
    try:
        return bytes.fromhex(text[2:].decode("ascii"))
    except ValueError as error:
        raise SettingError(f"ipmi.kg_file {file}: hex digits must follow 0x") from error
