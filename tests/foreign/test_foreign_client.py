"""A client that knows of Tandem only what its server reflects: it makes a fleet through the API and calls every RPC.

    python -m venv VENV && VENV/bin/pip install -r tests/foreign/requirements.txt
    TANDEM_BIN=target/release/tandem VENV/bin/python -m unittest discover tests/foreign

Ends with "N passed, N failed", N counting checks.
"""

import os
import re
import sys
import unittest

from google.protobuf import message_factory

import calls_approvals
import calls_audit
import calls_authority
import calls_collections
import calls_devices
import calls_hierarchies
import calls_monitoring
import calls_plans
import calls_prerequisites
import calls_rollouts
import calls_tenants
from reflected import DEADLINE_SECONDS, ReflectedClient, Refused
from running_server import RunningServer
from table import ANSWERS, CODES, REFUSALS
from tally import CountedTest, Tally
from world import TENANTS, World

__all__ = [
    "calls_approvals", "calls_audit", "calls_authority", "calls_collections", "calls_devices", "calls_hierarchies", "calls_monitoring",
    "calls_plans", "calls_prerequisites", "calls_rollouts", "calls_tenants",
]

PERMISSION = "tandem.type.v1.permission"
PERMISSION_NUMBER = 50701
# What one caller cannot show: a plan is approved by somebody else than who asked for it.
ANSWERED_TO_OTHERS = {"tandem.authority.v1.ApprovalService/ApprovePlan", "tandem.authority.v1.RolloutService/ApproveRollout"}
HEALTH = "grpc.health.v1.Health"
REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"

server = client = world = None


def setUpModule():
    global server, client, world
    unittest.addModuleCleanup(stop)
    try:
        binary = os.environ.get("TANDEM_BIN")
        if not binary:
            raise RuntimeError("TANDEM_BIN must name the tandem binary")
        server = RunningServer(binary)
        server.wait_until_ready()
        client = ReflectedClient(server.address, server.token())
        world = World(client)
        world.seed()
    except BaseException:
        Tally.failed += 1
        raise


def stop():
    if client:
        client.close()
    if server:
        server.stop(show_stderr=Tally.failed > 0)


def tandem_services():
    return [service for service in client.services() if service.startswith("tandem.")]


def tandem_methods():
    return [path for service in tandem_services() for path in client.methods(service)]


class ContractTest(CountedTest):
    """What reflection says, and what holds for every RPC."""

    def test_every_rpc_that_reflection_names_has_checks_of_answer_and_refusal(self):
        found = set(tandem_methods())
        self.assertEqual(len(tandem_services()), 13)
        self.assertEqual(found, set(ANSWERS) | ANSWERED_TO_OTHERS)
        self.assertEqual(found, set(REFUSALS))

    def test_every_rpc_declares_its_permission(self):
        self.assertEqual(client.pool.FindExtensionByName(PERMISSION).number, PERMISSION_NUMBER)
        values = client.pool.FindEnumTypeByName("tandem.type.v1.Permission").values_by_number
        permissions = set(values) - {0}
        undeclared = [path for path in tandem_methods() if client.method_option(path, PERMISSION) not in permissions]
        self.assertEqual(undeclared, [])
        name = values[client.method_option(f"{TENANTS}/GetTenant", PERMISSION)].name
        self.assertEqual(name, "PERMISSION_TENANTS_READ")

    def test_every_checked_reason_is_published(self):
        published = client.enum_names("tandem.type.v1.ErrorReason")
        checked = {f"ERROR_REASON_{refusal.reason}" for refusals in REFUSALS.values() for refusal in refusals}
        self.assertEqual(checked - published, set())

    def test_reflection_v1_lists_the_same_services_as_v1alpha(self):
        request = message_factory.GetMessageClass(client.pool.FindMessageTypeByName("grpc.reflection.v1.ServerReflectionRequest"))
        response = message_factory.GetMessageClass(client.pool.FindMessageTypeByName("grpc.reflection.v1.ServerReflectionResponse"))
        call = client.channel.stream_stream(
            f"/{REFLECTION_V1}/ServerReflectionInfo", request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        (answer,) = call(iter([request(list_services="*")]), timeout=DEADLINE_SECONDS)
        self.assertEqual(sorted(service.name for service in answer.list_services_response.service), client.services())

    def test_health_of_the_server_and_of_each_service_is_serving(self):
        for service in ["", *tandem_services()]:
            with self.subTest(service=service):
                self.assertEqual(client.ask(f"{HEALTH}/Check", {"service": service}, with_token=False), {"status": "SERVING"})

    def test_token_file_is_readable_by_its_owner_alone(self):
        self.assertEqual(server.token_file_mode(), 0o600)


class CredentialsTest(CountedTest):
    """No RPC answers a caller without the token."""

    def test_every_rpc_without_token_is_unauthenticated(self):
        for path in tandem_methods():
            with self.subTest(path=path):
                request = [] if client.method(path).client_streaming else {}
                with self.assertRaises(Refused) as refused:
                    client.ask(path, request, with_token=False)
                assert_refused(self, refused.exception, "UNAUTHENTICATED")


def assert_refused(check, refused, reason):
    """One `ErrorInfo` of domain `tandem` with that reason, under its documented code."""
    infos = [(info.domain, info.reason) for info in refused.details.get("ErrorInfo", [])]
    check.assertEqual((refused.code, infos), (CODES[reason], [("tandem", reason)]), str(refused))


def answer_test(function):
    return lambda check: function(check, world)


def refusal_test(path, refusal):
    def test(check):
        request = refusal.request(world) if callable(refusal.request) else refusal.request
        with check.assertRaises(Refused) as raised:
            client.ask(path, request)
        refused = raised.exception
        assert_refused(check, refused, refusal.reason)
        if refusal.reason == "INVALID_FIELD":
            fields = [violation.field for bad in refused.details["BadRequest"] for violation in bad.field_violations]
            check.assertTrue(fields)
            if refusal.field:
                check.assertEqual(fields, [refusal.field])
        if refusal.resource:
            check.assertEqual([info.resource_name for info in refused.details["ResourceInfo"]], [refusal.resource])

    return test


def add_tests_of_the_table():
    """One test case per service, one test per row."""
    cases = {}
    for path, functions in ANSWERS.items():
        service, _, method = path.partition("/")
        for function in functions:
            cases.setdefault(service, {})[f"test_{method}_{function.__name__}"] = answer_test(function)
    for path, refusals in REFUSALS.items():
        service, _, method = path.partition("/")
        for refusal in refusals:
            where = re.sub(r"\W+", "_", refusal.field or "")
            name = f"test_{method}_refuses_with_{refusal.reason}_{where}".rstrip("_")
            assert name not in cases.setdefault(service, {}), f"{name}: two rows of one name"
            cases[service][name] = refusal_test(path, refusal)
    for service, tests in cases.items():
        name = f"{service.rpartition('.')[2]}Test"
        setattr(sys.modules[__name__], name, type(name, (CountedTest,), {"__module__": __name__, **tests}))


add_tests_of_the_table()

if __name__ == "__main__":
    unittest.main()
