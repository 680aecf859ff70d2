"""Documentation of the action `validate`, which runs on the control node."""

from __future__ import annotations

DOCUMENTATION = """
module: validate
short_description: Refuse a bad inventory before a host is touched
description:
  - Checks the variables of the role that calls it, on the control node, without a connection, facts or registered results.
  - Values are checked against the entry point C(main) of the role's C(meta/argument_specs.yml).
  - A variable that begins with the role's name and stands in no argument spec is refused with the nearest name.
  - The rules of the role's C(meta/rules.yml) are evaluated. Each is a mapping with C(variable) (its name, shown; may hold a
    template), C(that) (one condition or a list), C(allowed) (in words), and where useful C(loop) (an expression that gives a list
    or a mapping; the condition then uses C(item)), C(when), C(value) (a template, shown), C(secret) (never show the value),
    C(why), C(set_in). An entry C(remember) names a variable that is evaluated there, once for all rules that follow.
  - What was found good is not evaluated again while the playbook runs, unless a variable was given another value since. Hosts that are told the same, in all
    that the rules name, are evaluated once; a rule that sees more than it names, as with the lookups C(vars) and C(declared), is evaluated on each host.
  - All problems are collected and shown together. The value of an option with C(no_log) is never shown.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options: {}
attributes:
  check_mode:
    support: full
    description: Checks only.
"""

EXAMPLES = """
# roles/web/tasks/validate.yml; roles/web/meta/rules.yml holds for example
#   - variable: "web_sites.{{ item.key }}.url"
#     loop: web_sites
#     that: item.value.url is match('https://')
#     value: "{{ item.value.url }}"
#     allowed: an https URL
- name: Check the variables of this role
  panosc.facility.validate:
"""

RETURN = """
problems:
  description: What is wrong, one entry each; empty when nothing is.
  returned: always
  type: list
  elements: dict
  sample:
    - variable: keycloak_version
      found: is '26.7.4'
      allowed: 26.7.5 or newer
"""
