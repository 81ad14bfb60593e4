"""One site with its real gate, for all tests of the console."""

from __future__ import annotations

import pytest

from gateway import app
from gateway import site as sites
from gateway.core.pipeline import Gate
from tests.console.making import NOW


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> app.Site:
    directory = tmp_path_factory.mktemp("console") / "site"
    sites.create(directory, NOW)
    return app.open_site(directory)


@pytest.fixture(scope="session")
def gate(site: app.Site) -> Gate:
    """As `serve` builds it, under the site's own keys."""
    return app.build_gate(app.load_bundle(site), site.settings, app.lasting(site))
