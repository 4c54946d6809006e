"""Calls the generated clients by the full name of a method; requests and answers are protobuf JSON."""

import grpc
from google.protobuf import json_format, message_factory
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tandem.authority.v1 import (
    approval_service_pb2, approval_service_pb2_grpc, audit_service_pb2, audit_service_pb2_grpc, authority_service_pb2,
    authority_service_pb2_grpc, plan_service_pb2, plan_service_pb2_grpc, rollout_service_pb2, rollout_service_pb2_grpc,
)
from tandem.inventory.v1 import (
    collection_service_pb2, collection_service_pb2_grpc, device_service_pb2, device_service_pb2_grpc, hierarchy_service_pb2,
    hierarchy_service_pb2_grpc, tenant_service_pb2, tenant_service_pb2_grpc,
)
from tandem.monitoring.v1 import monitoring_service_pb2, monitoring_service_pb2_grpc
from tandem.prerequisites.v1 import custom_rule_service_pb2, custom_rule_service_pb2_grpc
from tandem.prerequisites.v1 import fleet_evaluation_service_pb2, fleet_evaluation_service_pb2_grpc
from tandem.prerequisites.v1 import prerequisites_service_pb2, prerequisites_service_pb2_grpc

DEADLINE_SECONDS = 30
# By the full name of the service: its descriptor and its client.
SERVICES = {
    f"{module.DESCRIPTOR.package}.{name}": (module.DESCRIPTOR.services_by_name[name], stub)
    for module, name, stub in (
        (tenant_service_pb2, "TenantService", tenant_service_pb2_grpc.TenantServiceStub),
        (hierarchy_service_pb2, "HierarchyService", hierarchy_service_pb2_grpc.HierarchyServiceStub),
        (device_service_pb2, "DeviceService", device_service_pb2_grpc.DeviceServiceStub),
        (collection_service_pb2, "CollectionService", collection_service_pb2_grpc.CollectionServiceStub),
        (custom_rule_service_pb2, "CustomRuleService", custom_rule_service_pb2_grpc.CustomRuleServiceStub),
        (fleet_evaluation_service_pb2, "FleetEvaluationService",
         fleet_evaluation_service_pb2_grpc.FleetEvaluationServiceStub),
        (prerequisites_service_pb2, "PrerequisitesService", prerequisites_service_pb2_grpc.PrerequisitesServiceStub),
        (audit_service_pb2, "AuditService", audit_service_pb2_grpc.AuditServiceStub),
        (authority_service_pb2, "AuthorityService", authority_service_pb2_grpc.AuthorityServiceStub),
        (plan_service_pb2, "PlanService", plan_service_pb2_grpc.PlanServiceStub),
        (approval_service_pb2, "ApprovalService", approval_service_pb2_grpc.ApprovalServiceStub),
        (rollout_service_pb2, "RolloutService", rollout_service_pb2_grpc.RolloutServiceStub),
        (monitoring_service_pb2, "MonitoringService", monitoring_service_pb2_grpc.MonitoringServiceStub),
    )
}


class Clients:
    """A client of each service over one channel."""

    def __init__(self, address, token):
        self.channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
        self.credentials = (("authorization", f"Bearer {token}"),)
        self.stubs = {service: stub(self.channel) for service, (_, stub) in SERVICES.items()}

    def ask(self, path, requests, with_token):
        """The answers to a call, as messages. Raises `grpc.RpcError`."""
        service, _, name = path.partition("/")
        method = SERVICES[service][0].methods_by_name[name]
        make = message_factory.GetMessageClass(method.input_type)
        sent = [json_format.ParseDict(request, make()) for request in requests]
        call = getattr(self.stubs[service], name)
        answer = call(
            iter(sent) if method.client_streaming else sent[0],
            timeout=DEADLINE_SECONDS, metadata=self.credentials if with_token else (),
        )
        return list(answer) if method.server_streaming else [answer]


def merged(messages):
    """All messages of a stream in one."""
    whole = type(messages[0])() if messages else None
    for message in messages:
        whole.MergeFrom(message)
    return whole


def as_json(message):
    return json_format.MessageToDict(message) if message is not None else {}


def refusal(error):
    """What the suite says of an error: its code, and from its `google.rpc` details reason, fields and resource."""
    found = {"code": error.code().name}
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        kind = packed.type_url.rpartition(".")[2]
        detail = getattr(error_details_pb2, kind)()
        packed.Unpack(detail)
        if kind == "ErrorInfo":
            found.update(domain=detail.domain, reason=detail.reason)
        elif kind == "BadRequest":
            found["fields"] = [violation.field for violation in detail.field_violations]
        elif kind == "ResourceInfo":
            found["resource"] = detail.resource_name
    return found
