"""Bad inventories: what is changed in inventories/example, and what the refusal must say.

Each case: {dotted path in the variables: value}, the words that name the variable, and words of the mend.
"""

from pathlib import Path


class Missing:
    """Stands for a key that a case takes away."""


SHORT = "Xy7-short"
PUBLISHED = "changeme-changeme-1234"
SECRET = "canary-6fK2pQ9xT4vW7zR1"
SAML = {"preset": "saml", "alias": "uni", "metadata_file": str(Path(__file__).parent / "idp.xml")}

FACILITY = {
    "contact missing": ({"facility_contacts.security": Missing}, "facility_contacts.security", "an e-mail address"),
    "contacts missing": ({"facility_contacts": Missing}, "facility_contacts", "is not set"),
    "contact is no address": (
        {"facility_contacts.admin": "the admins"},
        "facility_contacts.admin",
        "an e-mail address",
    ),
    "contact unknown": ({"facility_contacts.secruity": "x@facility.example"}, "facility_contacts", "secruity"),
    "name missing": ({"facility_name": Missing}, "facility_name", "is not set"),
    "unknown variable": (
        {"facility_privacy_uri": "https://x.example"},
        "facility_privacy_uri",
        "did you mean facility_privacy_url?",
    ),
    "unknown variable, plural": ({"facility_service": {}}, "facility_service ", "did you mean facility_services?"),
    "short name in capitals": ({"facility_short_name": "ENPF"}, "facility_short_name", "lower-case letters"),
    "domain is a URL": ({"facility_domain": "https://facility.example"}, "facility_domain", "facility.example"),
    "auth URL with slash": (
        {"facility_auth_url": "https://auth.facility.example/"},
        "facility_auth_url",
        "no slash at the end",
    ),
    "auth URL with path": ({"facility_auth_url": "https://auth.facility.example/auth"}, "facility_auth_url", "no path"),
    "auth URL in clear": ({"facility_auth_url": "http://auth.facility.example"}, "facility_auth_url", "https"),
    "RoR without URL": ({"facility_ror_id": "04wxnsj81"}, "facility_ror_id", "https://ror.org/04wxnsj81"),
    "RoR mistyped": ({"facility_ror_id": "https://ror.org/04wxnsj82"}, "facility_ror_id", "checksum"),
    "privacy URL in clear": (
        {"facility_privacy_url": "http://www.facility.example"},
        "facility_privacy_url",
        "an https URL",
    ),
    "logo in clear": (
        {"facility_registration": {"logo_url": "http://www.facility.example/logo.svg"}},
        "facility_registration.logo_url",
        "an https URL",
    ),
    "requester without address": (
        {"facility_registration": {"requester_email": "Ann"}},
        "facility_registration.requester_email",
        "an e-mail address",
    ),
    "registration key unknown": ({"facility_registration": {"sirtfy": True}}, "facility_registration", "sirtfy"),
    "admin network without length": ({"facility_admin_networks": ["192.0.2.1"]}, "facility_admin_networks", "/32"),
    "admin network with host bits": ({"facility_admin_networks": ["192.0.2.1/24"]}, "facility_admin_networks", "CIDR"),
    "colour hard to read": (
        {"facility_look.colours.primary": "#f5b700"},
        "facility_look.colours.primary is '#f5b700, whose contrast with white is 1.8'",
        "at least 4.5",
    ),
    "colour is a word": (
        {"facility_look.colours.background": "navy"},
        "facility_look.colours.background",
        "hexadecimal",
    ),
    "colour unknown": ({"facility_look.colours.secondary": "#000000"}, "facility_look", "secondary"),
    "logo missing": ({"facility_look.logo": "/nowhere/logo.svg"}, "facility_look.logo", "on the control node"),
    "logo of another kind": ({"facility_look.logo": "/etc/hostname"}, "neither in .svg nor in .png", "an SVG or PNG"),
    "help in clear": (
        {"facility_look.help_url": "http://help.facility.example"},
        "facility_look.help_url",
        "https URL",
    ),
    "texts without language": (
        {"facility_look.messages": {"loginAccountTitle": "Hello"}},
        "facility_look.messages.loginAccountTitle",
        "code of a language",
    ),
    "second factor unknown": ({"facility_staff.second_factor": "sms"}, "facility_staff", "otp, passkey"),
    "TLS source unknown": ({"facility_tls.source": "letsencrypt"}, "facility_tls", "site_ca, files, acme"),
    "TLS key unknown": ({"facility_tls.sourc": "acme"}, "facility_tls", "sourc"),
    "provider preset unknown": (
        {"facility_identity_providers.0.preset": "umbrela"},
        "facility_identity_providers[1].preset",
        "one of aarc, active_directory, egi_checkin, helmholtz, ldap, oidc, orcid, saml, umbrella",
    ),
    "provider without issuer": (
        {"facility_identity_providers.1.issuer": Missing},
        "facility_identity_providers[2].issuer",
        "missing",
    ),
    "provider with empty issuer": (
        {"facility_identity_providers.1.issuer": ""},
        "facility_identity_providers[2].issuer",
        "missing",
    ),
    "provider issuer in clear": (
        {"facility_identity_providers.1.issuer": "http://login.uni.example"},
        "facility_identity_providers[2].issuer",
        "byte for byte",
    ),
    "provider without client": (
        {"facility_identity_providers.0.client_id": Missing},
        "facility_identity_providers[1].client_id",
        "missing",
    ),
    "provider endpoint in clear": (
        {"facility_identity_providers.0.token_url": "http://proxy.umbrellaid.org/OIDC/token"},
        "facility_identity_providers[1].token_url",
        "an https URL",
    ),
    "provider key unknown": (
        {"facility_identity_providers.0.isuer": "https://x.example"},
        "facility_identity_providers",
        "isuer",
    ),
    "provider instance unknown": (
        {
            "facility_identity_providers.1": {
                "preset": "egi_checkin",
                "instance": "test",
                "client_id": "x",
                "client_secret": SECRET,
            }
        },
        "facility_identity_providers[2].instance",
        "production, demo, dev",
    ),
    "provider without instances": (
        {"facility_identity_providers.0.instance": "demo"},
        "facility_identity_providers[1].instance",
        "has no instances",
    ),
    "provider identifier scope is an e-mail address": (
        {"facility_identity_providers.0.identifier_scopes": ["user@umbrellaid.org"]},
        "facility_identity_providers[1].identifier_scopes",
        "behind the @",
    ),
    "SAML without metadata": (
        {"facility_identity_providers.1": {"preset": "saml", "alias": "uni"}},
        "facility_identity_providers[2].metadata_url or metadata_file",
        "genuine login",
    ),
    "SAML with metadata from two sources": (
        {"facility_identity_providers.1": {**SAML, "metadata_url": "https://idp.uni.example/metadata"}},
        "facility_identity_providers[2].metadata_url or metadata_file",
        "one of the two",
    ),
    "SAML metadata in clear": (
        {
            "facility_identity_providers.1": {
                "preset": "saml",
                "alias": "uni",
                "metadata_url": "http://idp.uni.example/metadata",
            }
        },
        "facility_identity_providers[2].metadata_url",
        "an https URL",
    ),
    "SAML metadata file missing": (
        {"facility_identity_providers.1": {"preset": "saml", "alias": "uni", "metadata_file": "/nowhere/idp.xml"}},
        "facility_identity_providers[2].metadata_file",
        "a file on the control node",
    ),
    "SAML metadata file is something else": (
        {"facility_identity_providers.1": {"preset": "saml", "alias": "uni", "metadata_file": "/etc/hostname"}},
        "facility_identity_providers[2].metadata_file",
        "SAML metadata of one identity provider",
    ),
    "provider alias twice": (
        {"facility_identity_providers.1.alias": "umbrella"},
        "facility_identity_providers[2].alias",
        "not the alias of another",
    ),
    "provider default secret": (
        {"facility_identity_providers.0.client_secret": PUBLISHED},
        "facility_identity_providers[1].client_secret",
        "at least 16 characters",
    ),
    "directory in clear": (
        {"facility_local_identity.url": "ldap://ldap.facility.example"},
        "facility_local_identity.url",
        "ldaps://",
    ),
    "directory without base": (
        {"facility_local_identity.users_dn": Missing},
        "facility_local_identity.users_dn",
        "missing",
    ),
    "directory default password": (
        {"facility_local_identity.bind_password": "admin"},
        "facility_local_identity.bind_password",
        "at least 8",
    ),
    "directory preset unknown": ({"facility_local_identity.preset": "ad"}, "facility_local_identity.preset", "ldap"),
    "service preset unknown": (
        {"facility_services.elog.preset": "wiki"},
        "facility_services.elog.preset",
        "icat, inveniordm, jupyterhub, keystone, proposals, scicat, visa, web",
    ),
    "service name unknown": (
        {"facility_services.sci-cat": {"url": "https://s.facility.example"}},
        "facility_services.sci-cat.preset",
        "one of account, api",
    ),
    "service without URL": ({"facility_services.visa.url": Missing}, "facility_services.visa.url", "missing"),
    "service URL in clear": (
        {"facility_services.visa.url": "http://visa.facility.example"},
        "facility_services.visa.url",
        "an https URL",
    ),
    "service URL with slash": (
        {"facility_services.visa.url": "https://visa.facility.example/"},
        "facility_services.visa.url",
        "without slash",
    ),
    "service URL with wildcard": (
        {"facility_services.visa.url": "https://*.facility.example"},
        "facility_services.visa.url",
        "an https URL",
    ),
    "two services, one URL": (
        {"facility_services.search.url": "https://visa.facility.example"},
        "facility_services.visa.url and facility_services.search.url",
        "a URL of its own",
    ),
    "openness unknown": (
        {"facility_services.visa.openness": "authorized"},
        "facility_services.visa.openness",
        "authorised",
    ),
    "assurance unknown": (
        {"facility_services.visa.assurance": "cappuccino"},
        "facility_services.visa.assurance",
        "low, medium or high",
    ),
    "assurance without a login": (
        {"facility_services.search.assurance": "medium"},
        "facility_services.search.assurance",
        "at a service with a login",
    ),
    "service key unknown": (
        {"facility_services.visa.redirect_url": "x"},
        "facility_services.visa.redirect_url",
        "redirect_uris",
    ),
    "service without keys": ({"facility_services.visa": None}, "facility_services.visa", "such as `url`"),
    "service without secret": (
        {"facility_services.scicat.client_secret": Missing},
        "facility_services.scicat.client_secret",
        "missing",
    ),
    "service short secret": (
        {"facility_services.scicat.client_secret": SHORT},
        "facility_services.scicat.client_secret",
        "at least 16",
    ),
    "service default secret": (
        {"facility_services.scicat.client_secret": PUBLISHED},
        "facility_services.scicat.client_secret",
        "published",
    ),
    "secret not in the vault": (
        {"facility_services.scicat.client_secret": "{{ vault_nobody_made_this }}"},
        "facility_services",
        "vault_nobody_made_this",
    ),
    "wildcard redirect": (
        {"facility_services.elog.redirect_uris": ["https://elog.facility.example/*"]},
        "facility_services.elog.redirect_uris",
        "without wildcard",
    ),
    "http redirect": (
        {"facility_services.elog.redirect_uris": ["http://elog.facility.example/cb"]},
        "facility_services.elog.redirect_uris",
        "https addresses",
    ),
    "localhost redirect unasked": (
        {"facility_services.elog.redirect_uris": ["http://localhost:4200/cb"]},
        "facility_services.elog.redirect_uris",
        "allow_localhost",
    ),
    "wildcard redirect on localhost": (
        {
            "facility_services.elog.redirect_uris": ["http://localhost:4200/*"],
            "facility_services.elog.allow_localhost": True,
        },
        "facility_services.elog.redirect_uris",
        "without wildcard",
    ),
    "redirect that climbs": (
        {"facility_services.elog.redirect_uris": ["https://elog.facility.example/a/../b"]},
        "facility_services.elog.redirect_uris",
        "exact",
    ),
    "no redirect": ({"facility_services.elog.redirect_uris": []}, "facility_services.elog.redirect_uris", "missing"),
    "wildcard after logout": (
        {"facility_services.visa.logout_uris": ["+"]},
        "facility_services.visa.logout_uris",
        "exact https addresses",
    ),
    "origin plus": (
        {"facility_services.visa.web_origins": ["+"]},
        "facility_services.visa.web_origins",
        "neither + nor *",
    ),
    "origin star": (
        {"facility_services.visa.web_origins": ["*"]},
        "facility_services.visa.web_origins",
        "neither + nor *",
    ),
    "entitlement is no G069": (
        {"facility_groups_from_entitlements.0.entitlement": "beamline-users"},
        "facility_groups_from_entitlements",
        "AARC-G069",
    ),
    "entitlement wildcard": (
        {"facility_groups_from_entitlements.0.entitlement": "urn:geant:umbrellaid.org:group:*"},
        "facility_groups_from_entitlements",
        "AARC-G069",
    ),
    "group without slash": (
        {"facility_groups_from_entitlements.0.group": "users"},
        "facility_groups_from_entitlements",
        "the path of a group",
    ),
    "own entitlements without namespace": (
        {"facility_entitlements": {"groups": ["/facility"]}},
        "facility_entitlements.namespace",
        "urn:geant:facility.example",
    ),
    "own entitlements with a whole entitlement": (
        {"facility_entitlements.namespace": "urn:geant:facility.example:group:x#y"},
        "facility_entitlements.namespace",
        "without #",
    ),
    "own entitlements of a group without slash": (
        {"facility_entitlements.groups": ["facility"]},
        "facility_entitlements.groups",
        "paths of groups",
    ),
    "own entitlements by nobody": (
        {"facility_entitlements.authority": "us"},
        "facility_entitlements.authority",
        "DNS name",
    ),
    "policy in clear": ({"facility_aup.url": "http://www.facility.example/aup"}, "facility_aup.url", "an https URL"),
    "policy without version": ({"facility_aup.version": Missing}, "facility_aup.version", "such as 2.1"),
    "policy in no language": ({"facility_aup.text": {"english": "x"}}, "facility_aup.text", "one of en, de"),
    "policy key unknown": ({"facility_aup.link": "https://x.example"}, "facility_aup", "link"),
    "entitlement of anybody": (
        {"facility_groups_from_entitlements.0.provider": Missing},
        "facility_groups_from_entitlements",
        "with `provider`, one of umbrella, uni",
    ),
}

