"""Faust's own settings: what of the environment may reach them, which is nothing."""

import pytest
from faust.types.settings import Settings

from app.engine.faust_app import StreamApp, faust_options
from app.settings import load_settings

NAMES = sorted({param.env_name for param in Settings.SETTINGS.values() if param.env_name})
HOSTILE = {
    "WEB_BIND": "0.0.0.0",
    "WEB_PORT": "81",
    "BROKER_URL": "kafka://elsewhere:1",
    "APP_VALUE_SERIALIZER": "pickle",
    "APP_WEB_TABLES_ENABLED": "true",
    "APP_WEB_STATS_ENABLED": "true",
    "NODE_CANONICAL_URL": "http://elsewhere:1",
}


def test_no_variable_of_fausts_own_changes_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(HOSTILE) <= set(NAMES)
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(broker="here:1")
    conf = StreamApp(settings, ("clicks",), "log").conf
    assert [str(url) for url in conf.broker] == ["kafka:"]
    assert (conf.web_bind, conf.web_port) == ("127.0.0.1", 6066)
    assert str(conf.canonical_url) == settings.url
    assert (conf.key_serializer, conf.value_serializer) == ("raw", "json")
    assert not conf.web_tables_enabled
    assert not conf.web_stats_enabled


def test_faust_by_itself_would_heed_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would show nothing."""
    monkeypatch.setenv("WEB_BIND", "0.0.0.0")
    options = {**faust_options(load_settings()), "env": None}
    assert Settings("app", **options).web_bind == "0.0.0.0"
