"""What the checks ask about: the tenant `contoso`, made through the API alone.

Hierarchy PS1 has the sites PS1 (version 2509) and PS2 (2309). Its policy: compliance and Windows Update at Intune, client apps
at Pilot Intune for collection PS100042, the rest at Configuration Manager; automatic enrolment for all. Nothing here grows old:
no answer that is checked depends on the day of the run.

| device | told by | story |
|---|---|---|
| WS-01 | PS1, Intune | co-managed, hybrid joined, in the pilot collection; reports what it should |
| WS-02 | PS1 | co-managed, hybrid joined, not in the pilot collection, yet reports client apps at Intune: drift |
| WS-03 | PS1 | hybrid joined, enrolment scheduled |
| WS-04 | PS1 | Entra joined, enrolment failed with 0x80180018 |
| WS-05 | Intune | Entra joined, no client |
| WS-06 | PS1 | client beside a third-party MDM |
| WS-07 | PS1, Entra | client on Windows 10 1703, only registered |
| WS-08 | Intune | a second record of WS-05's Entra id: an identity conflict |
"""

TENANT = "tenants/contoso"
HIERARCHY = f"{TENANT}/hierarchies/PS1"
SITE = f"{HIERARCHY}/sites/PS1"
POLICY = f"{HIERARCHY}/coManagementPolicy"
PILOT = f"{HIERARCHY}/collections/PS100042"
NOBODY = "tenants/nobody"

TENANTS = "tandem.inventory.v1.TenantService"
HIERARCHIES = "tandem.inventory.v1.HierarchyService"
COLLECTIONS = "tandem.inventory.v1.CollectionService"
DEVICES = "tandem.inventory.v1.DeviceService"
AUTHORITY = "tandem.authority.v1.AuthorityService"
PREREQUISITES = "tandem.prerequisites.v1.PrerequisitesService"
CUSTOM_RULES = "tandem.prerequisites.v1.CustomRuleService"
FLEET_EVALUATION = "tandem.prerequisites.v1.FleetEvaluationService"
MONITORING = "tandem.monitoring.v1.MonitoringService"

OBSERVED_AT = "2026-06-01T12:00:00Z"
# 8193 is the baseline of site versions from 2111 on; 2 compliance, 4 resource access, 16 Windows Update, 64 client apps
# (fact pack, workloads.toml).
CAPABILITY = 8193 + 2 + 4 + 16 + 64
# Windows 11 24H2, and Windows 10 1703, the last release before 1709 (fact pack, windows_releases.csv).
WINDOWS_11_24H2 = "10.0.26100.1000"
WINDOWS_10_1703 = "10.0.15063.0"
# MENROLL_E_USERLICENSE (fact pack, enrollment_errors.csv).
LICENSE_ERROR = 0x80180018

TENANT_FACTS = {
    "entra_plan": "ENTRA_PLAN_P1",
    "mdm_authority": "MDM_AUTHORITY_INTUNE",
    "intune_subscription_state": "SUBSCRIPTION_STATE_ACTIVE",
    "mdm_user_scope": "USER_SCOPE_ALL",
    "wip_user_scope": "USER_SCOPE_NONE",
    "mdm_urls_default": True,
    "default_enrollment_restriction_allows_windows": True,
    "cloud": "CLOUD_PUBLIC",
    "hybrid_identity_method": "HYBRID_IDENTITY_METHOD_PHS_SSO",
    "entra_connect_version": "2.4.18.0",
    "authority_texts": {"Microsoft Intune": "MDM_PROVIDER_INTUNE", "AirWatch": "MDM_PROVIDER_THIRD_PARTY"},
    "attestations": {"lic.configmgr_rights": {"attested": True, "by": "erin@example.com", "at": "2026-05-01T09:00:00Z"}},
}

SITE_FACTS = {
    "display_name": "Primary site Oslo",
    "version": "2509",
    "entra_onboarded": True,
    "cmg_present": False,
    "client_setting_software_updates": False,
    "client_auth": "CLIENT_AUTH_ENTRA",
}


