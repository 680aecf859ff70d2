# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""All kinds of objects, in the order in which they are written: what is referred to comes first."""

from __future__ import annotations

from .bindings import Bindings
from .client_scopes import ClientScopes, DefaultScopes
from .clients import Clients
from .flows import Flows
from .groups import Groups
from .identity_providers import IdentityProviderMappers, IdentityProviders
from .localization import Localization
from .realm_settings import RealmSettings
from .required_actions import RequiredActions
from .roles import Composites, GroupRoles, Roles, ScopeMappings
from .user_federation import FederationMappers, UserFederation
from .user_profile import UserProfile

KINDS = (
    RealmSettings(),
    UserProfile(),
    Roles(of_clients=False),
    ClientScopes(),
    DefaultScopes(),
    Clients(),
    Roles(of_clients=True),
    Composites(),
    ScopeMappings(),
    Groups(),
    GroupRoles(),
    Flows(),
    IdentityProviders(),
    IdentityProviderMappers(),
    UserFederation(),
    FederationMappers(),
    Bindings(),
    RequiredActions(),
    Localization(),
)
