# SPDX-License-Identifier: Apache-2.0
"""Loads profiles (by file or by the name of a shipped one) and site files."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from agent.profile.check import check
from agent.profile.check_adapters import check_adapters
from agent.profile.decode import decode, read_text
from agent.profile.problem import ConfigError, Problem
from agent.profile.schema import Profile
from agent.profile.site import Site
from agent.profile.site_adapters import with_site_adapters


def shipped_profiles() -> dict[str, Path]:
    """The profiles inside the package, by name."""
    package = find_spec("agent.firmware_profiles")
    folders = package.submodule_search_locations if package else None
    return {file.stem: file for folder in folders or () for file in Path(folder).glob("*.toml")}


def find_profile(name_or_file: str) -> Path:
    """The file of a profile: a shipped name, or a path. Raises ConfigError."""
    shipped = shipped_profiles()
    if name_or_file in shipped:
        return shipped[name_or_file]
    file = Path(name_or_file)
    if file.exists():
        return file
    known = ", ".join(sorted(shipped))
    raise ConfigError(
        file, [Problem((), f"no such profile file, and no shipped profile of that name (shipped: {known})")]
    )


def load_profile(file: Path) -> Profile:
    """A checked profile. Raises ConfigError with every problem found."""
    return parse_profile(file, read_text(file))


def parse_profile(file: Path, source: str) -> Profile:
    """A checked profile from its text; `file` is named in errors. Raises ConfigError with every problem found."""
    profile, problems = decode(file, source, Profile)
    if profile is not None:
        problems = check(profile)
    if profile is None or problems:
        raise ConfigError(file, problems, source)
    return profile


def load_site(file: Path) -> Site:
    """A checked site file. Raises ConfigError with every problem found."""
    return parse_site(file, read_text(file))


def parse_site(file: Path, source: str) -> Site:
    """A checked site file from its text; `file` is named in errors. Raises ConfigError with every problem found."""
    site, problems = decode(file, source, Site)
    if site is None or problems:
        raise ConfigError(file, problems, source)
    return site


def complete_adapters(profile: Profile, file: Path, site: Site, site_file: Path | None) -> Profile:
    """The profile with the site's part of its adapters. Raises ConfigError about the file that has the key."""
    whole = with_site_adapters(profile, site.adapters)
    problems = list(check_adapters(whole, complete=True))
    in_site = [problem for problem in problems if site_file and _is_of_site(problem, site)]
    if site_file and in_site:
        raise ConfigError(site_file, in_site, read_text(site_file))
    if problems:
        raise ConfigError(file, problems, read_text(file))
    return whole


def _is_of_site(problem: Problem, site: Site) -> bool:
    match problem.path:
        case ("adapters", str(name), *key):
            return name in site.adapters and (not key or key[0] in site.adapters[name])
        case _:
            return False
