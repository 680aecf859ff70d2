"""What drifts on the server shows in the plan, object by object and field by field, and is mended in order."""

import random

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import (
    DocumentError,
    IssuerError,
    PartialError,
)
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.kinds import KINDS
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.kinds.client_scopes import Mappers
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.plan import Change, Outline, change, counts
from fake_keycloak import Answer, FakeKeycloak


def role(fake, name):
    return next(item for item in fake.roles.values() if item["name"] == name)


def group(fake, path):
    return next(item for item in fake.groups.values() if item["path"] == path)


def ldap(fake, name="ldap"):
    return next(item for item in fake.components.values() if item["name"] == name)


def settings(fake):
    return fake.authorization[fake._client("scicat")["id"]]


def organization(fake):
    return next(iter(fake.organizations.values()))


DRIFT = {
    "realm": (lambda f: f.realm.update(displayName="x"), "realm", "demo", ["displayName"]),
    "attribute": (lambda f: f.realm["attributes"].pop("facility.ror"), "realm", "demo", ["attributes.facility.ror"]),
    "smtp": (lambda f: f.realm["smtpServer"].update(host="x"), "realm", "demo", ["smtpServer.host"]),
    "profile": (
        lambda f: f.profile["attributes"][0]["permissions"].update(edit=["user"]),
        "user profile",
        "demo",
        ["attributes[username].permissions.edit"],
    ),
    "role": (lambda f: role(f, "open-data").update(description=None), "role", "open-data", ["description"]),
    "role attribute": (
        lambda f: role(f, "compute-approved")["attributes"].update(source=["x"]),
        "role",
        "compute-approved",
        ["attributes.source"],
    ),
    "client role": (
        lambda f: role(f, "operator").update(description="x"),
        "client role",
        "visa/operator",
        ["description"],
    ),
    "composite": (lambda f: f.members[role(f, "staff")["id"]].clear(), "composite role", "staff", ["composites"]),
    "scope": (lambda f: f.scopes["groups"].update(description="x"), "client scope", "groups", ["description"]),
    "scope mapper": (
        lambda f: f.scopes["groups"]["protocolMappers"][0]["config"].update({"full.path": "false"}),
        "client scope",
        "groups",
        ["protocolMappers[groups].config.full.path"],
    ),
    "scope mapper gone": (
        lambda f: f.scopes["panosc"]["protocolMappers"].pop(0),
        "client scope",
        "panosc",
        ["protocolMappers[voperson_id]"],
    ),
    "default scopes": (
        lambda f: f.default["default"].remove("panosc"),
        "default client scopes",
        "demo",
        ["defaultDefaultClientScopes"],
    ),
    "client": (
        lambda f: f._client("visa").update(redirectUris=["https://evil.test/*"]),
        "client",
        "visa",
        ["redirectUris"],
    ),
    "client mapper": (
        lambda f: f._client("visa")["protocolMappers"][0]["config"].update({"claim.name": "x"}),
        "client",
        "visa",
        ["protocolMappers[facility_user_id].config.claim.name"],
    ),
    "client scopes": (
        lambda f: f._client("visa")["defaultClientScopes"].append("phone"),
        "client",
        "visa",
        ["defaultClientScopes"],
    ),
    "scope mapping": (
        lambda f: f.mappings[f._client("jupyterhub")["id"]].clear(),
        "scope mapping",
        "client/jupyterhub/account",
        ["roles"],
    ),
    "group": (
        lambda f: group(f, "/facility/staff").update(attributes={}),
        "group",
        "/facility/staff",
        ["attributes.mail"],
    ),
    "group role gone": (
        lambda f: group(f, "/facility")["realmRoles"].remove("staff"),
        "group roles",
        "/facility",
        ["realmRoles"],
    ),
    "group role too many": (
        lambda f: group(f, "/facility")["realmRoles"].append("compute-approved"),
        "group roles",
        "/facility",
        ["realmRoles"],
    ),
    "client role of a group": (
        lambda f: group(f, "/facility")["clientRoles"].update(visa=["admin"]),
        "group roles",
        "/facility",
        ["clientRoles.visa"],
    ),
    "service account": (
        lambda f: f.accounts[f._client("scicat")["id"]].clear(),
        "service account roles",
        "scicat",
        ["roles"],
    ),
    "service account with more": (
        lambda f: f.accounts[f._client("scicat")["id"]].add(role(f, "admin")["id"]),
        "service account roles",
        "scicat",
        ["roles"],
    ),
    "authorization": (
        lambda f: settings(f).update(policyEnforcementMode="DISABLED"),
        "authorization",
        "scicat",
        ["policyEnforcementMode"],
    ),
    "authorization scope": (
        lambda f: settings(f)["scopes"]["read"].pop("displayName"),
        "authorization",
        "scicat",
        ["scopes[read].displayName"],
    ),
    "authorization resource": (
        lambda f: settings(f)["resources"]["proposals"].update(uris=["/*"]),
        "authorization",
        "scicat",
        ["resources[proposals].uris"],
    ),
    "authorization policy": (
        lambda f: settings(f)["policies"]["facility staff"]["config"].update(groups="[]"),
        "authorization",
        "scicat",
        ["policies[facility staff].config.groups"],
    ),
    "flow": (
        lambda f: f._flow("facility forms")["steps"][0].update(requirement="DISABLED"),
        "authentication flow",
        "facility browser",
        ["executions"],
    ),
    "flow config": (
        lambda f: next(iter(f.configs.values()))["config"].update({"update.profile.on.first.login": "off"}),
        "authentication flow",
        "facility first broker login",
        ["executions"],
    ),
    "identity provider": (
        lambda f: f.idps["umbrella"].update(trustEmail=True),
        "identity provider",
        "umbrella",
        ["trustEmail"],
    ),
    "identity provider mapper": (
        lambda f: next(m for m in f.idps["umbrella"]["mappers"].values() if m["name"] == "username")["config"].update(
            syncMode="FORCE"
        ),
        "identity provider mapper",
        "umbrella/username",
        ["config.syncMode"],
    ),
    "federation": (
        lambda f: ldap(f)["config"].update(editMode=["WRITABLE"]),
        "user federation",
        "ldap",
        ["config.editMode"],
    ),
    "federation mapper": (
        lambda f: ldap(f, "first name")["config"].update({"ldap.attribute": ["cn"]}),
        "user federation mapper",
        "ldap/first name",
        ["config.ldap.attribute"],
    ),
    "binding": (
        lambda f: f.realm.update(firstBrokerLoginFlow="browser"),
        "flow binding",
        "realm",
        ["firstBrokerLoginFlow"],
    ),
    "override": (
        lambda f: f._client("visa").update(authenticationFlowBindingOverrides={}),
        "flow binding",
        "client/visa",
        ["browser"],
    ),
    "required action": (
        lambda f: f.actions["UPDATE_PASSWORD"].update(enabled=True),
        "required action",
        "UPDATE_PASSWORD",
        ["enabled"],
    ),
    "required action config": (
        lambda f: f.actions["idp_link"].update(config={}),
        "required action",
        "idp_link",
        ["config.max_auth_age"],
    ),
    "key provider": (
        lambda f: ldap(f, "signing 2026")["config"].update(priority=["100"]),
        "key provider",
        "signing 2026",
        ["config.priority"],
    ),
    "private key": (
        lambda f: ldap(f, "signing 2025")["config"].pop("privateKey"),
        "key provider",
        "signing 2025",
        ["config.privateKey"],
    ),
    "default groups": (
        lambda f: f.default_groups.add(group(f, "/facility")["id"]),
        "default groups",
        "demo",
        ["defaultGroups"],
    ),
    "organization": (
        lambda f: organization(f).update(attributes={}),
        "organization",
        "partner",
        ["attributes.ror"],
    ),
    "organization domain": (
        lambda f: organization(f)["domains"].append({"name": "evil.test", "verified": True}),
        "organization",
        "partner",
        ["domains"],
    ),
    "organization identity provider": (
        lambda f: f.idps["umbrella"].pop("organizationId"),
        "organization identity providers",
        "partner",
        ["identityProviders"],
    ),
    "admin permissions": (
        lambda f: f.realm.update(adminPermissionsEnabled=False),
        "admin permissions",
        "demo",
        ["adminPermissionsEnabled"],
    ),
    "admin policy": (
        lambda f: f._policy("reviewers").update(groups=[]),
        "admin policy",
        "reviewers",
        ["groups"],
    ),
    "admin policy by role": (
        lambda f: f._policy("operators")["roles"][0].update(
            required=not f._policy("operators")["roles"][0]["required"]
        ),
        "admin policy",
        "operators",
        ["roles"],
    ),
    "admin policy by time": (lambda f: f._policy("by day").update(hour="0"), "admin policy", "by day", ["hour"]),
    "admin policy of policies": (
        lambda f: f._policy("anybody by day")["policies"].pop(),
        "admin policy",
        "anybody by day",
        ["policies"],
    ),
    "admin permission": (
        lambda f: f._policy("see people")["scopes"].append("manage"),
        "admin permission",
        "see people",
        ["scopes"],
    ),
    "admin permission for all": (
        lambda f: f._policy("look after visa").update(resources=[]),
        "admin permission",
        "look after visa",
        ["resources"],
    ),
    "admin permission of others": (
        lambda f: f._policy("see people").update(policies=[f._policy("by day")["id"]]),
        "admin permission",
        "see people",
        ["policies"],
    ),
    "client profile": (
        lambda f: f.policies["profiles"][0]["executors"].clear(),
        "client profile",
        "facility web",
        ["executors"],
    ),
    "client policy": (
        lambda f: f.policies["policies"][0].update(enabled=False),
        "client policy",
        "facility web",
        ["enabled"],
    ),
    "localization": (lambda f: f.texts["de"].clear(), "localization", "de", ["need-compute"]),
}