REALM = {
    "realm variable unknown": ({"realm_langauges": ["en"]}, "realm_langauges", "did you mean realm_languages?"),
    "realm called master": ({"realm_name": "master"}, "realm_name", "not master"),
    "token for a day": ({"realm_access_token_lifespan": 86400}, "realm_access_token_lifespan", "at most 3600"),
    "proof without time": ({"realm_preflight_timeout": 0}, "realm_preflight_timeout", "more than 0"),
    "nobody of that name to go on without": (
        {"realm_preflight_despite": ["umbrela"]},
        "realm_preflight_despite",
        "umbrella, uni, egi-checkin, orcid, partner, ldap, smtp",
    ),
    "no language": ({"realm_languages": []}, "realm_languages", "at least one"),
    "mail in clear": ({"realm_smtp.starttls": False}, "realm_smtp.ssl", "starttls: true"),
    "mail without sender": ({"realm_smtp.from": Missing}, "realm_smtp.from", "e-mail address of the sender"),
    "purge of a realm that stays": ({"realm_purge": True}, "realm_purge", "realm_state is absent"),
    "automation secret short": ({"realm_client_secret": SHORT}, "realm_client_secret", "at least 16"),
    "fingerprint key published": ({"realm_fingerprint_key": PUBLISHED}, "realm_fingerprint_key", "published"),
    "wildcard by realm_extra": (
        {"realm_extra.clients": [{"clientId": "visa", "redirectUris": ["https://visa.facility.example/*"]}]},
        "redirectUris of client visa",
        "without wildcard",
    ),
    "origin by realm_extra": (
        {"realm_extra.clients": [{"clientId": "visa", "webOrigins": ["+"]}]},
        "webOrigins of client visa",
        "realm_extra",
    ),
    "logout by realm_extra": (
        {"realm_extra.clients": [{"clientId": "visa", "attributes": {"post.logout.redirect.uris": "+"}}]},
        "post.logout.redirect.uris of client visa",
        "exact https addresses",
    ),
    "implicit flow by realm_extra": (
        {"realm_extra.clients": [{"clientId": "visa", "implicitFlowEnabled": True}]},
        "client visa",
        "standard flow only",
    ),
    "provider trusted with e-mail addresses": (
        {"realm_extra.identityProviders": [{"alias": "uni", "trustEmail": True}]},
        "identity provider uni",
        "trustEmail: false",
    ),
    "provider without signatures": (
        {"realm_extra.identityProviders": [{"alias": "uni", "config": {"validateSignature": "false"}}]},
        "identity provider uni",
        "validateSignature: true",
    ),
    "SAML with unsigned assertions": (
        {
            "facility_identity_providers.1": SAML,
            "realm_extra.identityProviders": [{"alias": "uni", "config": {"wantAssertionsSigned": "false"}}],
        },
        "identity provider uni",
        "wantAssertionsSigned: true",
    ),
    "provider past the gates": (
        {"realm_extra.identityProviders": [{"alias": "uni", "postBrokerLoginFlowAlias": ""}]},
        "identity provider uni",
        "past the gates",
    ),
    "gate unbound": (
        {"realm_extra.clients": [{"clientId": "visa", "authenticationFlowBindingOverrides": {"browser": ""}}]},
        "client visa",
        "people whom the service is to refuse would get in",
    ),
    "gate without its mark": (
        {"realm_extra.clients": [{"clientId": "visa", "defaultClientScopes": ["basic", "profile"]}]},
        "client visa",
        "gate-visa among defaultClientScopes",
    ),
    "ICAT user that people choose": (
        {"facility_services.icat.options": {"user_attribute": "email"}},
        "clientScope aud-icat",
        "an attribute that only the administration writes",
    ),
    "ICAT with other signatures": (
        {"realm_extra.defaultSignatureAlgorithm": "ES256"},
        "defaultSignatureAlgorithm",
        "RS256 while there is icat",
    ),
    "preset lost": (
        {"facility_preset_directories": []},
        "realm_fragments",
        "no preset 'proposals' among services; known are account",
    ),
    "two services, one client": ({"facility_services.elog.client_id": "icat"}, "realm", "clients/icat"),
}

