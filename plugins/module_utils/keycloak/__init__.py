# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Keycloak realms as data: document -> plan -> apply.

client     HTTP, token, retries, request count
document   the wanted side, checked and taken apart
state      the live side, read in few requests
compare    differences between the two, by Keycloak's own idea of equal
kinds/     one small piece for each kind of object: plan (pure) and apply
ownership  what this tool made, and what of it the document no longer names
plan       all changes in order; apply writes them; reconcile is the whole of it
"""
