# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What a new realm, and a new client, of Keycloak 26.7.5 hold: written by tests/keycloak/fresh_realm.py, not by hand.

A description of a realm leaves it out. What another version has otherwise is merely described too.
"""

from __future__ import annotations

REALM = r"""
{
 "defaultSignatureAlgorithm": "RS256",
 "revokeRefreshToken": false,
 "refreshTokenMaxReuse": 0,
 "accessTokenLifespan": 300,
 "accessTokenLifespanForImplicitFlow": 900,
 "ssoSessionIdleTimeout": 1800,
 "ssoSessionMaxLifespan": 36000,
 "ssoSessionIdleTimeoutRememberMe": 0,
 "ssoSessionMaxLifespanRememberMe": 0,
 "offlineSessionIdleTimeout": 2592000,
 "offlineSessionMaxLifespanEnabled": false,
 "offlineSessionMaxLifespan": 5184000,
 "clientSessionIdleTimeout": 0,
 "clientSessionMaxLifespan": 0,
 "clientOfflineSessionIdleTimeout": 0,
 "clientOfflineSessionMaxLifespan": 0,
 "accessCodeLifespan": 60,
 "accessCodeLifespanUserAction": 300,
 "accessCodeLifespanLogin": 1800,
 "actionTokenGeneratedByAdminLifespan": 43200,
 "actionTokenGeneratedByUserLifespan": 300,
 "oauth2DeviceCodeLifespan": 600,
 "oauth2DevicePollingInterval": 5,
 "sslRequired": "external",
 "registrationAllowed": false,
 "registrationEmailAsUsername": false,
 "rememberMe": false,
 "verifyEmail": false,
 "loginWithEmailAllowed": true,
 "duplicateEmailsAllowed": false,
 "resetPasswordAllowed": false,
 "editUsernameAllowed": false,
 "bruteForceProtected": false,
 "permanentLockout": false,
 "maxTemporaryLockouts": 0,
 "bruteForceStrategy": "MULTIPLE",
 "maxFailureWaitSeconds": 900,
 "minimumQuickLoginWaitSeconds": 60,
 "waitIncrementSeconds": 60,
 "quickLoginCheckMilliSeconds": 1000,
 "maxDeltaTimeSeconds": 43200,
 "failureFactor": 30,
 "maxSecondaryAuthFailures": 0,
 "otpPolicyType": "totp",
 "otpPolicyAlgorithm": "HmacSHA1",
 "otpPolicyInitialCounter": 0,
 "otpPolicyDigits": 6,
 "otpPolicyLookAheadWindow": 1,
 "otpPolicyPeriod": 30,
 "otpPolicyCodeReusable": false,
 "otpSupportedApplications": [
  "totpAppFreeOTPName",
  "totpAppGoogleName",
  "totpAppMicrosoftAuthenticatorName"
 ],
 "webAuthnPolicyRpEntityName": "keycloak",
 "webAuthnPolicySignatureAlgorithms": [
  "ES256",
  "RS256"
 ],
 "webAuthnPolicyAttestationConveyancePreference": "not specified",
 "webAuthnPolicyAuthenticatorAttachment": "not specified",
 "webAuthnPolicyRequireResidentKey": "not specified",
 "webAuthnPolicyResidentKey": "not specified",
 "webAuthnPolicyUserVerificationRequirement": "not specified",
 "webAuthnPolicyCreateTimeout": 0,
 "webAuthnPolicyAvoidSameAuthenticatorRegister": false,
 "webAuthnPolicyPasswordlessRpEntityName": "keycloak",
 "webAuthnPolicyPasswordlessSignatureAlgorithms": [
  "ES256",
  "RS256"
 ],
 "webAuthnPolicyPasswordlessAttestationConveyancePreference": "not specified",
 "webAuthnPolicyPasswordlessAuthenticatorAttachment": "not specified",
 "webAuthnPolicyPasswordlessRequireResidentKey": "not specified",
 "webAuthnPolicyPasswordlessResidentKey": "required",
 "webAuthnPolicyPasswordlessUserVerificationRequirement": "required",
 "webAuthnPolicyPasswordlessCreateTimeout": 0,
 "webAuthnPolicyPasswordlessAvoidSameAuthenticatorRegister": false,
 "browserSecurityHeaders": {
  "contentSecurityPolicyReportOnly": "",
  "xContentTypeOptions": "nosniff",
  "referrerPolicy": "no-referrer",
  "xRobotsTag": "none",
  "xFrameOptions": "SAMEORIGIN",
  "contentSecurityPolicy": "frame-src 'self'; frame-ancestors 'self'; object-src 'none';",
  "strictTransportSecurity": "max-age=31536000; includeSubDomains"
 },
 "eventsEnabled": false,
 "eventsListeners": [
  "jboss-logging"
 ],
 "adminEventsEnabled": false,
 "adminEventsDetailsEnabled": false,
 "internationalizationEnabled": false,
 "attributes": {
  "cibaBackchannelTokenDeliveryMode": "poll",
  "cibaExpiresIn": "120",
  "cibaAuthRequestedUserHint": "login_hint",
  "oauth2DeviceCodeLifespan": "600",
  "oauth2DevicePollingInterval": "5",
  "parRequestUriLifespan": "60",
  "cibaInterval": "5",
  "realmReusableOtpCode": "false"
 },
 "userManagedAccessAllowed": false,
 "organizationsEnabled": false,
 "verifiableCredentialsEnabled": false,
 "adminPermissionsEnabled": false,
 "scimApiEnabled": false,
 "browserFlow": "browser",
 "registrationFlow": "registration",
 "directGrantFlow": "direct grant",
 "resetCredentialsFlow": "reset credentials",
 "clientAuthenticationFlow": "clients",
 "dockerAuthenticationFlow": "docker auth",
 "firstBrokerLoginFlow": "first broker login",
 "userProfile": {
  "attributes": [
   {
    "displayName": "${username}",
    "multivalued": false,
    "name": "username",
    "permissions": {
     "edit": [
      "admin",
      "user"
     ],
     "view": [
      "admin",
      "user"
     ]
    },
    "validations": {
     "length": {
      "max": 255,
      "min": 3
     },
     "up-username-not-idn-homograph": {},
     "username-prohibited-characters": {}
    }
   },
   {
    "displayName": "${email}",
    "multivalued": false,
    "name": "email",
    "permissions": {
     "edit": [
      "admin",
      "user"
     ],
     "view": [
      "admin",
      "user"
     ]
    },
    "required": {
     "roles": [
      "user"
     ]
    },
    "validations": {
     "email": {},
     "length": {
      "max": 255
     }
    }
   },
   {
    "displayName": "${firstName}",
    "multivalued": false,
    "name": "firstName",
    "permissions": {
     "edit": [
      "admin",
      "user"
     ],
     "view": [
      "admin",
      "user"
     ]
    },
    "required": {
     "roles": [
      "user"
     ]
    },
    "validations": {
     "length": {
      "max": 255
     },
     "person-name-prohibited-characters": {}
    }
   },
   {
    "displayName": "${lastName}",
    "multivalued": false,
    "name": "lastName",
    "permissions": {
     "edit": [
      "admin",
      "user"
     ],
     "view": [
      "admin",
      "user"
     ]
    },
    "required": {
     "roles": [
      "user"
     ]
    },
    "validations": {
     "length": {
      "max": 255
     },
     "person-name-prohibited-characters": {}
    }
   }
  ],
  "groups": [
   {
    "displayDescription": "Attributes, which refer to user metadata",
    "displayHeader": "User metadata",
    "name": "user-metadata"
   }
  ]
 },
 "keyProviders": [
  {
   "config": {
    "algorithm": "RSA-OAEP",
    "priority": "100"
   },
   "name": "rsa-enc-generated",
   "providerId": "rsa-enc-generated"
  },
  {
   "config": {
    "algorithm": "HS512",
    "priority": "100"
   },
   "name": "hmac-generated-hs512",
   "providerId": "hmac-generated"
  },
  {
   "config": {
    "priority": "100"
   },
   "name": "aes-generated",
   "providerId": "aes-generated"
  },
  {
   "config": {
    "priority": "100"
   },
   "name": "rsa-generated",
   "providerId": "rsa-generated"
  }
 ],
 "clientScopes": [
  {
   "attributes": {
    "display.on.consent.screen": "false"
   },
   "description": "Organization Membership",
   "name": "saml_organization",
   "protocol": "saml",
   "protocolMappers": [
    {
     "name": "organization",
     "protocol": "saml",
     "protocolMapper": "saml-organization-membership-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${emailScopeConsentText}",
    "display.on.consent.screen": "true",
    "include.in.token.scope": "true"
   },
   "description": "OpenID Connect built-in scope: email",
   "name": "email",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "email",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "email",
      "userinfo.token.claim": "true"
     },
     "name": "email",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "email_verified",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "boolean",
      "user.attribute": "emailVerified",
      "userinfo.token.claim": "true"
     },
     "name": "email verified",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-property-mapper"
    }
   ]
  },
  {
   "attributes": {
    "display.on.consent.screen": "false",
    "include.in.token.scope": "false"
   },
   "description": "OpenID Connect scope for add all basic claims to the token",
   "name": "basic",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "auth_time",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "long",
      "user.session.note": "AUTH_TIME"
     },
     "name": "auth_time",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usersessionmodel-note-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "introspection.token.claim": "true"
     },
     "name": "sub",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-sub-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${rolesScopeConsentText}",
    "display.on.consent.screen": "true",
    "include.in.token.scope": "false"
   },
   "description": "OpenID Connect scope for add user roles to the access token",
   "name": "roles",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "introspection.token.claim": "true"
     },
     "name": "audience resolve",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-audience-resolve-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "resource_access.${client_id}.roles",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "multivalued": "true",
      "user.attribute": "foo"
     },
     "name": "client roles",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-client-role-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "realm_access.roles",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "multivalued": "true",
      "user.attribute": "foo"
     },
     "name": "realm roles",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-realm-role-mapper"
    }
   ]
  },
  {
   "description": "AuthnContextClassRef Level of Authentiation",
   "name": "AuthnContextClassRef",
   "protocol": "saml",
   "protocolMappers": [
    {
     "name": "AuthnContextClassRef",
     "protocol": "saml",
     "protocolMapper": "saml-authn-context-class-ref-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${samlRoleListScopeConsentText}",
    "display.on.consent.screen": "true"
   },
   "description": "SAML role list",
   "name": "role_list",
   "protocol": "saml",
   "protocolMappers": [
    {
     "config": {
      "attribute.name": "Role",
      "attribute.nameformat": "Basic",
      "single": "false"
     },
     "name": "role list",
     "protocol": "saml",
     "protocolMapper": "saml-role-list-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${phoneScopeConsentText}",
    "display.on.consent.screen": "true",
    "include.in.token.scope": "true"
   },
   "description": "OpenID Connect built-in scope: phone",
   "name": "phone",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "phone_number",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "phoneNumber",
      "userinfo.token.claim": "true"
     },
     "name": "phone number",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "phone_number_verified",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "boolean",
      "user.attribute": "phoneNumberVerified",
      "userinfo.token.claim": "true"
     },
     "name": "phone number verified",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${addressScopeConsentText}",
    "display.on.consent.screen": "true",
    "include.in.token.scope": "true"
   },
   "description": "OpenID Connect built-in scope: address",
   "name": "address",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "user.attribute.country": "country",
      "user.attribute.formatted": "formatted",
      "user.attribute.locality": "locality",
      "user.attribute.postal_code": "postal_code",
      "user.attribute.region": "region",
      "user.attribute.street": "street",
      "userinfo.token.claim": "true"
     },
     "name": "address",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-address-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${profileScopeConsentText}",
    "display.on.consent.screen": "true",
    "include.in.token.scope": "true"
   },
   "description": "OpenID Connect built-in scope: profile",
   "name": "profile",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "birthdate",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "birthdate",
      "userinfo.token.claim": "true"
     },
     "name": "birthdate",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "family_name",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "lastName",
      "userinfo.token.claim": "true"
     },
     "name": "family name",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "userinfo.token.claim": "true"
     },
     "name": "full name",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-full-name-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "gender",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "gender",
      "userinfo.token.claim": "true"
     },
     "name": "gender",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "given_name",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "firstName",
      "userinfo.token.claim": "true"
     },
     "name": "given name",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "locale",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "locale",
      "userinfo.token.claim": "true"
     },
     "name": "locale",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "middle_name",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "middleName",
      "userinfo.token.claim": "true"
     },
     "name": "middle name",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "nickname",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "nickname",
      "userinfo.token.claim": "true"
     },
     "name": "nickname",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "picture",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "picture",
      "userinfo.token.claim": "true"
     },
     "name": "picture",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "profile",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "profile",
      "userinfo.token.claim": "true"
     },
     "name": "profile",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "updated_at",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "long",
      "user.attribute": "updatedAt",
      "userinfo.token.claim": "true"
     },
     "name": "updated at",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "preferred_username",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "username",
      "userinfo.token.claim": "true"
     },
     "name": "username",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "website",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "website",
      "userinfo.token.claim": "true"
     },
     "name": "website",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "zoneinfo",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "zoneinfo",
      "userinfo.token.claim": "true"
     },
     "name": "zoneinfo",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    }
   ]
  },
  {
   "attributes": {
    "display.on.consent.screen": "false",
    "include.in.token.scope": "false"
   },
   "description": "Specific scope for a client enabled for service accounts",
   "name": "service_account",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "clientHost",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.session.note": "clientHost"
     },
     "name": "Client Host",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usersessionmodel-note-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "client_id",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.session.note": "client_id"
     },
     "name": "Client ID",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usersessionmodel-note-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "clientAddress",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.session.note": "clientAddress"
     },
     "name": "Client IP Address",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usersessionmodel-note-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${organizationScopeConsentText}",
    "display.on.consent.screen": "true",
    "include.in.token.scope": "true"
   },
   "description": "Additional claims about the organization a subject belongs to",
   "name": "organization",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "organization",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "multivalued": "true"
     },
     "name": "organization",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-organization-membership-mapper"
    }
   ]
  },
  {
   "attributes": {
    "consent.screen.text": "${offlineAccessScopeConsentText}",
    "display.on.consent.screen": "true"
   },
   "description": "OpenID Connect built-in scope: offline_access",
   "name": "offline_access",
   "protocol": "openid-connect"
  },
  {
   "attributes": {
    "consent.screen.text": "",
    "display.on.consent.screen": "false",
    "include.in.token.scope": "false"
   },
   "description": "OpenID Connect scope for add allowed web origins to the access token",
   "name": "web-origins",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "introspection.token.claim": "true"
     },
     "name": "allowed web origins",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-allowed-origins-mapper"
    }
   ]
  },
  {
   "attributes": {
    "display.on.consent.screen": "false",
    "include.in.token.scope": "true"
   },
   "description": "Microprofile - JWT built-in scope",
   "name": "microprofile-jwt",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "groups",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "multivalued": "true",
      "user.attribute": "foo"
     },
     "name": "groups",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-realm-role-mapper"
    },
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "upn",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "username",
      "userinfo.token.claim": "true"
     },
     "name": "upn",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    }
   ]
  },
  {
   "attributes": {
    "display.on.consent.screen": "false",
    "include.in.token.scope": "false"
   },
   "description": "OpenID Connect scope for add acr (authentication context class reference) to the token",
   "name": "acr",
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "id.token.claim": "true",
      "introspection.token.claim": "true"
     },
     "name": "acr loa level",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-acr-mapper"
    }
   ]
  }
 ],
 "defaultDefaultClientScopes": [
  "AuthnContextClassRef",
  "acr",
  "basic",
  "email",
  "profile",
  "role_list",
  "roles",
  "saml_organization",
  "web-origins"
 ],
 "defaultOptionalClientScopes": [
  "address",
  "microprofile-jwt",
  "offline_access",
  "organization",
  "phone"
 ],
 "roles": {
  "realm": [
   {
    "description": "${role_offline-access}",
    "name": "offline_access"
   },
   {
    "description": "${role_uma_authorization}",
    "name": "uma_authorization"
   },
   {
    "composites": {
     "client": {
      "account": [
       "manage-account",
       "view-profile"
      ]
     },
     "realm": [
      "offline_access",
      "uma_authorization"
     ]
    },
    "description": "${role_default-roles}",
    "name": "default-roles-{realm}"
   }
  ],
  "client": {
   "account": [
    {
     "composites": {
      "client": {
       "account": [
        "manage-account-links"
       ]
      }
     },
     "description": "${role_manage-account}",
     "name": "manage-account"
    },
    {
     "description": "${role_view-groups}",
     "name": "view-groups"
    },
    {
     "description": "${role_manage-account-links}",
     "name": "manage-account-links"
    },
    {
     "description": "${role_view-consent}",
     "name": "view-consent"
    },
    {
     "description": "${role_delete-account}",
     "name": "delete-account"
    },
    {
     "composites": {
      "client": {
       "account": [
        "view-consent"
       ]
      }
     },
     "description": "${role_manage-consent}",
     "name": "manage-consent"
    },
    {
     "description": "${role_view-applications}",
     "name": "view-applications"
    },
    {
     "description": "${role_view-profile}",
     "name": "view-profile"
    }
   ],
   "broker": [
    {
     "description": "${role_read-token}",
     "name": "read-token"
    }
   ],
   "realm-management": [
    {
     "description": "${role_manage-authorization}",
     "name": "manage-authorization"
    },
    {
     "description": "${role_view-identity-providers}",
     "name": "view-identity-providers"
    },
    {
     "description": "${role_view-realm}",
     "name": "view-realm"
    },
    {
     "description": "${role_query-organizations}",
     "name": "query-organizations"
    },
    {
     "composites": {
      "client": {
       "realm-management": [
        "query-organizations"
       ]
      }
     },
     "description": "${role_view-organizations}",
     "name": "view-organizations"
    },
    {
     "description": "${role_query-groups}",
     "name": "query-groups"
    },
    {
     "composites": {
      "client": {
       "realm-management": [
        "query-clients"
       ]
      }
     },
     "description": "${role_view-clients}",
     "name": "view-clients"
    },
    {
     "description": "${role_manage-users}",
     "name": "manage-users"
    },
    {
     "description": "${role_manage-identity-providers}",
     "name": "manage-identity-providers"
    },
    {
     "description": "${role_impersonation}",
     "name": "impersonation"
    },
    {
     "description": "${role_view-authorization}",
     "name": "view-authorization"
    },
    {
     "description": "${role_manage-realm}",
     "name": "manage-realm"
    },
    {
     "composites": {
      "client": {
       "realm-management": [
        "create-client",
        "impersonation",
        "manage-authorization",
        "manage-clients",
        "manage-events",
        "manage-identity-providers",
        "manage-organizations",
        "manage-realm",
        "manage-users",
        "query-clients",
        "query-groups",
        "query-organizations",
        "query-realms",
        "query-users",
        "view-authorization",
        "view-clients",
        "view-events",
        "view-identity-providers",
        "view-organizations",
        "view-realm",
        "view-users"
       ]
      }
     },
     "description": "${role_realm-admin}",
     "name": "realm-admin"
    },
    {
     "description": "${role_manage-events}",
     "name": "manage-events"
    },
    {
     "description": "${role_query-realms}",
     "name": "query-realms"
    },
    {
     "description": "${role_query-users}",
     "name": "query-users"
    },
    {
     "description": "${role_create-client}",
     "name": "create-client"
    },
    {
     "composites": {
      "client": {
       "realm-management": [
        "query-groups",
        "query-users"
       ]
      }
     },
     "description": "${role_view-users}",
     "name": "view-users"
    },
    {
     "description": "${role_manage-organizations}",
     "name": "manage-organizations"
    },
    {
     "description": "${role_query-clients}",
     "name": "query-clients"
    },
    {
     "description": "${role_manage-clients}",
     "name": "manage-clients"
    },
    {
     "description": "${role_view-events}",
     "name": "view-events"
    }
   ]
  }
 },
 "clients": [
  {
   "alwaysDisplayInConsole": false,
   "attributes": {
    "post.logout.redirect.uris": "+"
   },
   "baseUrl": "/realms/{realm}/account/",
   "bearerOnly": false,
   "clientAuthenticatorType": "client-secret",
   "clientId": "account",
   "consentRequired": false,
   "defaultClientScopes": [
    "acr",
    "basic",
    "email",
    "profile",
    "roles",
    "web-origins"
   ],
   "directAccessGrantsEnabled": false,
   "enabled": true,
   "frontchannelLogout": false,
   "fullScopeAllowed": false,
   "implicitFlowEnabled": false,
   "name": "${client_account}",
   "nodeReRegistrationTimeout": 0,
   "notBefore": 0,
   "protocol": "openid-connect",
   "publicClient": true,
   "redirectUris": [
    "/realms/{realm}/account/*"
   ],
   "rootUrl": "${authBaseUrl}",
   "serviceAccountsEnabled": false,
   "standardFlowEnabled": true,
   "surrogateAuthRequired": false
  },
  {
   "alwaysDisplayInConsole": false,
   "attributes": {
    "pkce.code.challenge.method": "S256",
    "post.logout.redirect.uris": "+"
   },
   "baseUrl": "/realms/{realm}/account/",
   "bearerOnly": false,
   "clientAuthenticatorType": "client-secret",
   "clientId": "account-console",
   "consentRequired": false,
   "defaultClientScopes": [
    "acr",
    "basic",
    "email",
    "profile",
    "roles",
    "web-origins"
   ],
   "directAccessGrantsEnabled": false,
   "enabled": true,
   "frontchannelLogout": false,
   "fullScopeAllowed": false,
   "implicitFlowEnabled": false,
   "name": "${client_account-console}",
   "nodeReRegistrationTimeout": 0,
   "notBefore": 0,
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "name": "audience resolve",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-audience-resolve-mapper"
    }
   ],
   "publicClient": true,
   "redirectUris": [
    "/realms/{realm}/account/*"
   ],
   "rootUrl": "${authBaseUrl}",
   "serviceAccountsEnabled": false,
   "standardFlowEnabled": true,
   "surrogateAuthRequired": false
  },
  {
   "alwaysDisplayInConsole": false,
   "attributes": {
    "client.use.lightweight.access.token.enabled": "true"
   },
   "bearerOnly": false,
   "clientAuthenticatorType": "client-secret",
   "clientId": "admin-cli",
   "consentRequired": false,
   "defaultClientScopes": [
    "acr",
    "basic",
    "email",
    "profile",
    "roles",
    "web-origins"
   ],
   "directAccessGrantsEnabled": true,
   "enabled": true,
   "frontchannelLogout": false,
   "fullScopeAllowed": true,
   "implicitFlowEnabled": false,
   "name": "${client_admin-cli}",
   "nodeReRegistrationTimeout": 0,
   "notBefore": 0,
   "protocol": "openid-connect",
   "publicClient": true,
   "serviceAccountsEnabled": false,
   "standardFlowEnabled": false,
   "surrogateAuthRequired": false
  },
  {
   "alwaysDisplayInConsole": false,
   "bearerOnly": true,
   "clientAuthenticatorType": "client-secret",
   "clientId": "broker",
   "consentRequired": false,
   "defaultClientScopes": [
    "acr",
    "basic",
    "email",
    "profile",
    "roles",
    "web-origins"
   ],
   "directAccessGrantsEnabled": false,
   "enabled": true,
   "frontchannelLogout": false,
   "fullScopeAllowed": false,
   "implicitFlowEnabled": false,
   "name": "${client_broker}",
   "nodeReRegistrationTimeout": 0,
   "notBefore": 0,
   "protocol": "openid-connect",
   "publicClient": false,
   "serviceAccountsEnabled": false,
   "standardFlowEnabled": true,
   "surrogateAuthRequired": false
  },
  {
   "alwaysDisplayInConsole": false,
   "bearerOnly": true,
   "clientAuthenticatorType": "client-secret",
   "clientId": "realm-management",
   "consentRequired": false,
   "defaultClientScopes": [
    "acr",
    "basic",
    "email",
    "profile",
    "roles",
    "web-origins"
   ],
   "directAccessGrantsEnabled": false,
   "enabled": true,
   "frontchannelLogout": false,
   "fullScopeAllowed": false,
   "implicitFlowEnabled": false,
   "name": "${client_realm-management}",
   "nodeReRegistrationTimeout": 0,
   "notBefore": 0,
   "protocol": "openid-connect",
   "publicClient": false,
   "serviceAccountsEnabled": false,
   "standardFlowEnabled": true,
   "surrogateAuthRequired": false
  },
  {
   "alwaysDisplayInConsole": false,
   "attributes": {
    "client.use.lightweight.access.token.enabled": "true",
    "pkce.code.challenge.method": "S256",
    "post.logout.redirect.uris": "+"
   },
   "baseUrl": "/admin/{realm}/console/",
   "bearerOnly": false,
   "clientAuthenticatorType": "client-secret",
   "clientId": "security-admin-console",
   "consentRequired": false,
   "defaultClientScopes": [
    "acr",
    "basic",
    "email",
    "profile",
    "roles",
    "web-origins"
   ],
   "directAccessGrantsEnabled": false,
   "enabled": true,
   "frontchannelLogout": false,
   "fullScopeAllowed": true,
   "implicitFlowEnabled": false,
   "name": "${client_security-admin-console}",
   "nodeReRegistrationTimeout": 0,
   "notBefore": 0,
   "protocol": "openid-connect",
   "protocolMappers": [
    {
     "config": {
      "access.token.claim": "true",
      "claim.name": "locale",
      "id.token.claim": "true",
      "introspection.token.claim": "true",
      "jsonType.label": "String",
      "user.attribute": "locale",
      "userinfo.token.claim": "true"
     },
     "name": "locale",
     "protocol": "openid-connect",
     "protocolMapper": "oidc-usermodel-attribute-mapper"
    }
   ],
   "publicClient": true,
   "redirectUris": [
    "/admin/{realm}/console/*"
   ],
   "rootUrl": "${authAdminUrl}",
   "serviceAccountsEnabled": false,
   "standardFlowEnabled": true,
   "surrogateAuthRequired": false,
   "webOrigins": [
    "+"
   ]
  }
 ],
 "scopeMappings": [
  {
   "clientScope": "offline_access",
   "roles": [
    "offline_access"
   ]
  }
 ],
 "clientScopeMappings": {
  "account": [
   {
    "client": "account-console",
    "roles": [
     "manage-account",
     "view-groups"
    ]
   }
  ]
 },
 "requiredActions": [
  {
   "alias": "TERMS_AND_CONDITIONS",
   "defaultAction": false,
   "enabled": false,
   "priority": 20
  },
  {
   "alias": "UPDATE_PROFILE",
   "defaultAction": false,
   "enabled": true,
   "priority": 40
  },
  {
   "alias": "VERIFY_EMAIL",
   "defaultAction": false,
   "enabled": true,
   "priority": 50
  },
  {
   "alias": "CONFIGURE_TOTP",
   "defaultAction": false,
   "enabled": true,
   "priority": 54
  },
  {
   "alias": "UPDATE_PASSWORD",
   "defaultAction": false,
   "enabled": true,
   "priority": 57
  },
  {
   "alias": "delete_account",
   "defaultAction": false,
   "enabled": false,
   "priority": 60
  },
  {
   "alias": "UPDATE_EMAIL",
   "defaultAction": false,
   "enabled": false,
   "priority": 70
  },
  {
   "alias": "webauthn-register",
   "defaultAction": false,
   "enabled": true,
   "priority": 80
  },
  {
   "alias": "webauthn-register-passwordless",
   "defaultAction": false,
   "enabled": true,
   "priority": 90
  },
  {
   "alias": "VERIFY_PROFILE",
   "defaultAction": false,
   "enabled": true,
   "priority": 100
  },
  {
   "alias": "delete_credential",
   "defaultAction": false,
   "enabled": true,
   "priority": 110
  },
  {
   "alias": "idp_link",
   "defaultAction": false,
   "enabled": true,
   "priority": 120
  },
  {
   "alias": "CONFIGURE_RECOVERY_AUTHN_CODES",
   "defaultAction": false,
   "enabled": true,
   "priority": 130
  },
  {
   "alias": "update_user_locale",
   "defaultAction": false,
   "enabled": true,
   "priority": 1000
  }
 ]
}
"""

CLIENT = {
    "surrogateAuthRequired": False,
    "enabled": True,
    "alwaysDisplayInConsole": False,
    "clientAuthenticatorType": "client-secret",
    "notBefore": 0,
    "bearerOnly": False,
    "consentRequired": False,
    "standardFlowEnabled": True,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "serviceAccountsEnabled": False,
    "publicClient": False,
    "frontchannelLogout": False,
    "protocol": "openid-connect",
    "fullScopeAllowed": True,
    "nodeReRegistrationTimeout": -1,
    "defaultClientScopes": ["acr", "basic", "email", "profile", "roles", "web-origins"],
}