KEYCLOAK = {
    "Keycloak below the floor": ({"keycloak_version": "26.7.4"}, "keycloak_version", "26.7.5"),
    "Keycloak of long ago": ({"keycloak_version": "22.0.1"}, "keycloak_version", "26.7.5"),
    "Keycloak variable unknown": ({"keycloak_verison": "26.7.5"}, "keycloak_verison", "did you mean keycloak_version?"),
}

CATALOGUE = {
    "catalogue variable unknown": ({"catalogue_stoer": "sqlite"}, "catalogue_stoer", "did you mean catalogue_store?"),
    "catalogue URL in clear": (
        {"facility_services.catalogue.url": "http://data.facility.example"},
        "catalogue_url",
        "https, host name",
    ),
    "catalogue URL with a path": ({"catalogue_url": "https://www.facility.example/data"}, "catalogue_url", "no path"),
    "catalogue behind a gate": (
        {"facility_services.catalogue.openness": "authorised"},
        "facility_services.catalogue.openness",
        "anonymous",
    ),
    "catalogue store unknown": ({"catalogue_store": "mongodb"}, "catalogue_store", ""),
    "SQLite on two nodes": (
        {"catalogue_store": "sqlite", "catalogue_nodes": "{{ [inventory_hostname, 'data2.facility.example'] }}"},
        "catalogue_nodes",
        "one host as long as catalogue_store is sqlite",
    ),
    "node is not among the nodes": (
        {"catalogue_nodes": ["data2.facility.example"]},
        "catalogue_nodes",
        "inventory names of all nodes",
    ),
    "PostgreSQL without a server": ({"catalogue_db_host": ""}, "catalogue_db_host", "put a host in group postgresql"),
    "database not verified": (
        {"catalogue_db_url": "postgresql://catalogue@db1.facility.example/catalogue?sslmode=require"},
        "catalogue_db_url",
        "sslmode=verify-full",
    ),
    "database password in the URL": (
        {
            "catalogue_db_url": f"postgresql://catalogue:{SECRET}@db1.facility.example/catalogue?sslmode=verify-full&sslrootcert=/x"
        },
        "catalogue_db_url",
        "use catalogue_db_password",
    ),
    "database password short": ({"catalogue_db_password": SHORT}, "catalogue_db_password", "16 ASCII characters"),
    "database user is PostgreSQL's own": (
        {"catalogue_db_user": "postgres"},
        "catalogue_db_user",
        "not a name of PostgreSQL's own",
    ),
    "token published": (
        {"catalogue_push_tokens": {"facility": PUBLISHED}},
        "catalogue_push_tokens.facility",
        "a token of 16 ASCII characters",
    ),
    "token with a blank": (
        {"catalogue_push_tokens": {"facility": f"{SECRET} {SECRET}"}},
        "catalogue_push_tokens.facility",
        "without blanks",
    ),
    "tokens are one secret": ({"catalogue_push_tokens": SECRET}, "catalogue_push_tokens", ""),
    "catalogue port of root": ({"catalogue_port": 443}, "catalogue_port", "1024 to 65535"),
    "catalogue trusts the world": (
        {"catalogue_trusted_proxies": ["0.0.0.0/0"]},
        "catalogue_trusted_proxies[0.0.0.0/0]",
        "not the whole internet",
    ),
    "metrics for everybody": (
        {"catalogue_public_paths": ["^/$", "/api/", "/metrics"]},
        "catalogue_public_paths[/metrics]",
        "nor metrics",
    ),
    "everything for everybody": (
        {"catalogue_public_paths": ["/"]},
        "catalogue_public_paths[/]",
        "neither / with all below it",
    ),
    "package of another kind": (
        {"catalogue_package": "pan-catalogue>=0.1"},
        "catalogue_package",
        "a requirement of one version",
    ),
    "wheel that is not there": (
        {"catalogue_package": "/nowhere/pan_catalogue-0.1.0-py3-none-any.whl"},
        "catalogue_package",
        "a file on the control node",
    ),
    "package checksum of another kind": (
        {"catalogue_package_checksum": "md5:d41d8cd98f00b204e9800998ecf8427e"},
        "catalogue_package_checksum",
        "sha256:",
    ),
    "index in clear": ({"catalogue_pip_index": "http://pypi.facility.example/simple"}, "catalogue_pip_index", "https"),
    "index with a password": (
        {"catalogue_pip_index": f"https://kit:{SECRET}@pypi.facility.example/simple"},
        "catalogue_pip_index",
        "without user and password",
    ),
    "PaNET without checksum": (
        {"catalogue_panet_url": "https://www.facility.example/PaNET.csv"},
        "catalogue_panet_checksum",
        "sha256:",
    ),
    "PaNET twice": (
        {
            "catalogue_panet_file": "/etc/hostname",
            "catalogue_panet_url": "https://www.facility.example/PaNET.csv",
            "catalogue_panet_checksum": f"sha256:{64 * '0'}",
        },
        "catalogue_panet_file",
        "no catalogue_panet_url",
    ),
    "PaNET that is not there": ({"catalogue_panet_file": "/nowhere/PaNET.csv"}, "catalogue_panet_file", "PaNET.csv"),
    "no limit of time": ({"catalogue_limits": {"seconds": 0}}, "catalogue_limits.seconds", "at most 60"),
    "page without end": ({"catalogue_limits": {"page": 100000000}}, "catalogue_limits.page", "1 to 100000"),
    "catalogue limit unknown": ({"catalogue_limits": {"pages": 10}}, "catalogue_limits", ""),
    "no workers": ({"catalogue_workers": 0}, "catalogue_workers", "1 to 64"),
    "listens on a name": ({"catalogue_listen_address": "localhost"}, "catalogue_listen_address", "an address"),
}
