"""A realm document like the demo's: every kind of object, four secrets. The IdP is the server's own realm master."""

from __future__ import annotations

import base64
import copy
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

# Made anew for each run of the tests: a key that lies in a repository is no secret.
SIGNING_KEYS = [
    base64.b64encode(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    ).decode()
    for _ in range(2)
]
CLAIMS = {
    "id.token.claim": True,
    "access.token.claim": True,
    "userinfo.token.claim": True,
    "introspection.token.claim": True,
}
SECRETS = {
    "visa": "canary-client-visa-0123456789",
    "scicat": "canary-client-scicat-0123456789",
    "umbrella": "canary-idp-umbrella-0123456789",
    "ldap": "canary-ldap-bind-0123456789",
    "smtp": "canary-smtp-0123456789",
    "signing": SIGNING_KEYS[0],
}
OTHER_SECRETS = {**{name: f"{value}-new" for name, value in SECRETS.items()}, "signing": SIGNING_KEYS[1]}
FIRST_LOGIN = "facility first broker login"
GATE = "facility post broker"


def claim(name: str, multivalued: bool = False) -> dict[str, Any]:
    """A mapper of a user attribute to a claim."""
    return {
        "name": name,
        "protocolMapper": "oidc-usermodel-attribute-mapper",
        "config": {
            **CLAIMS,
            "user.attribute": name,
            "claim.name": name,
            "jsonType.label": "String",
            "multivalued": multivalued,
        },
    }


def client(name: str, **more: object) -> dict[str, Any]:
    """An OIDC client of a service."""
    return {
        "clientId": name,
        "name": name.title(),
        "enabled": True,
        "publicClient": "secret" not in more,
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "fullScopeAllowed": False,
        "redirectUris": [f"https://{name}.facility.test/callback", f"https://{name}.facility.test/other"],
        "webOrigins": [f"https://{name}.facility.test"],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "post.logout.redirect.uris": f"https://{name}.facility.test/bye##https://{name}.facility.test/",
        },
        **more,
    }