@pytest.mark.parametrize(("drift", "kind", "name", "fields"), DRIFT.values(), ids=DRIFT)
def test_drift_is_one_change_and_is_mended(run, wanted_document, drift, kind, name, fields):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    drift(fake)
    changes, _ = run(fake, wanted_document)
    assert [(one.kind, one.name, one.action, list(one.fields)) for one in changes] == [(kind, name, "update", fields)]
    assert {line.split(":")[0] for line in changes[0].diff()["after"].splitlines()} == set(fields)
    assert run(fake, wanted_document)[0] == []


@pytest.mark.parametrize("seed", range(12))
def test_any_mixture_of_drift_is_seen_whole_and_mended_in_one_run(run, wanted_document, seed):
    chosen = random.Random(seed).sample(sorted(DRIFT), 10)  # noqa: S311  a seed that can be repeated
    fake = FakeKeycloak(seed=seed)
    run(fake, wanted_document)
    for case in chosen:
        DRIFT[case][0](fake)
    changes, _ = run(fake, wanted_document)
    assert {(one.kind, one.name) for one in changes} == {DRIFT[case][1:3] for case in chosen}
    assert run(fake, wanted_document)[0] == []


def test_every_kind_has_a_case_of_drift():
    written = {kind.name for kind in KINDS if not isinstance(kind, Mappers)}  # their owners write those
    assert {case[1] for case in DRIFT.values()} == written


