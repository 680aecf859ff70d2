"""When keys are made, retired and deleted; a run that was killed at any point is made up for by the next."""

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.panosc.facility.plugins.modules import keycloak_keys

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
LIFE = timedelta(days=61)
PROVIDERS = ["rsa-generated", "hmac-generated"]


def key(name, priority=100, active=True, provider="rsa-generated", algorithm="RS256"):
    config = {"priority": [str(priority)], "algorithm": [algorithm], "active": [str(active).lower()]}
    return {"id": name, "name": name, "providerId": provider, "config": {**config, "privateKey": ["**********"]}}


@pytest.fixture
def realm():
    """Keys by name, and `go`, a run that writes the first `steps` changes of its plan."""
    keys = {k["name"]: k for k in (key("rsa-generated"), key("hmac", provider="hmac-generated", algorithm="HS512"))}

    def go(now, steps=None):
        changes, until = keycloak_keys.plan(list(keys.values()), PROVIDERS, LIFE, now)
        for change in changes[:steps]:
            body = change["body"]
            if change["action"] == "create":
                keys[body["name"]] = {"id": body["name"], **body}
            elif change["action"] == "retire":
                keys[body["name"]] = {**body, "config": {**body["config"], "active": ["false"]}}
            else:
                del keys[body["name"]]
        return [f"{change['action']} {change['name']}" for change in changes], until

    go.keys = keys
    return go


def signing(keys, provider="rsa-generated"):
    same = [k for k in keys.values() if k["providerId"] == provider and k["config"]["active"] == ["true"]]
    return max(same, key=lambda k: int(k["config"]["priority"][0]))["name"]


def test_a_new_key_signs_and_the_old_one_still_verifies(realm):
    done, until = realm(NOW)
    assert "create rsa-generated-20261126T120000Z" in done
    assert signing(realm.keys) == "rsa-generated-20261126T120000Z"
    assert realm.keys["rsa-generated"]["config"]["active"] == ["false"]
    assert until == "20270126T120000Z"
    assert "privateKey" not in realm.keys["rsa-generated-20261126T120000Z"]["config"]


def test_nothing_is_due_until_what_was_signed_is_no_longer_valid(realm):
    realm(NOW)
    assert realm(NOW + LIFE - timedelta(seconds=1))[0] == []
    done, until = realm(NOW + LIFE)
    assert sorted(done) == ["delete hmac", "delete rsa-generated"]
    assert until == ""


def test_the_next_rotation_begins_after_the_end_of_the_last(realm):
    realm(NOW)
    realm(NOW + LIFE)
    later = NOW + LIFE + timedelta(days=1)
    assert f"create rsa-generated-{later:%Y%m%dT%H%M%SZ}" in realm(later)[0]
    assert len(realm.keys) == 4


@pytest.mark.parametrize("steps", range(5))
def test_killed_anywhere_the_next_run_makes_up_for_it(realm, steps):
    realm(NOW, steps)
    realm(NOW + timedelta(minutes=1))
    assert realm(NOW + timedelta(minutes=2))[0] == []
    for provider in PROVIDERS:
        active = [k for k in realm.keys.values() if k["providerId"] == provider and k["config"]["active"] == ["true"]]
        assert len(active) == 1
        assert keycloak_keys.MADE.search(active[0]["name"])


def test_keys_that_were_not_asked_for_are_left_alone(realm):
    realm.keys["given"] = key("given", provider="rsa")
    realm(NOW)
    assert realm.keys["given"]["config"]["active"] == ["true"]


@pytest.mark.parametrize(
    ("settings", "days"),
    [
        ({"offlineSessionMaxLifespanEnabled": True, "offlineSessionMaxLifespan": 60 * 86400, "ssoSessionMaxLifespan": 36000}, 61),
        ({"offlineSessionIdleTimeout": 30 * 86400, "ssoSessionMaxLifespan": 36000}, 31),
    ],
)  # fmt: skip
def test_the_overlap_is_the_longest_life_that_the_realm_allows(settings, days):
    assert keycloak_keys.overlap(settings) == timedelta(days=days)
