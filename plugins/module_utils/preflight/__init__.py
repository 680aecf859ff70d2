# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Proofs before anything is written: what the services will lean on is there and answers as configured.

findings   what a check found
net        connections that end in time; HTTPS
ber, dates the little of certificates and LDAP that is needed, without libraries
oidc, saml, directory, mail
           one kind of partner each: `judge_...` are pure, `probe` asks and judges
identity   which partners a realm document names, all probed at once
host       the host itself: names, ports, disk, clock, packages, certificates

Standard library only: the checks run on hosts on which nothing has been installed yet.
"""
