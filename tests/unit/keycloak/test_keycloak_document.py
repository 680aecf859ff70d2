"""What the document may say, and how it is refused."""

import copy
import json

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import DocumentError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring, Secret
from realm_document import SECRETS


def at(document, path, value):
    """Sets a value deep inside: at(d, "clients.0.secret", "x")."""
    *way, last = path.split(".")
    place = document
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return document


STEP = "authenticationFlows.0.executions.0"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("realm", "", "does not name the realm"),
        ("clients.0.secret", "in-the-clear", r"clients\[visa\].secret: a secret stands in the clear"),
        ("clients.0.secret", "secret:nobody", "no secret is named 'nobody'"),
        ("smtpServer.password", "in-the-clear", "smtpServer.password: a secret stands"),
        ("identityProviders.0.config.clientSecret", "x", r"identityProviders\[umbrella\].config.clientSecret"),
        ("userFederation.0.config.bindCredential", "x", r"userFederation\[ldap\].config.bindCredential"),
        ("clients.0.description", "secret:visa", r"clients\[visa\].description: no secret is understood"),
        ("displayName", "secret:visa", "displayName: no secret is understood"),
        ("clients.1.clientId", "visa", "clients: clientId 'visa' stands twice"),
        ("clients.1.clientId", None, "clients: entry 2 has no clientId"),
        ("groups.0.subGroups.1.name", "beamline-users", "stands twice"),
        ("groups.0.members", ["x"], r"groups\[/umbrella\]: keys \['members'\] are not handled"),
        ("groups.0.clientRoles", ["x"], r"groups\[/umbrella\]\.clientRoles: these are no roles by client"),
        ("clients.0.serviceAccountRoles", ["x"], r"clients\[visa\]\.serviceAccountRoles: these are no roles by owner"),
        ("clients.0.serviceAccountRoles", {"visa": ["x"]}, r"Known: realm \(names\), client"),
        (
            "clients.0.serviceAccountRoles",
            {"client": ["x"]},
            r"serviceAccountRoles\.client: these are no roles by client",
        ),
        ("clients.1.serviceAccountsEnabled", False, r"clients\[scicat\]\.serviceAccountRoles: this needs serviceAcc"),
        ("clients.1.authorizationServicesEnabled", False, r"authorizationSettings: this needs authorizationServices"),
        ("clients.1.authorizationSettings", ["x"], r"clients\[scicat\]\.authorizationSettings: these are no settings"),
        (
            "clients.1.authorizationSettings.policies.0.name",
            "",
            r"authorizationSettings\.policies: entry 1 has no name",
        ),
        ("components", {}, "Use userFederation"),
        ("keys", {}, "Use keyProviders"),
        ("identityProviders.0.config.hideOnLoginPage", True, "Use hideOnLogin of the provider itself"),
        ("organizations", [{"name": "no alias"}], "organizations: entry 1 has no alias"),
        ("clientPolicies", {"policies": [{"name": "a"}, {"name": "a"}]}, "clientPolicies: name 'a' stands twice"),
        ("clientProfiles", {"globalProfiles": []}, r"keys \['globalProfiles'\] are not handled. Known: profiles"),
        (
            "keyProviders.1.config.privateKey",
            "in-the-clear",
            r"keyProviders\[signing 2025\].config.privateKey: a secret",
        ),
        (
            "organizations.0.description",
            "secret:visa",
            r"organizations\[partner\].description: no secret is understood",
        ),
        ("roles.other", [], "unknown keys"),
        ("identityProviders.0.config.issuer", "", "the issuer is empty: Keycloak would accept"),
        ("identityProviders.0.config.issuer", None, "the issuer is empty"),
        (f"{STEP}.requirement", "SOMETIMES", r"executions\[1\]: requirement is 'SOMETIMES'. One of REQUIRED"),
        (f"{STEP}.requirement", "CONDITIONAL", "only a flow can be CONDITIONAL"),
        ("clients.0.publicClient", True, r"clients\[visa\].secret: a public client has no secret"),
        (f"{STEP}.authenticator", "", "neither authenticator nor flow"),
        (f"{STEP}.authenticatorConfig", "x", "unknown keys"),
        (f"{STEP}.config.alias", "a:b", "reserved character"),
        ("authenticationFlows.1.alias", "facility create or link", "stands 2 times"),
        (
            "authenticationFlows.1.executions.0.flow.executions.0.config.alias",
            "facility gate compute conditional-user-role",
            "stands 2 times",
        ),
        (
            "adminPermissionsEnabled",
            False,
            "adminPermissions: the realm does not use them. Give the realm adminPermiss",
        ),
        ("adminPermissions", ["x"], "Known: policies"),
        ("adminPermissions", {"scopes": []}, "Known: policies"),
        ("adminPermissions.policies.0.name", "", "adminPermissions.policies: entry 1 has no name"),
        ("adminPermissions.policies.0.name", "see people", "'see people' is a policy and a permission"),
        (
            "adminPermissions.policies.0.type",
            "regex",
            r"policies\[reviewers\]: the type 'regex' is not handled. One of agg",
        ),
        ("adminPermissions.policies.0.groups", [], r"policies\[reviewers\]: a policy of type group needs groups"),
        (
            "adminPermissions.policies.0.groups",
            [{"id": "x"}],
            "an entry of groups is no path. Give a path, or path and",
        ),
        ("adminPermissions.policies.0.roles", ["x"], r"policies\[reviewers\]: keys \['roles'\] are not handled"),
        ("adminPermissions.policies.3", {"name": "t", "type": "time"}, "a policy of type time needs a time"),
        (
            "adminPermissions.permissions.0.resourceType",
            "User",
            r"permissions\[see people\]: the resourceType is 'User'",
        ),
        (
            "adminPermissions.permissions.0.scopes",
            ["map-role"],
            r"unknown scopes \['map-role'\]. Users have impersonate",
        ),
        ("adminPermissions.permissions.0.scopes", [], r"permissions\[see people\]: it has no scopes"),
        ("adminPermissions.permissions.0.policies", [], r"permissions\[see people\]: it has no policies"),
        (
            "adminPermissions.permissions.0.decisionStrategy",
            "AFFIRMATIVE",
            r"keys \['decisionStrategy'\] are not handled",
        ),
        ("adminPermissionsClient", {}, "Keycloak makes it with adminPermissionsEnabled"),
        ("scopeMappings.0", {"roles": ["x"]}, "names neither client nor clientScope"),
    ],
)
def test_refused_with_place_and_mend(wanted_document, path, value, said):
    with pytest.raises(DocumentError, match=said) as caught:
        Wanted(at(wanted_document, path, value), Keyring(SECRETS, "k"))
    assert "in-the-clear" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "**********", "*", None, 5])