def document(realm: str, issuer: str) -> dict[str, Any]:
    """The document; a new copy at every call."""
    attribute = {"multivalued": False, "permissions": {"view": ["admin", "user"], "edit": ["admin"]}}
    idp_claims = (
        "voperson_id",
        "eduperson_entitlement",
        "eduperson_assurance",
        "voperson_external_affiliation",
        "orcid",
    )
    return copy.deepcopy(
        {
            "realm": realm,
            "displayName": "Demo Light Source",
            "enabled": True,
            "sslRequired": "all",
            "registrationAllowed": False,
            "resetPasswordAllowed": False,
            "verifyEmail": True,
            "bruteForceProtected": True,
            "failureFactor": 10,
            "revokeRefreshToken": True,
            "accessTokenLifespan": 300,
            "passwordPolicy": "length(12) and notUsername and notEmail",
            "eventsEnabled": True,
            "eventsExpiration": 2592000,
            "eventsListeners": ["jboss-logging"],
            "enabledEventTypes": ["LOGIN", "LOGIN_ERROR", "LOGOUT"],
            "adminEventsEnabled": True,
            "internationalizationEnabled": True,
            "supportedLocales": ["en", "de"],
            "defaultLocale": "en",
            "attributes": {"facility.ror": "https://ror.org/00zzz0000", "acr.loa.map": {"low": 1}},
            "browserSecurityHeaders": {"strictTransportSecurity": "max-age=31536000; includeSubDomains"},
            "smtpServer": {
                "host": "mail.facility.test",
                "port": 587,
                "from": "aai@facility.test",
                "starttls": True,
                "auth": True,
                "user": "aai",
                "password": "secret:smtp",
            },
            "organizationsEnabled": True,
            "adminPermissionsEnabled": True,
            "firstBrokerLoginFlow": FIRST_LOGIN,
            "keyProviders": [
                {
                    "name": "signing 2026",
                    "providerId": "rsa-generated",
                    "config": {"priority": 200, "enabled": True, "active": True, "algorithm": "RS256", "keySize": 2048},
                },
                {
                    "name": "signing 2025",
                    "providerId": "rsa",
                    "config": {
                        "priority": 90,
                        "enabled": True,
                        "active": False,
                        "algorithm": "RS256",
                        "privateKey": "secret:signing",
                    },
                },
            ],
            "userProfile": {
                "attributes": [
                    {"name": "username", "permissions": {"view": ["admin", "user"], "edit": ["admin"]}},
                    {"name": "voperson_id", "displayName": "voperson_id", **attribute},
                    {"name": "eduperson_entitlement", "displayName": "Entitlements", **attribute, "multivalued": True},
                    {"name": "facility_user_id", **attribute, "validations": {"length": {"max": 64}}},
                ]
            },
            "clientScopes": [
                {
                    "name": "panosc",
                    "attributes": {"include.in.token.scope": True, "display.on.consent.screen": False},
                    "protocolMappers": [claim("voperson_id"), claim("eduperson_entitlement", True)],
                },
                {
                    "name": "groups",
                    "description": "Groups of the user",
                    "attributes": {"include.in.token.scope": True, "display.on.consent.screen": False},
                    "protocolMappers": [
                        {
                            "name": "groups",
                            "protocolMapper": "oidc-group-membership-mapper",
                            "config": {**CLAIMS, "full.path": True, "claim.name": "groups"},
                        }
                    ],
                },
                {"name": "gate-compute", "attributes": {"include.in.token.scope": False}},
            ],
            "defaultDefaultClientScopes": ["profile", "email", "roles", "web-origins", "acr", "basic", "panosc"],
            "defaultOptionalClientScopes": ["address", "phone", "microprofile-jwt", "groups"],
            "roles": {
                "realm": [
                    {"name": "open-data", "description": "May see open data"},
                    {"name": "compute-approved", "attributes": {"source": ["user office"]}},
                    {"name": "staff", "composites": {"realm": ["open-data"], "client": {"visa": ["operator"]}}},
                ],
                "client": {"visa": [{"name": "operator", "description": "Runs VISA"}, {"name": "admin"}]},
            },
            "groups": [
                {"name": "umbrella", "subGroups": [{"name": "beamline-users"}, {"name": "reviewers"}]},
                {
                    "name": "facility",
                    "attributes": {"kind": "local"},
                    "realmRoles": ["open-data", "staff"],
                    "clientRoles": {"visa": ["operator"]},
                    "subGroups": [{"name": "staff", "attributes": {"mail": ["a@x.test", "b@x.test"]}}],
                },
            ],
            "defaultGroups": ["/umbrella"],
            "clients": [
                client(
                    "visa",
                    secret="secret:visa",
                    serviceAccountsEnabled=True,
                    defaultClientScopes=["basic", "profile", "email", "panosc", "gate-compute"],
                    optionalClientScopes=["groups"],
                    protocolMappers=[claim("facility_user_id")],
                    authenticationFlowBindingOverrides={"browser": "facility browser"},
                ),
                client(
                    "scicat",
                    secret="secret:scicat",
                    defaultClientScopes=["basic", "profile", "email", "groups"],
                    serviceAccountRoles={"realm": ["open-data"], "client": {"visa": ["operator"]}},
                    authorizationSettings={
                        "policyEnforcementMode": "PERMISSIVE",
                        "scopes": [{"name": "read", "displayName": "Read"}, {"name": "write"}],
                        "resources": [
                            {
                                "name": "proposals",
                                "uris": ["/proposals/*"],
                                "scopes": ["read", "write"],
                                "attributes": {"kind": "proposal"},
                            }
                        ],
                        "policies": [
                            {
                                "name": "facility staff",
                                "type": "group",
                                "config": {"groups": [{"path": "/facility/staff"}]},
                            },
                            {
                                "name": "staff write proposals",
                                "type": "scope",
                                "config": {
                                    "resources": ["proposals"],
                                    "scopes": ["read", "write"],
                                    "applyPolicies": ["facility staff"],
                                },
                            },
                        ],
                    },
                ),
                client("jupyterhub"),
                {"clientId": "admin-cli", "directAccessGrantsEnabled": False},
                {"clientId": "account", "attributes": {"pkce.code.challenge.method": "S256"}},
                {"clientId": "account-console", "attributes": {"pkce.code.challenge.method": "S256"}},
            ],
            "clientScopeMappings": {"account": [{"client": "jupyterhub", "roles": ["manage-account-links"]}]},
            "scopeMappings": [{"clientScope": "panosc", "roles": ["open-data"]}],
            "authenticationFlows": [
                {
                    "alias": FIRST_LOGIN,
                    "description": "Link only after re-authentication",
                    "executions": [
                        {
                            "authenticator": "idp-review-profile",
                            "requirement": "REQUIRED",
                            "config": {"update.profile.on.first.login": "missing"},
                        },
                        {
                            "requirement": "REQUIRED",
                            "flow": {
                                "alias": "facility create or link",
                                "executions": [
                                    {
                                        "authenticator": "idp-create-user-if-unique",
                                        "requirement": "ALTERNATIVE",
                                        "config": {"require.password.update.after.registration": False},
                                    },
                                    {
                                        "requirement": "ALTERNATIVE",
                                        "flow": {
                                            "alias": "facility handle existing",
                                            "executions": [
                                                {"authenticator": "idp-confirm-link", "requirement": "REQUIRED"},
                                                {
                                                    "authenticator": "idp-username-password-form",
                                                    "requirement": "REQUIRED",
                                                },
                                            ],
                                        },
                                    },
                                ],
                            },
                        },
                    ],
                },
                {
                    "alias": GATE,
                    "executions": [
                        {
                            "requirement": "CONDITIONAL",
                            "flow": {
                                "alias": "facility gate compute",
                                "executions": [
                                    {
                                        "authenticator": "conditional-client-scope",
                                        "requirement": "REQUIRED",
                                        "config": {"client_scope": "gate-compute"},
                                    },
                                    {
                                        "authenticator": "conditional-user-role",
                                        "requirement": "REQUIRED",
                                        "config": {"condUserRole": "compute-approved", "negate": True},
                                    },
                                    {
                                        "authenticator": "deny-access-authenticator",
                                        "requirement": "REQUIRED",
                                        "config": {"denyErrorMessage": "need-compute"},
                                    },
                                ],
                            },
                        },
                        {"authenticator": "allow-access-authenticator", "requirement": "REQUIRED"},
                    ],
                },
                {
                    "alias": "facility browser",
                    "executions": [
                        {"authenticator": "auth-cookie", "requirement": "ALTERNATIVE"},
                        {"authenticator": "identity-provider-redirector", "requirement": "ALTERNATIVE"},
                        {
                            "requirement": "ALTERNATIVE",
                            "flow": {
                                "alias": "facility forms",
                                "executions": [
                                    {"authenticator": "auth-username-password-form", "requirement": "REQUIRED"}
                                ],
                            },
                        },
                    ],
                },
            ],
            "identityProviders": [
                {
                    "alias": "umbrella",
                    "providerId": "oidc",
                    "displayName": "UmbrellaID",
                    "enabled": True,
                    "trustEmail": False,
                    "storeToken": False,
                    "linkOnly": False,
                    "hideOnLogin": False,
                    "firstBrokerLoginFlowAlias": FIRST_LOGIN,
                    "postBrokerLoginFlowAlias": GATE,
                    "config": {
                        "issuer": issuer,
                        "authorizationUrl": f"{issuer}/protocol/openid-connect/auth",
                        "tokenUrl": f"{issuer}/protocol/openid-connect/token",
                        "userInfoUrl": f"{issuer}/protocol/openid-connect/userinfo",
                        "jwksUrl": f"{issuer}/protocol/openid-connect/certs",
                        "clientId": "keycloak-broker",
                        "clientSecret": "secret:umbrella",
                        "clientAuthMethod": "client_secret_basic",
                        "defaultScope": "openid email profile voperson_id",
                        "useJwksUrl": True,
                        "validateSignature": True,
                        "pkceEnabled": True,
                        "pkceMethod": "S256",
                        "syncMode": "IMPORT",
                        "backchannelSupported": False,
                        "allowedClockSkew": 10,
                        "guiOrder": 1,
                        "forwardParameters": "aarc_idp_hint,acr_values",
                    },
                    "mappers": [
                        {
                            "name": "username",
                            "identityProviderMapper": "oidc-username-idp-mapper",
                            "config": {"template": "${CLAIM.voperson_id}", "target": "LOCAL", "syncMode": "IMPORT"},
                        },
                        *(
                            {
                                "name": name,
                                "identityProviderMapper": "oidc-user-attribute-idp-mapper",
                                "config": {"claim": name, "user.attribute": name, "syncMode": "FORCE"},
                            }
                            for name in idp_claims
                        ),
                        *(
                            {
                                "name": f"group {name}",
                                "identityProviderMapper": "oidc-advanced-group-idp-mapper",
                                "config": {
                                    "claims": [
                                        {
                                            "key": "eduperson_entitlement",
                                            "value": f"urn:x:group:{name}(:role=[^#]+)?#.*",
                                        }
                                    ],
                                    "are.claim.values.regex": True,
                                    "group": f"/umbrella/{name}",
                                    "syncMode": "FORCE",
                                },
                            }
                            for name in ("beamline-users", "reviewers")
                        ),
                    ],
                }
            ],
            "organizations": [
                {
                    "alias": "partner",
                    "name": "Partner Laboratory",
                    "description": "Its staff log in at home",
                    "redirectUrl": "https://portal.facility.test/",
                    "domains": [{"name": "partner.test", "verified": True}, "lab.partner.test"],
                    "attributes": {"ror": "https://ror.org/00zzz0001"},
                    "identityProviders": ["umbrella"],
                }
            ],
            "adminPermissions": {
                "policies": [
                    {"name": "reviewers", "type": "group", "groups": ["/umbrella/reviewers"]},
                    {
                        "name": "operators",
                        "type": "role",
                        "roles": ["visa/operator", {"name": "staff", "required": True}],
                    },
                    {"name": "portal", "type": "client", "clients": ["visa"]},
                    {"name": "by day", "type": "time", "hour": 8, "hourEnd": 18},
                    {
                        "name": "anybody by day",
                        "type": "aggregate",
                        "decisionStrategy": "AFFIRMATIVE",
                        "policies": ["by day", "operators"],
                    },
                ],
                "permissions": [
                    {"name": "see people", "resourceType": "Users", "scopes": ["view"], "policies": ["reviewers"]},
                    {
                        "name": "look after beamline users",
                        "resourceType": "Groups",
                        "resources": ["/umbrella/beamline-users"],
                        "scopes": ["view", "view-members", "manage-membership"],
                        "policies": ["reviewers", "anybody by day"],
                    },
                    {
                        "name": "look after visa",
                        "resourceType": "Clients",
                        "resources": ["visa"],
                        "scopes": ["view"],
                        "policies": ["portal"],
                    },
                ],
            },
            "clientProfiles": {
                "profiles": [
                    {
                        "name": "facility web",
                        "description": "PKCE for every web application",
                        "executors": [{"executor": "pkce-enforcer", "configuration": {"auto-configure": True}}],
                    }
                ]
            },
            "clientPolicies": {
                "policies": [
                    {
                        "name": "facility web",
                        "enabled": True,
                        "conditions": [{"condition": "client-roles", "configuration": {"roles": ["web"]}}],
                        "profiles": ["facility web"],
                    }
                ]
            },
            "userFederation": [
                {
                    "name": "ldap",
                    "config": {
                        "enabled": True,
                        "priority": 0,
                        "vendor": "other",
                        "editMode": "UNSYNCED",
                        "importEnabled": True,
                        "syncRegistrations": False,
                        "usernameLDAPAttribute": "uid",
                        "rdnLDAPAttribute": "uid",
                        "uuidLDAPAttribute": "entryUUID",
                        "userObjectClasses": "inetOrgPerson",
                        "connectionUrl": "ldaps://ldap.facility.test",
                        "usersDn": "ou=people,dc=facility,dc=test",
                        "authType": "simple",
                        "bindDn": "cn=keycloak,dc=facility,dc=test",
                        "bindCredential": "secret:ldap",
                        "searchScope": 1,
                        "useTruststoreSpi": "always",
                        "pagination": False,
                        "trustEmail": True,
                        "cachePolicy": "NO_CACHE",
                        "connectionTimeout": 3000,
                        "readTimeout": 5000,
                    },
                    "mappers": [
                        {
                            "name": "first name",
                            "providerId": "user-attribute-ldap-mapper",
                            "config": {"ldap.attribute": "givenName"},
                        },
                        {
                            "name": "facility_user_id",
                            "providerId": "user-attribute-ldap-mapper",
                            "config": {
                                "ldap.attribute": "employeeNumber",
                                "user.model.attribute": "facility_user_id",
                                "read.only": True,
                                "always.read.value.from.ldap": False,
                                "is.mandatory.in.ldap": False,
                            },
                        },
                        {
                            "name": "facility group",
                            "providerId": "hardcoded-ldap-group-mapper",
                            "config": {"group": "/facility"},
                        },
                    ],
                }
            ],
            "requiredActions": [
                {"alias": "TERMS_AND_CONDITIONS", "enabled": True, "defaultAction": True, "priority": 5},
                {"alias": "UPDATE_PASSWORD", "enabled": False},
                {"alias": "idp_link", "config": {"max_auth_age": 0}},
            ],
            "localization": {
                "en": {"need-compute": "You have no approved compute access.", "termsText": "<p>Terms</p>"},
                "de": {"need-compute": "Kein Zugang."},
            },
        }
    )