def test_permissions_are_about_people_and_groups_that_the_document_does_not_declare(run):
    fake = FakeKeycloak()
    fake.users["u"] = {"id": "u", "username": "anna"}
    fake._new_group({"name": "by hand"}, "")
    fake._new_group({"name": "a b"}, group(fake, "/by hand")["id"])
    held = {"path": "/by hand/a b", "extendChildren": True}
    wanted = {
        "realm": "demo",
        "adminPermissionsEnabled": True,
        "adminPermissions": {
            "policies": [
                {"name": "anna", "type": "user", "users": ["anna"]},
                {"name": "last", "type": "group", "description": "d", "groups": [held]},
                {"name": "both", "type": "aggregate", "policies": ["last", "inner"]},
                {"name": "inner", "type": "aggregate", "policies": ["anna", "last"]},
            ],
            "permissions": [
                {"name": "p", "resourceType": "Users", "resources": ["anna"], "scopes": ["view"], "policies": ["both"]}
            ],
        },
    }
    changes, _ = run(fake, wanted)
    assert [one.name for one in changes if one.kind == "admin policy"] == ["anna", "last", "inner", "both"]
    assert fake._policy("anna")["users"] == fake._policy("p")["resources"] == ["u"]
    assert fake._policy("last")["groups"] == [{"id": group(fake, "/by hand/a b")["id"], "extendChildren": True}]
    assert run(fake, wanted)[0] == []
    held["extendChildren"] = False
    wanted["adminPermissions"]["policies"][1].pop("description")
    changes, _ = run(fake, wanted)
    assert [one.line() for one in changes] == ["update admin policy last: groups"]
    assert fake._policy("last")["description"] == "d", "a PUT resets what it leaves out"
    wanted["adminPermissions"]["permissions"][0].pop("resources")
    assert run(fake, wanted)[0] == [], "which ones is not said any more"


