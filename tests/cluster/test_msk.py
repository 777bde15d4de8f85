"""Tokens of Amazon MSK: their form, since there is no MSK here to take them."""

import base64
import sys
from urllib.parse import parse_qs, urlsplit

import pytest

from app.cluster import cannot_connect
from app.errors import SettingError
from app.settings import load_settings


async def test_aws_s_signer_gives_a_token_of_amazon_msk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that AWS's brokers check, with its signature, in base64; none was asked here."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-aws-secret")
    given = {"sasl_mechanism": "AWS_MSK_IAM", "sasl_aws_region": "eu-central-1"}
    found = load_settings(security_protocol="SASL_SSL", **given).cluster.arguments()
    assert found["sasl_mechanism"] == "OAUTHBEARER"
    token = await found["sasl_oauth_token_provider"].token()
    url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    asked = parse_qs(url.query)
    assert (url.scheme, url.hostname) == ("https", "kafka.eu-central-1.amazonaws.com")
    assert asked["Action"] == ["kafka-cluster:Connect"]
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Credential"][0].startswith("AKIDEXAMPLE/")
    assert len(asked["X-Amz-Signature"][0]) == 64
    assert "canary" not in url.query
    assert await found["sasl_oauth_token_provider"].token() == token


async def test_without_aws_credentials_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    given = {"sasl_mechanism": "AWS_MSK_IAM", "sasl_aws_region": "eu-central-1"}
    cluster = load_settings(security_protocol="SASL_SSL", **given).cluster
    with pytest.raises(SettingError, match="the AWS SDK finds no credentials"):
        await cannot_connect(cluster)


def test_without_aws_s_signer_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", None)
    given = {"sasl_mechanism": "AWS_MSK_IAM", "sasl_aws_region": "eu-central-1"}
    with pytest.raises(SettingError, match=r"pip install 'streamjoin\[msk\]'"):
        load_settings(security_protocol="SASL_SSL", **given)