def guid(number):
    return f"0d7b6c51-4a3f-4b18-8f2d-{number:012}"


def sms_id(number):
    return f"GUID:6D1E0F9A-1B2C-4D3E-8F90-{number:012}"


def site_key(number):
    """The key of WS-`number` in the hierarchy."""
    return f"PS1/{16777300 + number}"


def section(key, kind, body):
    return {"key": key, "observed_at": OBSERVED_AT, kind: body}


def client(number, build=WINDOWS_11_24H2, domain_joined=False, **co_management):
    """The three rows that a site keeps of a device with the client."""
    key, name = site_key(number), f"WS-{number:02}"
    discovery = {
        "name": name,
        "sms_unique_identifier": sms_id(number),
        "client": True,
        "operating_system": "Microsoft Windows NT Workstation 10.0",
        "assigned_site": "PS1",
    }
    if domain_joined:
        discovery["distinguished_name"] = f"CN={name},OU=Workstations,DC=contoso,DC=example"
    console = {"name": name, "sms_id": sms_id(number), "site_code": "PS1", "is_client": True, "device_os_build": build}
    state = {"name": name, "site_code": "PS1", "entra_device_id": guid(number).upper(), **co_management}
    return [section(key, "discovery", discovery), section(key, "device", console), section(key, "co_management_state", state)]


def co_managed(number):
    return client(
        number, domain_joined=True, mdm_enrolled=True, mdm_provisioned=True, policy_present=True, hybrid_joined=True,
        entra_joined=False, authority="Microsoft Intune", mdm_workloads=str(CAPABILITY),
    )


def intune_record(number, entra_device_id, agent, **more):
    """A managed device of Graph beta; its Intune id ends in 1000 + `number`."""
    body = {
        "entra_device_id": entra_device_id,
        "device_name": f"WS-{number:02}",
        "operating_system": "Windows",
        "os_version": WINDOWS_11_24H2,
        "serial_number": f"5CG{number:07}",
        "management_agent": agent,
        "management_state": "managed",
        **more,
    }
    return section(guid(1000 + number), "managed_device_beta", body)


SITE_SECTIONS = [
    *co_managed(1),
    *co_managed(2),
    *client(3, domain_joined=True, mdm_enrolled=False, policy_present=True, hybrid_joined=True, enrollment_scheduled=True),
    *client(4, mdm_enrolled=False, policy_present=True, hybrid_joined=False, entra_joined=True, enrollment_failed=True,
            enrollment_status_code=LICENSE_ERROR),
    *client(6, mdm_enrolled=True, mdm_provisioned=True, policy_present=False, entra_joined=True, authority="AirWatch"),
    *client(7, build=WINDOWS_10_1703, mdm_enrolled=False),
]

INTUNE_SECTIONS = [
    intune_record(1, guid(1), "configurationManagerClientMdm", join_type="hybridAzureADJoined", client_features={
        "inventory": False, "compliance_policy": True, "device_configuration": False, "modern_apps": True,
        "resource_access": True, "windows_update_for_business": True, "endpoint_protection": False, "office_apps": False,
    }),
    intune_record(5, guid(5), "mdm", join_type="azureADJoined"),
    intune_record(8, guid(5), "mdm", join_type="azureADJoined"),
]

ENTRA_SECTIONS = [section(guid(7), "directory_device", {"device_id": guid(7), "display_name": "WS-07", "trust_type": "Workplace"})]

PILOT_POLICY = {
    "name": POLICY,
    "enabled": True,
    "auto_enrollment": {"mode": "AUTO_ENROLLMENT_MODE_ALL"},
    "workloads": [
        {"workload": "WORKLOAD_COMPLIANCE_POLICIES", "slider": "SLIDER_POSITION_INTUNE"},
        {"workload": "WORKLOAD_WINDOWS_UPDATE_POLICIES", "slider": "SLIDER_POSITION_INTUNE"},
        {"workload": "WORKLOAD_CLIENT_APPS", "slider": "SLIDER_POSITION_PILOT_INTUNE", "pilot_collection": "PS100042"},
    ],
}