def test_a_policy_of_another_type_is_refused(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    policies = wanted_document["adminPermissions"]["policies"]
    policies[0] = {"name": "reviewers", "type": "client", "clients": ["visa"]}
    with pytest.raises(DocumentError, match=r"policies\[reviewers\]: it is of type group, and a policy cannot change"):
        run(fake, wanted_document)


def test_order_of_writing_is_by_dependency(run, wanted_document):
    changes, _ = run(FakeKeycloak(), wanted_document)
    kinds = list(dict.fromkeys(item.kind for item in changes))
    assert kinds == [kind.name for kind in KINDS if kind.name in kinds]
    groups = [item.name for item in changes if item.kind == "group"]
    assert groups == sorted(groups, key=lambda path: (path.count("/"), path))


def test_sections_that_are_absent_are_neither_read_nor_touched(run):
    fake = FakeKeycloak(roles=("manage-realm",))
    changes, client = run(fake, {"realm": "demo", "displayName": "x"})
    assert [item.kind for item in changes] == ["realm"]
    assert fake.log == [("POST", "/partial-export"), ("PUT", "")]
    assert client.requests == 3


def test_a_scope_leaves_the_other_list_first(run):
    """Keycloak refuses a scope that stands in the other list, also when the document names one list only."""
    fake = FakeKeycloak()
    wanted = {"realm": "demo", "defaultDefaultClientScopes": ["profile", "phone"]}
    run(fake, wanted)
    assert fake.default == {"default": {"profile", "phone"}, "optional": {"address"}}
    assert run(fake, wanted)[0] == []


def test_more_clients_than_a_page_are_all_seen(run):
    fake = FakeKeycloak()
    wanted = {"realm": "demo", "clients": [{"clientId": f"c{number}", "enabled": True} for number in range(230)]}
    run(fake, wanted)
    changes, client = run(fake, wanted)
    assert changes == []
    assert client.requests == 7, "token, export, five pages of 50"


def test_built_in_flow_is_refused(run):
    flow = {"alias": "browser", "executions": [{"authenticator": "auth-cookie", "requirement": "REQUIRED"}]}
    with pytest.raises(DocumentError, match=r"'browser' comes with Keycloak.*alias of its own"):
        run(FakeKeycloak(), {"realm": "demo", "authenticationFlows": [flow]})


def test_unknown_required_action_is_refused_with_the_known_ones(run):
    with pytest.raises(DocumentError, match=r"'AUP'.*TERMS_AND_CONDITIONS, UPDATE_PASSWORD"):
        run(FakeKeycloak(), {"realm": "demo", "requiredActions": [{"alias": "AUP", "enabled": True}]})


@pytest.mark.parametrize("check_mode", [True, False])
def test_wrong_issuer_stops_before_the_first_write(run, wanted_document, check_mode):
    fake = FakeKeycloak()
    wanted_document["identityProviders"][0]["config"]["issuer"] = "https://op.test/"
    with pytest.raises(IssuerError, match=r"'https://op\.test/', but the provider calls itself 'https://op\.test'"):
        run(fake, wanted_document, check_mode=check_mode)
    assert {path for method, path in fake.log if method != "GET"} == {
        "/partial-export",
        "/identity-provider/import-config",
    }


@pytest.mark.parametrize(
    ("change_it", "asked"),
    [
        (lambda idp: idp.update(displayName="x"), 0),
        (lambda idp: idp["config"].update(guiOrder=7), 0),
        (lambda idp: idp["config"].update(tokenUrl="https://op.test/new"), 1),
        (lambda idp: idp["config"].update(jwksUrl="https://op.test/new"), 1),
        (lambda idp: idp["config"].update(tokenUrl="https://op.test/new") or idp.update(enabled=False), 0),
    ],
)
def test_discovery_is_asked_for_changed_endpoints_only(run, wanted_document, change_it, asked):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    fake.log.clear()
    change_it(wanted_document["identityProviders"][0])
    run(fake, wanted_document)
    assert [path for _, path in fake.log].count("/identity-provider/import-config") == asked


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("defaultDefaultClientScopes", ["nope"], r"no client scope 'nope' \(defaultDefaultClientScopes\)"),
        (
            "clients.0.optionalClientScopes",
            ["nope"],
            r"no client scope 'nope' \(clients\[visa\].optionalClientScopes\)",
        ),
        ("clients.0.authenticationFlowBindingOverrides", {"browser": "nope"}, r"no flow 'nope' \(clients\[visa\]"),
        ("firstBrokerLoginFlow", "nope", r"no flow 'nope' \(firstBrokerLoginFlow\)"),
        ("identityProviders.0.postBrokerLoginFlowAlias", "nope", r"no flow 'nope' \(identityProviders\[umbrella\]"),
        (
            "roles.realm.2.composites",
            {"client": {"visa": ["nope"]}},
            r"no role 'visa/nope' \(composites of role staff\)",
        ),
        ("groups", [{"name": "g", "realmRoles": ["nope"]}], r"no role 'nope' \(groups\[/g\]\)"),
        ("groups", [{"name": "g", "clientRoles": {"visa": ["no"]}}], r"no role 'visa/no' \(groups\[/g\]\)"),
        ("groups", [{"name": "g", "clientRoles": {"no": []}}], r"no client 'no' \(groups\[/g\]\.clientRoles\)"),
        ("clients.1.serviceAccountRoles", {"realm": ["no"]}, r"no role 'no' \(clients\[scicat\]\.serviceAcc"),
        ("clients.1.serviceAccountRoles", {"client": {"no": ["x"]}}, r"no client 'no' \(clients\[scicat\]\.serv"),
        (
            "clients.1.authorizationSettings.policies.1.config.scopes",
            ["no"],
            r"'scicat/scopes/no' \(clients\[scicat\]\.authorizationSettings\.policies\[staff write proposals\]",
        ),
        ("adminPermissions.policies.0.groups", ["no"], r"no group 'no' \(adminPermissions\.policies\[reviewers\]\)"),
        ("adminPermissions.policies.0.groups", ["/no"], r"no group '/no' \(adminPermissions\.policies\[reviewers\]\)"),
        (
            "adminPermissions.policies.1.roles",
            ["visa/no"],
            r"no role 'visa/no' \(adminPermissions\.policies\[operators\]",
        ),
        ("adminPermissions.policies.1.roles", ["no"], r"no role 'no' \(adminPermissions\.policies\[operators\]"),
        ("adminPermissions.policies.2.clients", ["no"], r"no client 'no' \(adminPermissions\.policies\[portal\]\)"),
        ("adminPermissions.policies.4.policies", ["no"], r"no admin policy 'no' \(adminPermissions\.policies\[anybody"),
        (
            "adminPermissions.permissions.0.policies",
            ["no"],
            r"no admin policy 'no' \(adminPermissions\.permissions\[see",
        ),
        (
            "adminPermissions.permissions.0.resources",
            ["no"],
            r"no user 'no' \(adminPermissions\.permissions\[see people",
        ),
        ("adminPermissions.permissions.1.resources", ["/no"], r"no group '/no' \(adminPermissions\.permissions\[look"),
        ("roles.client", {"nope": []}, None),
        ("roles.client", {"nope": [{"name": "x"}]}, r"no client 'nope' \(roles.client\)"),
        (
            "scopeMappings",
            [{"clientScope": "nope", "roles": ["open-data"]}],
            r"no client scope 'nope' \(scopeMappings\)",
        ),
        ("clientScopeMappings", {"account": [{"client": "visa", "roles": ["no"]}]}, r"no role 'account/no'"),
    ],
)
def test_names_that_lead_nowhere_are_refused_before_the_first_write(run, wanted_document, path, value, said):
    *way, last = path.split(".")
    place = wanted_document
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[last] = value
    if said is None:
        wanted_document["roles"]["realm"][2].pop("composites")
        wanted_document["groups"][1].pop("clientRoles")
        wanted_document["clients"][1].pop("serviceAccountRoles")
        wanted_document.pop("adminPermissions")
        run(FakeKeycloak(), wanted_document)
        return
    fake = FakeKeycloak()
    with pytest.raises(DocumentError, match=said):
        run(fake, wanted_document)
    assert [path for method, path in fake.log if method != "GET"] == ["/partial-export"]