def test_masks_and_nothing_are_no_secrets(wanted_document, value):
    with pytest.raises(DocumentError, match="'visa' is empty, not text, or a mask"):
        Wanted(wanted_document, Keyring({**SECRETS, "visa": value}, "k"))


def test_document_is_left_as_it_was(wanted_document):
    before = copy.deepcopy(wanted_document)
    Wanted(wanted_document, Keyring(SECRETS, "k"))
    assert wanted_document == before


def test_no_object_holds_a_secret(wanted_document):
    wanted = Wanted(wanted_document, Keyring(SECRETS, "k"))
    parts = {key: value for key, value in vars(wanted).items() if not key.endswith(("secret", "secrets"))}
    assert "canary" not in repr(parts)
    assert "canary" not in repr(vars(wanted)), "a Secret shows itself"


def test_a_secret_shows_its_name_only():
    secret = Secret("visa", "canary", "k")
    assert f"{secret} {secret!r} {[secret]}" == "<secret visa> <secret visa> [<secret visa>]"
    with pytest.raises(TypeError):
        json.dumps(secret)


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (("v", "k", "here"), ("v", "k", "here"), True),
        (("v", "k", "here"), ("w", "k", "here"), False),
        (("v", "k", "here"), ("v", "other", "here"), False),
        (("v", "k", "here"), ("v", "k", "there"), False),
    ],
)
def test_fingerprint_depends_on_value_key_and_place(first, second, equal):
    one, two = (Secret("n", value, key).fingerprint(place) for value, key, place in (first, second))
    assert (one == two) is equal
    assert one.startswith("v1:")
    assert len(one) == 67


@pytest.mark.parametrize(
    ("fingerprint", "shown", "stored"),
    [
        ("right", "**********", True),
        ("wrong", "**********", False),
        (None, "**********", False),
        ("right", None, False),
    ],
)
def test_masked_secret_is_known_by_fingerprint_and_presence(fingerprint, shown, stored):
    secret = Secret("n", "v", "k")
    held = secret.fingerprint("here") if fingerprint == "right" else fingerprint
    assert secret.stored("here", held, shown) is stored
