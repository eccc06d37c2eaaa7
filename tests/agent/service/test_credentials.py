# SPDX-License-Identifier: Apache-2.0
"""Secrets that the service manager hands over, wherever the site file or a profile names a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.ipmi_face.security import server_config
from agent.mqtt.config import mqtt_config
from agent.profile.problem import SettingError
from agent.profile.site import Site, SiteIpmi, SiteMqtt
from agent.service.credentials import CredentialError, secret_file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in ("secrets_mqtt", "alone", "secrets_alone"):
        file = tmp_path / name
        file.write_text(f"{name} word\n")
        file.chmod(0o440)  # the mask of an access list shows here: the directory is what keeps others out
    return tmp_path


def test_a_path_stays_a_path() -> None:
    assert secret_file("key", "/etc/pgood/kg", {}) == Path("/etc/pgood/kg")


def test_by_its_own_name_or_from_the_folder_of_secrets(folder: Path) -> None:
    assert secret_file("key", "credential:alone") == folder / "alone"
    assert secret_file("key", "credential:mqtt") == folder / "secrets_mqtt"


@pytest.mark.parametrize("name", ["", "../users", "a/b", ".hidden", "a" * 300, "a\nb"])
def test_names_that_lead_elsewhere_are_refused(folder: Path, name: str) -> None:
    with pytest.raises(CredentialError, match="key: "):
        secret_file("key", f"credential:{name}")


def test_without_a_service_manager_the_cure_is_told() -> None:
    with pytest.raises(CredentialError, match=r"mqtt.password_file: credential:mqtt: .*systemctl start pgood"):
        secret_file("mqtt.password_file", "credential:mqtt", {})


def test_the_password_of_the_broker(folder: Path) -> None:
    config = mqtt_config(SiteMqtt(url="mqtt://pgood@broker", password_file="credential:mqtt"), "board")
    assert config is not None
    assert config.password == "secrets_mqtt word"
    with pytest.raises(ValueError, match=r"mqtt.password_file .*cannot be read: No such file"):
        mqtt_config(SiteMqtt(url="mqtt://pgood@broker", password_file="credential:none"), "board")


def test_the_key_of_the_controller(folder: Path) -> None:
    assert server_config(Site(ipmi=SiteIpmi(kg_file="credential:alone"))).kg == b"alone word"
    with pytest.raises(SettingError, match=r"ipmi.kg_file"):
        server_config(Site(ipmi=SiteIpmi(kg_file="credential:../alone")))


def test_the_mode_of_other_files_still_counts(folder: Path) -> None:
    plain = folder.parent / "plain"
    plain.write_text("word")
    plain.chmod(0o444)
    with pytest.raises(ValueError, match="can be read or changed by everybody"):
        mqtt_config(SiteMqtt(url="mqtt://pgood@broker", password_file=str(plain)), "board")
    with pytest.raises(SettingError, match="others may read it"):
        server_config(Site(ipmi=SiteIpmi(kg_file=str(plain))))
