# SPDX-License-Identifier: Apache-2.0
"""Secrets that the service manager hands over: systemd's LoadCredential=, read by root, seen by this service only."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "credential:"
FOLDER = "CREDENTIALS_DIRECTORY"
SECRETS = "secrets"
"""What the unit calls /etc/pgood/secrets: a file there becomes the credential `secrets_FILE`."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class CredentialError(ValueError):
    """A credential cannot be had; one sentence with the cure."""


def secret_file(key: str, text: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The file that the setting `key` names: a path, or `credential:NAME`. Raises CredentialError."""
    if not text.startswith(PREFIX):
        return Path(text)
    name, folder = text.removeprefix(PREFIX), environment.get(FOLDER)
    if not NAME.fullmatch(name):
        raise CredentialError(f"{key}: {text!r}: write {PREFIX}NAME, with the name of a file in /etc/pgood/secrets")
    if not folder:
        raise CredentialError(
            f"{key}: {text}: credentials are handed over by the service manager, which did not start this agent:"
            " use systemctl start pgood, or name the file itself"
        )
    alone = Path(folder) / name
    return alone if os.path.exists(alone) else alone.with_name(f"{SECRETS}_{name}")


def is_credential(file: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the service manager guards this file: its mode then says nothing."""
    folder = environment.get(FOLDER)
    return bool(folder) and file.parent == Path(str(folder))