def test_failure_in_the_middle_names_what_was_written(run, wanted_document):
    class Fussy(FakeKeycloak):
        def request(self, method, url, timeout, data=None, headers=None):
            if method == "POST" and data and '"clientId": "scicat"' in data:
                return Answer(400, {"errorMessage": "A redirect URI is not a valid URI"})
            return super().request(method, url, timeout, data, headers)

    with pytest.raises(
        PartialError, match=r"client scicat: POST .*not a valid URI. Written before it: realm demo"
    ) as caught:
        run(Fussy(), wanted_document)
    done = {(one.kind, one.name) for one in caught.value.applied}
    assert ("client", "visa") in done, "a neighbour did not get its chance"
    assert not any(kind == "identity provider" for kind, _ in done), "went on after a failure"


def test_diff_is_text_with_one_line_for_each_step_of_a_flow():
    found = {
        "executions": (Outline(["A a", "  R b"]), Outline(["A a"])),
        "uris": (["b", "a"], ["a"]),
        "gone": (None, True),
    }
    (one,) = change("flow", ("x", "y"), found)
    assert one.name == "x/y"
    assert one.diff() == {
        "before_header": "flow x/y",
        "after_header": "flow x/y",
        "before": "executions: A a\nexecutions:   R b\ngone: \nuris: a, b\n",
        "after": "executions: A a\ngone: true\nuris: a\n",
    }


@pytest.mark.parametrize(
    ("fields", "name", "touched"),
    [
        (("config.issuer",), "config", True),
        (("config.issuer",), "config.issuer", True),
        (("config.issuerX",), "config.issuer", False),
        (("protocolMappers[a].x",), "protocolMappers", True),
        (("configuration",), "config", False),
    ],
)
def test_touches(fields, name, touched):
    assert Change("k", "n", "update", fields).touches(name) is touched


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (Change("client", "a", "create", ("x",)), "create client a"),
        (Change("client", "a", "update", ("x", "y")), "update client a: x, y"),
        (Change("group", "/a", "remove", kept="prune is off"), "remove group /a (kept: prune is off)"),
    ],
)
def test_line_for_people(one, line):
    assert one.line() == line


def test_counts():
    changes = [*change("k", "a", {}, exists=False), *change("k", "b", {"x": (1, 2)}), *change("k", "c", {})]
    assert counts(changes) == {"create": 1, "update": 1}
