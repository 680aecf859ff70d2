"""The inventories that people copy: they pass the gate and give the realm that their comments promise."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# What DNS tells the control node of a real site; the names of these inventories exist nowhere.
DNS = {"minimal": {"facility_address": "192.0.2.10"}, "example": {}}


@pytest.mark.parametrize("name", DNS)
def test_inventory_passes_the_gate(play, vault, name):
    code, found, output = play(ROOT / "playbooks/validate.yml", ROOT / "inventories" / name, {**vault, **DNS[name]})
    assert code == 0, output[-3000:]
    checked = {task for results in found.values() for task in results}
    for role in (
        "facility",
        "tls",
        "postgresql",
        "keycloak",
        "realm",
        "haproxy",
        *(["catalogue"] if name == "example" else []),
    ):
        assert any(task.startswith(f"panosc.facility.{role} : ") for task in checked), f"{role} was not checked"
    assert "canary-" not in output


@pytest.fixture(scope="module")
def realm(play, vault, tmp_path_factory):
    """The realm of an inventory: {document, secrets (names), issuer, text}."""
    done = {}

    def render(name):
        if name not in done:
            file = tmp_path_factory.mktemp("realm") / "realm.json"
            variables = {**vault, **DNS[name], "written_to": str(file)}
            code, _, output = play(ROOT / "tests/render/document.yml", ROOT / "inventories" / name, variables)
            assert code == 0, output[-3000:]
            done[name] = {**json.loads(file.read_text()), "text": file.read_text(), "output": output}
        return done[name]

    return render


def named(items, name, key="name"):
    return next(item for item in items if item[key] == name)


def client(realm, name):
    return named(realm["document"]["clients"], name, "clientId")


@pytest.mark.parametrize("name", DNS)
def test_no_secret_in_the_document_or_on_the_screen(realm, name):
    assert "canary-" not in realm(name)["text"]
    assert "canary-" not in realm(name)["output"]
    references = set(json.dumps(realm(name)["document"]).split('"secret:')[1:])
    assert {text.split('"')[0] for text in references} == set(realm(name)["secrets"])


def test_every_secret_of_the_example_is_apart(realm):
    assert set(realm("example")["secrets"]) == {
        "clients/elog",
        "clients/invenio",
        "clients/jupyterhub",
        "clients/keystone",
        "clients/proposals",
        "clients/scicat",
        "identityProviders/egi-checkin",
        "identityProviders/orcid",
        "identityProviders/umbrella",
        "identityProviders/uni",
        "smtp",
        "userFederation/ldap",
    }


@pytest.mark.parametrize(
    ("name", "uris"),
    [
        ("visa", ["https://visa.facility.example/home"]),
        ("scicat", ["https://scicat.facility.example/api/v3/auth/oidc/callback"]),
        ("jupyterhub", ["https://jupyter.facility.example/hub/oauth_callback"]),
        ("elog", ["https://elog.facility.example/oidc/callback"]),
        ("proposals", ["https://proposals.facility.example/login/callback"]),
        ("icat", []),
        ("invenio", ["https://repository.facility.example/oauth/authorized/keycloak/"]),
        ("keystone", ["https://cloud.facility.example:5000/v3/redirect_uri"]),
    ],
)
def test_redirect_uris_follow_from_the_url(realm, name, uris):
    assert client(realm("example"), name)["redirectUris"] == uris


@pytest.mark.parametrize("name", DNS)
def test_no_client_of_ours_is_open(realm, name):
    for item in realm(name)["document"]["clients"]:
        assert not item.get("implicitFlowEnabled")
        assert not item.get("directAccessGrantsEnabled")
        assert item.get("fullScopeAllowed") is not True
        if item.get("redirectUris"):
            assert item["fullScopeAllowed"] is False
            wants_pkce = item["attributes"].get("pkce.code.challenge.method") == "S256"
            assert wants_pkce != (item["clientId"] in {"scicat", "invenio"})  # these cannot


def test_claims_stand_where_each_service_reads_them(realm):
    example = realm("example")
    scopes = {scope["name"]: scope for scope in example["document"]["clientScopes"]}

    def places(scope):
        kinds = ("id.token.claim", "userinfo.token.claim", "access.token.claim")
        return {
            tuple(kind.split(".")[0] for kind in kinds if mapper["config"].get(kind) == "true")
            for mapper in scopes[scope]["protocolMappers"]
        }

    assert places("panosc") == places("groups") == places("entitlements") == {("id", "userinfo")}
    assert places("access") == {("id", "userinfo", "access")}
    assert places("aud-icat") == {("access",)}  # authn.oidc reads nothing else
    for item in example["document"]["clients"]:
        if "defaultClientScopes" in item:
            assert {"basic", "access"} <= set(item["defaultClientScopes"]), item["clientId"]
    assert {"panosc", "groups"} <= set(client(example, "scicat")["defaultClientScopes"])  # reads the ID token only
    assert {"panosc", "groups"} <= set(client(example, "jupyterhub")["defaultClientScopes"])  # reads userinfo
    assert "aud-icat" in client(example, "elog")["defaultClientScopes"]
    assert "basic" in client(example, "visa")["defaultClientScopes"]  # carries sub
    assert client(example, "visa")["publicClient"] is True


def test_nobody_keeps_a_login_for_ever_unless_the_service_needs_it(realm):
    document = realm("example")["document"]
    assert "offline_access" not in document["defaultOptionalClientScopes"]
    keeping = {
        item["clientId"] for item in document["clients"] if "offline_access" in item.get("optionalClientScopes", [])
    }
    assert keeping == {"visa"}


def test_openness_levels(realm):
    document = realm("example")["document"]
    asked = {mapping["client"]: mapping["roles"] for mapping in document["scopeMappings"]}
    assert asked["visa"] == asked["jupyterhub"] == ["compute-approved"]
    assert asked["keystone"] == ["cloud-user"]
    assert asked["scicat"] == asked["elog"] == ["open-data"]
    assert not {"search", "account"} & asked.keys()  # no login; everybody's own
    assert not any(item["clientId"] == "search" for item in document["clients"])
    assert {"open-data", "facility-user", "compute-approved"} <= {role["name"] for role in document["roles"]["realm"]}
    assert named(document["groups"], "compute-approved")["realmRoles"] == ["compute-approved"]


def steps(flow):
    """Every step of a flow, as (requirement, authenticator, config) or the flow below."""
    for step in flow["executions"]:
        if "flow" in step:
            yield from steps(step["flow"])
        else:
            yield step["authenticator"], step.get("config", {})


def test_gates_stand_twice(realm):
    """A browser login bound to a client does not see logins through identity providers, so each gate stands there too."""
    document = realm("example")["document"]
    flows = {flow["alias"]: flow for flow in document["authenticationFlows"]}
    bound = {
        item["clientId"]: item.get("authenticationFlowBindingOverrides", {}).get("browser")
        for item in document["clients"]
    }
    assert {name: alias for name, alias in bound.items() if alias} == {
        "visa": "panosc login visa",
        "jupyterhub": "panosc login jupyterhub",
        "keystone": "panosc login keystone",
    }
    assert bound["scicat"] == bound["elog"] == ""  # taken back where it was
    for name in ("visa", "jupyterhub", "keystone"):
        assert f"gate-{name}" in client(realm("example"), name)["defaultClientScopes"]
        role = "cloud-user" if name == "keystone" else "compute-approved"
        lacking = ("conditional-user-role", {"condUserRole": role, "negate": "true"})
        marked = ("conditional-client-scope", {"client_scope": f"gate-{name}"})
        refused = ("deny-access-authenticator", {"denyErrorMessage": f"refused-role-{name}"})
        own, after = list(steps(flows[f"panosc login {name}"])), list(steps(flows["panosc post broker login"]))
        assert own[own.index(lacking) + 1] == refused
        assert after[after.index(marked) : after.index(marked) + 3] == [marked, lacking, refused]
    assert not {"gate-scicat", "gate-icat"} & {scope["name"] for scope in document["clientScopes"]}


def test_assurance_has_a_gate_of_its_own_that_higher_levels_pass(realm):
    document = realm("example")["document"]
    flows = {flow["alias"]: flow for flow in document["authenticationFlows"]}
    for alias in ("panosc login visa", "panosc post broker login"):
        (asked,) = [config for name, config in steps(flows[alias]) if name == "conditional-user-attribute"]
        assert asked == {
            "attribute_name": "eduperson_assurance",
            "attribute_expected_value": r"https://refeds\.org/assurance/IAP/(medium|high)",
            "regex": "true",
            "not": "true",
        }
    assert "assurance" not in json.dumps(flows["panosc login jupyterhub"])


def test_refusals_are_in_the_languages_of_the_realm_and_say_whom_to_ask(realm):
    texts = realm("example")["document"]["localization"]
    assert set(texts) == {"en", "de"}
    assert "Freigeschaltet" in texts["de"]["refused-role-visa"] or "freigeschaltet" in texts["de"]["refused-role-visa"]
    for language in texts:
        refusals = {key: text for key, text in texts[language].items() if key.startswith("refused-")}
        assert set(refusals) == {
            "refused-identity",
            "refused-assurance-visa",
            *(f"refused-role-{name}" for name in ("visa", "jupyterhub", "keystone")),
        }
        assert all("useroffice@facility.example" in text for text in refusals.values())
        assert texts[language]["refused-role-visa"].startswith(("VISA ", "VISA:"))
        # Java's MessageFormat: one quote swallows what follows, a brace is a parameter.
        assert not any(re.search(r"[{}]|(?<!')'(?!')", text) for text in texts[language].values())


@pytest.mark.parametrize("language", ["en", "de", "fr", "it", "sv", "es", "cs", "hu", "da"])
def test_every_text_exists_in_every_language(language):
    for name in ("gates/role", "gates/assurance", "gates/identity", "aup"):
        texts = yaml.safe_load((ROOT / f"roles/realm/presets/{name}.yml").read_text())["localization"]
        assert texts[language].keys() == texts["en"].keys()


def test_identities_that_are_nobodys(realm):
    document = realm("example")["document"]
    providers = {item["alias"]: item for item in document["identityProviders"]}
    patterns = {
        alias: json.loads(mapper["config"]["claims"])[0]["value"]
        for alias, item in providers.items()
        for mapper in item["mappers"]
        if mapper["config"].get("role") == "identity-refused"
    }
    assert patterns == {
        "umbrella": r"(?i)test@.*|(?![^@]+@(umbrellaid\.org)$).*",
        "egi-checkin": "(?i)test@.*",
    }
    after = named(document["authenticationFlows"], "panosc post broker login", "alias")
    assert ("deny-access-authenticator", {"denyErrorMessage": "refused-identity"}) in list(steps(after))


def test_community_proxies_call_a_person_the_same(realm):
    document = realm("example")["document"]
    names = {
        item["alias"]: mapper["config"]["template"]
        for item in document["identityProviders"]
        for mapper in item["mappers"]
        if mapper["name"] == "username"
    }
    assert names == {
        "umbrella": "${CLAIM.voperson_id}",
        "egi-checkin": "${CLAIM.voperson_id}",
        "uni": "${ALIAS}.${CLAIM.sub}",
        "partner": "${ALIAS}.${NAMEID}",
    }
    checkin = named(document["identityProviders"], "egi-checkin", "alias")
    assert checkin["config"]["issuer"] == "https://aai-demo.egi.eu/auth/realms/egi"
    assert "voperson_id" in checkin["config"]["defaultScope"].split()


def test_orcid_is_to_link_only(realm):
    orcid = named(realm("example")["document"]["identityProviders"], "orcid", "alias")
    assert (orcid["linkOnly"], orcid["hideOnLogin"]) == (True, True)
    assert (orcid["config"]["issuer"], orcid["config"]["defaultScope"]) == ("https://orcid.org", "openid")
    assert [mapper["config"]["user.attribute"] for mapper in orcid["mappers"]] == ["orcid"]


def test_saml_believes_signed_assertions_only_and_follows_the_keys(realm):
    config = named(realm("example")["document"]["identityProviders"], "partner", "alias")["config"]
    assert config["wantAssertionsSigned"] == config["validateSignature"] == config["useMetadataDescriptorUrl"] == "true"
    assert config["metadataDescriptorUrl"] == "https://idp.partner.example/metadata"
    assert "signingCertificate" not in config


def test_the_policy_is_asked_for_where_there_is_one(realm):
    action = named(realm("example")["document"]["requiredActions"], "TERMS_AND_CONDITIONS", "alias")
    assert action["enabled"] is action["defaultAction"] is True
    text = realm("example")["document"]["localization"]["de"]["termsText"]
    assert 'href="https://www.facility.example/acceptable-use"' in text
    assert "2.1" in text
    assert named(realm("minimal")["document"]["requiredActions"], "TERMS_AND_CONDITIONS", "alias")["enabled"] is False


def test_groups_of_the_facility_carry_entitlements(realm):
    document = realm("example")["document"]
    told = {
        group["name"]: group["attributes"]["eduperson_entitlement"]
        for group in document["groups"]
        if "attributes" in group
    }
    assert told == {
        name: [f"urn:geant:facility.example:group:{name}#auth.facility.example"]
        for name in ("facility", "compute-approved", "cloud-user")
    }
    mapper = named(named(document["clientScopes"], "entitlements")["protocolMappers"], "eduperson_entitlement")
    assert mapper["config"]["aggregate.attrs"] == "true"
    assert not any("attributes" in group for group in realm("minimal")["document"]["groups"])


def test_icat_gets_its_user_from_what_people_cannot_write(realm):
    scope = named(realm("example")["document"]["clientScopes"], "aud-icat")
    config = named(scope["protocolMappers"], "icat user")["config"]
    assert (config["claim.name"], config["user.attribute"], config["access.token.claim"]) == (
        "icat_user",
        "facility_user_id",
        "true",
    )
    assert scope["attributes"]["include.in.token.scope"] == "true"  # authn.oidc looks for requiredScope there


def test_umbrella_is_the_real_one_unless_the_site_says_otherwise(realm):
    for name in DNS:
        provider = named(realm(name)["document"]["identityProviders"], "umbrella", "alias")
        config = provider["config"]
        assert config["issuer"] == "https://proxy.umbrellaid.org/"
        assert config["authorizationUrl"] == "https://proxy.umbrellaid.org/saml2sp/OIDC/authorization"
        assert config["tokenUrl"] == "https://proxy.umbrellaid.org/OIDC/token"
        assert config["userInfoUrl"] == "https://proxy.umbrellaid.org/OIDC/userinfo"
        assert config["jwksUrl"] == "https://proxy.umbrellaid.org/OIDC/jwks"
        assert "logoutUrl" not in config


def test_a_login_elsewhere_proves_nothing_about_an_account_here(realm):
    document = realm("example")["document"]
    for provider in document["identityProviders"]:
        assert provider["trustEmail"] is False
        assert provider["storeToken"] is False
        assert provider["config"]["validateSignature"] == "true"
        assert provider["config"].get("pkceEnabled") == (None if provider["providerId"] == "saml" else "true")
        assert provider["config"]["syncMode"] == "IMPORT"
        # What may change at each login, and what belongs to the account once it is there.
        own = {"username", "email", "first name", "last name"}
        for mapper in provider["mappers"]:
            assert mapper["config"]["syncMode"] == ("IMPORT" if mapper["name"] in own else "FORCE")
        assert provider["firstBrokerLoginFlowAlias"] == "panosc first broker login"
        assert provider["postBrokerLoginFlowAlias"] == "panosc post broker login"
    flow = json.dumps(named(document["authenticationFlows"], "panosc first broker login", "alias"))
    assert "idp-username-password-form" in flow
    assert "idp-email-verification" not in flow
    assert "idp-auto-link" not in flow
    after = named(document["authenticationFlows"], "panosc post broker login", "alias")["executions"]
    # Without a step that always succeeds, a flow of conditions refuses everybody whom none concerns.
    assert [step["requirement"] for step in after] == ["REQUIRED"] + ["CONDITIONAL"] * (len(after) - 1)
    assert [step["authenticator"] for step in after[0]["flow"]["executions"]] == ["allow-access-authenticator"]
    assert named(document["requiredActions"], "idp_link", "alias")["config"] == {"max_auth_age": "0"}


def test_directory_cannot_lock_out_those_who_link(realm):
    document = realm("example")["document"]
    ldap = named(document["userFederation"], "ldap")
    assert ldap["config"]["editMode"] == "UNSYNCED"
    assert ldap["config"]["cachePolicy"] == "NO_CACHE"
    assert ldap["config"]["connectionUrl"] == "ldaps://ldap.facility.example"
    assert ldap["config"]["customUserSearchFilter"].startswith("(memberOf=")
    assert named(ldap["mappers"], "first name")["config"]["ldap.attribute"] == "givenName"
    assert named(document["requiredActions"], "UPDATE_PASSWORD", "alias")["enabled"] is False
    assert document["resetPasswordAllowed"] is False
    assert realm("minimal")["document"]["userFederation"] == []
    assert {action["alias"] for action in realm("minimal")["document"]["requiredActions"]} == {
        "idp_link",
        "TERMS_AND_CONDITIONS",
    }


def test_entitlements_become_groups_on_the_word_of_the_named_provider(realm):
    document = realm("example")["document"]
    umbrella = named(document["identityProviders"], "umbrella", "alias")
    mapper = named(umbrella["mappers"], "entitlement to /umbrella/beamline-users")
    assert json.loads(mapper["config"]["claims"]) == [
        {"key": "eduperson_entitlement", "value": r"urn:geant:umbrellaid\.org:group:beamline-users(:role=[^#]+)?(#.*)?"}
    ]
    assert mapper["config"]["group"] == "/umbrella/beamline-users"
    assert named(named(document["groups"], "umbrella")["subGroups"], "beamline-users")
    uni = named(document["identityProviders"], "uni", "alias")
    assert not [mapper for mapper in uni["mappers"] if mapper["name"].startswith("entitlement")]


def test_people_cannot_write_what_services_decide_by(realm):
    attributes = realm("minimal")["document"]["userProfile"]["attributes"]
    free = {item["name"] for item in attributes if "user" in item["permissions"]["edit"]}
    assert free == {"email", "firstName", "lastName"}  # the review page needs these
    assert {"username", "voperson_id", "eduperson_entitlement", "facility_user_id"} <= {
        item["name"] for item in attributes
    }
    assert "unmanagedAttributePolicy" not in realm("minimal")["document"]["userProfile"]


def test_hardening_baseline(realm):
    document = realm("minimal")["document"]
    assert document["sslRequired"] == "all"
    assert document["bruteForceProtected"] is True
    assert document["revokeRefreshToken"] is True
    assert document["refreshTokenMaxReuse"] == 0
    assert document["accessTokenLifespan"] <= 300
    assert document["offlineSessionMaxLifespanEnabled"] is True
    assert document["eventsEnabled"] is document["adminEventsEnabled"] is True
    assert document["eventsExpiration"] > 0
    assert document["eventsListeners"] == ["jboss-logging"]
    assert (
        document["registrationAllowed"]
        is document["duplicateEmailsAllowed"]
        is document["editUsernameAllowed"]
        is False
    )
    assert client(realm("minimal"), "admin-cli")["directAccessGrantsEnabled"] is False
    assert client(realm("minimal"), "account")["attributes"]["pkce.code.challenge.method"] == "S256"


def test_addresses_are_verified_where_mail_can_be_sent(realm):
    assert realm("example")["document"]["verifyEmail"] is True
    assert realm("example")["document"]["smtpServer"]["password"] == "secret:smtp"
    assert realm("minimal")["document"]["verifyEmail"] is False
    assert "smtpServer" not in realm("minimal")["document"]


def test_the_site_has_the_last_word(realm):
    document = realm("example")["document"]
    assert document["rememberMe"] is True
    assert named(document["roles"]["realm"], "beamline-scientist")
    assert realm("minimal")["document"]["rememberMe"] is False


def test_issuer_is_the_public_url(realm):
    assert realm("example")["issuer"] == "https://auth.facility.example/realms/enpf"


def test_the_readme_shows_the_preset_that_these_tests_use():
    preset = (ROOT / "inventories/presets/services/proposals.yml").read_text()
    assert f"```yaml\n{preset}```" in (ROOT / "roles/realm/README.md").read_text()


def test_pages_have_the_look_of_the_facility(realm):
    for name in DNS:
        document = realm(name)["document"]
        assert re.fullmatch(rf"{document['realm']}-[0-9a-f]{{12}}", document["loginTheme"])
        assert document["accountTheme"] == document["loginTheme"]
    assert realm("minimal")["document"]["supportedLocales"] == ["en", "de", "fr"]
    names = realm("minimal")["document"]["localization"]
    assert names["en"].keys() == names["de"].keys() == names["fr"].keys()
    shown = {item.get("displayName", "") for item in realm("minimal")["document"]["userProfile"]["attributes"]}
    named_here = {text[2:-1] for text in shown if text.startswith("${")}
    assert named_here - {"username", "email", "firstName", "lastName"} <= names["en"].keys()


def test_staff_needs_a_second_factor_whichever_way_they_come(realm):
    document = realm("example")["document"]
    flows = {flow["alias"]: json.dumps(flow) for flow in document["authenticationFlows"]}
    assert document["browserFlow"] == "panosc browser"
    for alias in ("panosc browser", "panosc post broker login"):
        assert '"condUserRole": "staff"' in flows[alias]
        assert '{"authenticator": "webauthn-authenticator", "requirement": "REQUIRED"}' in flows[alias]
    assert named(document["groups"], "staff")["realmRoles"] == ["staff"]  # its subgroups inherit
    roles = {role["name"]: role for role in document["roles"]["realm"]}
    helping = roles["staff-help-desk"]["composites"]["client"]["realm-management"]
    assert all(role.startswith("view-") for role in helping)
    assert "view-clients" not in helping  # shows their secrets


def test_without_staff_there_is_nobody_in_the_administration(realm):
    document = realm("minimal")["document"]
    assert document["browserFlow"] == "browser"
    assert not any("realm-management" in json.dumps(role) for role in document["roles"]["realm"])
    assert "staff" not in {group["name"] for group in document["groups"]}


def test_the_catalogue_is_published_without_a_client(play, realm, vault, tmp_path):
    assert "catalogue" not in {item["clientId"] for item in realm("example")["document"]["clients"]}  # anonymous
    written = tmp_path / "haproxy.cfg"
    variables = {**vault, "rendered_to": str(written)}
    code, _, output = play(ROOT / "tests/render/haproxy.yml", ROOT / "inventories/example", variables)
    assert code == 0, output[-3000:]
    text = written.read_text()
    assert "server data1.facility.example 192.0.2.41:8010" in text
    assert re.search(r"http-check send meth GET uri /health .*\n", text)
    for path in ("/metrics", "/records", "/health"):
        assert re.search(rf"acl catalogue.admin .*{path}( |$)", text, re.M), path


def test_the_catalogue_has_its_client_when_a_login_is_asked_for(play, changed, vault, tmp_path):
    hosts = {"kc1.facility.example": {"facility_address": "192.0.2.21"}}
    site = changed({"facility_services.catalogue.openness": "authenticated"})
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"keycloak": {"hosts": hosts}, "all": {"vars": site}}))
    file = tmp_path / "realm.json"
    code, _, output = play(
        ROOT / "tests/render/document.yml", tmp_path / "hosts.yml", {**vault, "written_to": str(file)}
    )
    assert code == 0, output[-3000:]
    document = json.loads(file.read_text())["document"]
    own = named(document["clients"], "catalogue", "clientId")
    assert own["redirectUris"] == []
    assert own["standardFlowEnabled"] is False
    assert "aud-catalogue" in {scope["name"] for scope in document["clientScopes"]}
