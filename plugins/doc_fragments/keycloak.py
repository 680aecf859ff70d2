# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Options by which every Keycloak module of this collection reaches the server."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragment `panosc.facility.keycloak`."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the Keycloak server, C(https) only, without path and without slash at the end.
      - The node itself rather than a proxy that closes the admin paths.
    type: str
    required: true
  ca_path:
    description:
      - File on the managed host with the CA certificates to trust, in PEM.
      - Without it the bundle of the Python library C(requests) is used. Verification cannot be switched off.
    type: path
  client_id:
    description:
      - Client whose service account makes the changes (client credentials grant).
    type: str
    required: true
  client_secret:
    description:
      - Secret of that client.
    type: str
    required: true
  token_realm:
    description:
      - Realm in which the client is.
    type: str
    default: master
  timeout:
    description:
      - Seconds to wait for the answer to one request. Requests that may be repeated are sent up to four times.
    type: int
    default: 30
  parallel:
    description:
      - Number of requests in flight at most. More than 8 gains nothing.
    type: int
    default: 4
requirements:
  - "On the managed host: Python 3.9 or newer with requests (Debian: C(python3-requests))"
"""