class World:
    """The seeded system."""

    def __init__(self, client):
        self.client = client
        self.devices = {}
        self.token = ""

    def ask(self, path, request):
        return self.client.ask(path, request)

    def device(self, number):
        """The resource name of WS-`number`."""
        return self.devices[f"WS-{number:02}"]

    def seed(self):
        ask = self.ask
        ask(f"{TENANTS}/CreateTenant", {"tenant": {"name": TENANT, "display_name": "Contoso"}})
        ask(f"{TENANTS}/UpdateTenant", {"tenant": {"name": TENANT, "display_name": "Contoso", "facts": TENANT_FACTS}})
        hierarchy = {"name": HIERARCHY, "display_name": "Nordics"}
        ask(f"{HIERARCHIES}/UpdateHierarchy", {"hierarchy": hierarchy, "allow_missing": True})
        for code, facts in (("PS1", SITE_FACTS), ("PS2", {"parent": "PS1", "version": "2309"})):
            site = {"name": f"{HIERARCHY}/sites/{code}", "facts": facts}
            ask(f"{HIERARCHIES}/UpdateSite", {"site": site, "allow_missing": True})
        ask(f"{COLLECTIONS}/ImportCollections", [{
            "parent": HIERARCHY,
            "sequence": 1,
            "collections": [
                {"collection": "SMS00001", "display_name": "All Systems"},
                {"collection": "PS100042", "display_name": "Pilot client apps", "limiting_collection": "SMS00001",
                 "member_count": 1, "observed_at": OBSERVED_AT},
            ],
            "members": [{"collection": "PS100042", "keys": [site_key(1)], "replace": True, "complete": True}],
        }])
        # Two revisions: first nothing is set up.
        first = ask(f"{AUTHORITY}/UpdateCoManagementPolicy", {"policy": {"name": POLICY}})["policy"]
        ask(f"{AUTHORITY}/UpdateCoManagementPolicy", {"policy": {**PILOT_POLICY, "etag": first["etag"]}})
        reported = ask(f"{DEVICES}/ReportDevices", [
            {"parent": TENANT, "source": "configmgr/PS1", "sequence": 1, "sections": SITE_SECTIONS},
            {"source": "intune", "sequence": 2, "sections": INTUNE_SECTIONS},
            {"source": "entra", "sequence": 3, "sections": ENTRA_SECTIONS},
        ])
        refused = [line for answer in reported for line in answer.get("refused", [])]
        assert not refused, refused
        self.find_devices(reported[-1]["consistency_token"])

    def find_devices(self, token):
        listed = self.ask(f"{DEVICES}/ListDevices", {"parent": TENANT, "consistency_token": token})
        self.devices = {device["facts"]["display_name"]: device["name"] for device in listed["devices"]}
        # The authority's answer names the inventory's world and its own: later reads see no older one.
        judged = self.ask(f"{AUTHORITY}/BatchGetEffectiveAuthority", {
            "parent": TENANT, "names": [self.device(1)], "consistency_token": listed["consistency_token"],
        })
        self.token = judged["consistency_token"]

    def own_tenant(self, tenant):
        """A tenant for one check alone, with a hierarchy PS1: checks that change something do not see each other."""
        name = f"tenants/{tenant}"
        self.ask(f"{TENANTS}/CreateTenant", {"tenant": {"name": name}})
        hierarchy = {"name": f"{name}/hierarchies/PS1"}
        self.ask(f"{HIERARCHIES}/UpdateHierarchy", {"hierarchy": hierarchy, "allow_missing": True})
        return name

    def report(self, tenant, sections, source="configmgr/PS1"):
        """Reports one batch; its acknowledgement."""
        batch = {"parent": tenant, "source": source, "sequence": 1, "sections": sections}
        return self.ask(f"{DEVICES}/ReportDevices", [batch])[0]

    def own_device(self, tenant):
        """A tenant as above with one device: both names."""
        name = self.own_tenant(tenant)
        token = self.report(name, client(1))["consistency_token"]
        listed = self.ask(f"{DEVICES}/ListDevices", {"parent": name, "consistency_token": token})
        return name, listed["devices"][0]["name"]
