"""`gateway.toml`: one file, every key documented, read once into frozen values. What is done with them is `gateway.app`'s matter."""

from gateway.settings.loading import FILE_NAME, Settings, load, one
from gateway.settings.problems import Problem, SettingsInvalid
from gateway.settings.secret import Secret, TokenKey

__all__ = ["FILE_NAME", "Problem", "Secret", "Settings", "SettingsInvalid", "TokenKey", "load", "one"]
