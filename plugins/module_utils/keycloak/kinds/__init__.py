# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""All kinds of objects, in the order in which they are written: what is referred to comes first."""

from __future__ import annotations

from .admin_permissions import AdminPermissions, AdminPolicies, AdminSwitch
from .authorization import Authorization
from .bindings import Bindings
from .client_policies import ClientPolicies
from .client_scopes import ClientScopes, DefaultScopes, Mappers
from .clients import Clients
from .default_groups import DefaultGroups
from .flows import Flows
from .groups import Groups
from .identity_providers import IdentityProviderMappers, IdentityProviders
from .key_providers import KeyProviders
from .localization import Localization
from .organizations import OrganizationProviders, Organizations
from .realm_settings import RealmSettings
from .required_actions import RequiredActions
from .roles import Composites, GroupRoles, Roles, ScopeMappings, ServiceAccountRoles
from .user_federation import FederationMappers, UserFederation
from .user_profile import UserProfile

KINDS = (
    RealmSettings(),
    UserProfile(),
    KeyProviders(),
    Roles(of_clients=False),
    ClientScopes(),
    Mappers(of="client scope", section="clientScopes", path="/client-scopes"),
    DefaultScopes(),
    Clients(),
    Mappers(of="client", section="clients", path="/clients"),
    Roles(of_clients=True),
    Composites(),
    ScopeMappings(),
    ServiceAccountRoles(),
    Groups(),
    GroupRoles(),
    DefaultGroups(),
    Authorization(),
    Flows(),
    IdentityProviders(),
    IdentityProviderMappers(),
    Organizations(),
    OrganizationProviders(),
    AdminSwitch(),
    AdminPolicies(),
    AdminPermissions(),
    UserFederation(),
    FederationMappers(),
    Bindings(),
    RequiredActions(),
    ClientPolicies(profiles=True),
    ClientPolicies(profiles=False),
    Localization(),
)
